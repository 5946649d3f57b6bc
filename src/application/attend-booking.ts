/**
 * The customer came, or did not: check-in, completion by hand, no-show. Synchronous, inside the shard's transaction;
 * called for the seller of the booking. Quota stays spent whatever became of the visit.
 */
import { keptOfNoShow, noShowObstacle } from '../domain/booking/attendance.ts';
import type { Booking } from '../domain/booking/booking.ts';
import { BOOKING_MACHINE, type BookingEvent } from '../domain/booking/booking-machine.ts';
import { isTicketFor, type ShownTicket } from '../domain/booking/ticket.ts';
import { step } from '../domain/machine.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import { earningPayments, leftMinor, refundAcross } from './booking-refunds.ts';
import { settleBookingRefunded } from './refunds.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking } from './transitions.ts';

/** Once per booking; also early, and also where the clock has begun the booking. Refusals: invalid_transition. */
export function checkIn(shard: ShardState, booking: Booking, actor: string): Refusal | null {
  const refusal = transitionRefusal(booking, 'start');
  if (refusal !== null) return refusal;
  if (booking.checkedInAtMs !== null)
    return refuse('invalid_transition', 'The customer was checked in before.', {
      status: booking.state,
    }).refusal;
  const seen = witnessed(shard, booking, { actor, type: 'booking.checked_in' });
  moveBooking(shard, seen, { event: 'start', actor, reason: 'checked in' });
  return null;
}

/**
 * A ticket that is shown must be one for this booking as it is now. Refusals: validation_failed for a text that is no ticket
 * of ours or not good now, invalid_transition for one whose booking was changed since. That it was used before shows in
 * the booking: it was checked in.
 */
export function ticketRefusal(
  shard: ShardState,
  booking: Booking,
  ticket: ShownTicket | 'invalid' | null,
): Refusal | null {
  if (ticket === null) return null;
  if (ticket === 'invalid' || ticket.bookingId !== booking.id)
    return refuse('validation_failed', 'The ticket is not one for this booking, or not good now.', {
      errors: [{ pointer: '/ticket', detail: 'is no ticket for this booking' }],
    }).refusal;
  if (isTicketFor(booking, ticket, shard.ports.digest)) return null;
  return refuse('invalid_transition', 'The ticket is older than the last change of the booking.', {
    status: booking.state,
  }).refusal;
}

/** By hand, before the clock does it; whoever says so has seen the customer. Refusals: invalid_transition. */
export function complete(shard: ShardState, booking: Booking, actor: string): Refusal | null {
  const refusal = transitionRefusal(booking, 'complete');
  if (refusal !== null) return refusal;
  const seen = witnessed(shard, booking, { actor, type: 'booking.attended' });
  moveBooking(shard, seen, { event: 'complete', actor });
  return null;
}

/**
 * Nobody came: what the service keeps of such bookings stays, the rest goes back. From the start of the first slot until
 * a day after the last one's end, and never of somebody who was seen. Refusals: invalid_transition.
 */
export function markNoShow(shard: ShardState, booking: Booking, actor: string): Refusal | null {
  const refusal = transitionRefusal(booking, 'mark_no_show');
  if (refusal !== null) return refusal;
  const obstacle = noShowObstacle(booking, shard.nowMs);
  if (obstacle !== null)
    return refuse('invalid_transition', obstacle, { status: booking.state }).refusal;
  moveBooking(shard, booking, { event: 'mark_no_show', actor });
  giveBackRest(shard, booking, actor);
  // All of it may have gone back before.
  settleBookingRefunded(shard, booking.id, actor);
  return null;
}

/** A repeat is refused, too: each of these happens once. */
function transitionRefusal(booking: Booking, event: BookingEvent): Refusal | null {
  const outcome = step(BOOKING_MACHINE, booking.state, event);
  if (outcome.ok && (outcome.moved || booking.state === 'in_progress')) return null;
  return refuse('invalid_transition', `A booking that is ${booking.state} refuses this.`, {
    status: booking.state,
  }).refusal;
}

/** Somebody at the venue saw the customer; from then on nobody may say that they did not come. */
function witnessed(
  shard: ShardState,
  booking: Booking,
  { actor, type }: { actor: string; type: string },
): Booking {
  if (booking.checkedInAtMs !== null) return booking;
  shard.record({
    entityId: booking.id,
    parentId: null,
    type,
    from: booking.state,
    to: booking.state,
    actor,
  });
  return shard.saveBooking({ ...booking, checkedInAtMs: shard.nowMs });
}

/** Money of earlier refunds is not given back twice, and makes what is kept no larger. */
function giveBackRest(shard: ShardState, booking: Booking, actor: string): void {
  const payments = earningPayments(shard, booking.id);
  const amountMinor = leftMinor(shard, payments) - keptOfNoShow(booking.items);
  refundAcross(shard, payments, { amountMinor, reason: 'no-show', actor });
}
