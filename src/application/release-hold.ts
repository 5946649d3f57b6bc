/** Giving a hold up before its deadline. Synchronous, inside the shard's transaction. */
import type { Caller, Reply } from '../contracts/calls.ts';
import type { ReleasedHold } from '../contracts/durable-rpc.ts';
import { ok, refuse } from '../domain/result.ts';
import { ownHold } from './place-hold.ts';
import { takeStep } from './payment-commands.ts';
import { openNotices } from './quota-outbox.ts';
import { actorOf } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveHold } from './transitions.ts';

/** Gives up a hold; one with an open payment is closed first, through the step that comes back. */
export function releaseHold(shard: ShardState, caller: Caller, id: string): Reply<ReleasedHold> {
  const hold = ownHold(shard, caller, id);
  if (hold === null) return refuse('not_found', 'There is no such hold.');
  if (hold.state === 'committed') return refuse('hold_committed', 'A booking has taken the hold.');
  if (hold.state === 'released' || hold.state === 'expired')
    return ok({ bookingId: null, step: { kind: 'idle' }, notices: openNotices(shard, hold) });
  const booking = hold.bookingId === null ? null : shard.store.booking(hold.bookingId);
  // The booking that it is to move stays as it is.
  if (booking !== null && booking.holdId !== hold.id && booking.change !== null)
    return refuse('hold_committed', 'A booking is moving to these slots.');
  const payment = booking === null ? null : shard.store.currentPayment(booking.id);
  if (payment?.state === 'authorized')
    return refuse('hold_committed', 'The hold is being paid for.');
  const actor = actorOf(shard, caller);
  moveHold(shard, hold, { event: 'release', actor });
  if (booking !== null)
    moveBooking(shard, booking, { event: 'cancel', actor, reason: 'hold released' });
  const notices = openNotices(shard, hold);
  if (booking === null) return ok({ bookingId: null, step: { kind: 'idle' }, notices });
  const bookingId = booking.id;
  const next = takeStep(shard, { bookingId, cause: 'request', look: false, looked: [] });
  return ok({ bookingId, step: next, notices });
}
