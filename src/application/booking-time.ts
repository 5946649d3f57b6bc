/**
 * What the clock alone does to a booking: its slots begin and end, and the time to approve it passes. Somebody who was not checked in is no no-show by that:
 * only a person says so. Synchronous, inside the shard's transaction; called where deadlines are settled.
 */
import { bookingDueAtMs } from '../domain/booking/attendance.ts';
import type { Booking } from '../domain/booking/booking.ts';
import type { BookingEvent, BookingState } from '../domain/booking/booking-machine.ts';
import { required } from '../domain/assert.ts';
import { endRequest } from './approvals.ts';
import { decideSession, isPledge } from './pledges.ts';
import { CLOCK_ACTOR, type ShardState } from './shard-state.ts';
import { moveBooking } from './transitions.ts';

/** What the clock says, and why, to a booking whose instant has come. */
const EVENT_OF_TIME: {
  readonly [state in BookingState]?: { readonly event: BookingEvent; readonly reason: string };
} = {
  confirmed: { event: 'start', reason: 'the slot began' },
  in_progress: { event: 'complete', reason: 'the slot ended' },
};

/** Moves a booking on as far as its time has come; an entry that is out of date moves nothing. */
export function passBookingTime(shard: ShardState, bookingId: string): void {
  let booking = shard.store.booking(bookingId);
  while (booking !== null && isDue(booking, shard.nowMs)) {
    if (booking.state === 'awaiting_approval') return endInTime(shard, booking);
    const said = EVENT_OF_TIME[booking.state];
    if (said === undefined) return;
    booking = moveBooking(shard, booking, { ...said, actor: CLOCK_ACTOR });
  }
}

function endInTime(shard: ShardState, booking: Booking): void {
  if (isPledge(booking)) decideSession(shard, required(booking.items[0], 'a slot').slotId);
  const isPledged = isPledge(booking);
  if (shard.store.booking(booking.id)?.state !== 'awaiting_approval') return;
  const reason = isPledged ? 'too few had pledged' : 'nobody approved it in time';
  endRequest(shard, booking, { event: 'expire', actor: CLOCK_ACTOR, reason });
}

function isDue(booking: Booking, nowMs: number): boolean {
  const dueAtMs = bookingDueAtMs(booking);
  return dueAtMs !== null && dueAtMs <= nowMs;
}
