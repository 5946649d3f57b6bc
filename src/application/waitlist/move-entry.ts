/**
 * The only place where an entry of a waiting line changes state: step the table, write the row, link the event, in the
 * caller's transaction. A step that the table refuses is a broken invariant here.
 */
import { invariant } from '../../domain/assert.ts';
import { step } from '../../domain/machine.ts';
import { WAITLIST_MACHINE, type WaitlistEvent } from '../../domain/waitlist/waitlist-machine.ts';
import type { WaitlistEntry } from '../../domain/waitlist/waitlist.ts';
import type { ShardState } from '../shard-state.ts';
import type { Cause } from '../transitions.ts';

/** Moves an entry; only an offer brings a hold with it, and every other move takes it away. */
export function moveEntry(
  shard: ShardState,
  entry: WaitlistEntry,
  move: Cause & {
    event: WaitlistEvent;
    offer?: Pick<WaitlistEntry, 'holdId' | 'offerEndsAtMs'>;
  },
): WaitlistEntry {
  const { event, offer = { holdId: null, offerEndsAtMs: null }, ...cause } = move;
  const outcome = step(WAITLIST_MACHINE, entry.state, event);
  invariant(outcome.ok, `waitlist entry ${entry.id} is ${entry.state} and refuses ${event}`);
  if (!outcome.moved) return entry;
  const after = { ...entry, ...offer, state: outcome.to, isTold: false };
  shard.store.updateEntry(after);
  shard.waitlist.put(after);
  shard.record({
    entityId: entry.id,
    parentId: entry.slotId,
    type: `waitlist.${outcome.to}`,
    from: outcome.from,
    to: outcome.to,
    ...cause,
  });
  return after;
}

/** The hold of an offer has ended while its entry was still offered: its time is over, or the seller took it back. */
export function endOffer(
  shard: ShardState,
  entryId: string,
  { isOver, ...cause }: Cause & { isOver: boolean },
): void {
  const entry = shard.waitlist.entry(entryId);
  if (entry?.state !== 'offered') return; // Whoever ended the hold moved the entry first.
  moveEntry(shard, entry, { event: isOver ? 'lapse' : 'withdraw', ...cause });
  // The time for offers may have passed meanwhile.
  if (!isOver) shard.deadlines.push(shard.nowMs, entry.id);
}
