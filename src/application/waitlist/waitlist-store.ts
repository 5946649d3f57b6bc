/** What the waiting lines need of a shard's storage. Synchronous, like everything inside the shard's transaction. */
import type { WaitlistEntry } from '../../domain/waitlist/waitlist.ts';

export interface WaitlistStore {
  /** Adds an entry at the end of its line, and gives its place of arrival. Refused by storage where its customer stands in that line. */
  insertEntry(entry: Omit<WaitlistEntry, 'seq'>): number;
  /** Replaces what may change of an entry: state and offer. */
  updateEntry(entry: WaitlistEntry): void;
  waitlistEntry(id: string): WaitlistEntry | null;
  /** Entries that are in a line, in order of arrival. */
  entriesInLine(): WaitlistEntry[];
}
