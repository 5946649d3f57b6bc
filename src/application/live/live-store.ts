/**
 * What live availability needs of a shard's storage: what is watched, and the messages of the recent past. Synchronous,
 * like everything inside the shard's transaction.
 */
import type { EpochMs } from '../../domain/time.ts';

/**
 * One numbered change. `start`: from here on the topic's changes are kept. `cut`: so much changed at once that only a
 * snapshot tells it. `slot`, `booking`: what it shows from here on, as JSON.
 */
export interface LiveRow {
  readonly seq: number;
  /** Id of the service or booking that it is about, or of the provider for the start of its topic. */
  readonly topic: string;
  readonly type: 'start' | 'cut' | 'slot' | 'booking';
  readonly data: string;
}

/** A topic whose changes are kept: watched now (`untilMs` null), or not for long enough to forget it. */
export interface KeptTopic {
  readonly topic: string;
  readonly untilMs: EpochMs | null;
}

export interface LiveStore {
  topics(): KeptTopic[];
  saveTopic(kept: KeptTopic): void;
  forgetTopic(topic: string): void;
  /** The last number given; 0 before the first. */
  headSeq(): number;
  append(rows: readonly LiveRow[]): void;
  /** The topic's rows after a number, oldest first; with `withServices` those of all services too. */
  rowsAfter(query: {
    topic: string;
    withServices: boolean;
    afterSeq: number;
    limit: number;
  }): LiveRow[];
  /** Forgets rows through a number, never the newest one: numbers are not given twice. */
  trim(throughSeq: number): void;
}
