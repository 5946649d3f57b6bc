/**
 * What time alone brings about in a shard: deadlines of holds, looks at payments that are due, the slots of bookings.
 * A decision that relies on an expiry writes that expiry first, in the same transaction; the alarm is only a janitor.
 */
import { required } from '../domain/assert.ts';
import type { Payment } from '../domain/booking/booking.ts';
import { CLOSING_GRACE_MS, type Hold } from '../domain/hold/hold.ts';
import { SECOND_MS } from '../domain/time.ts';
import { dropChange } from './booking-change.ts';
import { passBookingTime } from './booking-time.ts';
import { moveBooking, moveHold } from './transitions.ts';
import { CLOCK_ACTOR, type ShardState } from './shard-state.ts';
import { makeOffers, passLastOffer } from './waitlist/make-offers.ts';
import { isPaymentOpen } from './payment-plan.ts';

/** How long a wake-up that was handed to a queue may take before it is handed over again. */
export const WAKE_UP_AGAIN_MS = 30 * SECOND_MS;

/** True when something is due, so that even a read has to write first. */
export function hasDue(shard: ShardState, nowMs: number): boolean {
  const earliest = shard.deadlines.earliestMs;
  return earliest !== null && earliest <= nowMs;
}

/** Settles everything that is due at the transaction's instant. Must run before any decision of that transaction. */
export function settleDeadlines(shard: ShardState): void {
  for (;;) {
    const id = shard.deadlines.takeDue(shard.nowMs);
    if (id === null) break;
    if (id.startsWith('hld_'))
      passHoldDeadline(shard, required(shard.store.hold(id), 'a hold with a deadline'));
    else if (id.startsWith('wtl_')) passLastOffer(shard, id);
    else {
      wakePayment(shard, id);
      passBookingTime(shard, id);
    }
  }
  makeOffers(shard);
}

function passHoldDeadline(shard: ShardState, hold: Hold): void {
  if (hold.state === 'committed') return void shard.retireHold(hold);
  if (hold.expiresAtMs > shard.nowMs) return; // The deadline has moved since this entry was made.
  if (hold.state === 'active') {
    const payment = payingFor(shard, hold);
    if (payment === null || !isPaymentOpen(payment)) return expireHold(shard, hold);
    moveHold(shard, hold, {
      event: 'close',
      actor: CLOCK_ACTOR,
      reason: 'deadline passed, payment open',
    });
    shard.savePayment({ ...payment, dueAtMs: shard.nowMs + WAKE_UP_AGAIN_MS });
    shard.wakeUps.add(payment.bookingId);
    return;
  }
  if (hold.state === 'closing' && hold.expiresAtMs + CLOSING_GRACE_MS <= shard.nowMs)
    expireHold(shard, hold);
}

/** Ends a hold that nobody paid in time, and the booking that waited for it. */
export function expireHold(shard: ShardState, hold: Hold): void {
  moveHold(shard, hold, { event: 'expire', actor: CLOCK_ACTOR, reason: 'deadline passed' });
  const booking = hold.bookingId === null ? null : shard.store.booking(hold.bookingId);
  if (booking?.change?.holdId === hold.id)
    return dropChange(shard, booking.id, { actor: CLOCK_ACTOR, reason: 'deadline passed' });
  if (booking?.state === 'pending') {
    moveBooking(shard, booking, { event: 'expire', actor: CLOCK_ACTOR, reason: 'hold expired' });
  }
}

/** The payment that the hold waits for: its booking's, or that of a move to its slots. */
function payingFor(shard: ShardState, { id, bookingId }: Hold): Payment | null {
  if (bookingId === null) return null;
  const change = shard.store.booking(bookingId)?.change ?? null;
  return change?.holdId === id
    ? shard.store.payment(change.paymentId)
    : shard.store.currentPayment(bookingId);
}

function wakePayment(shard: ShardState, bookingId: string): void {
  for (const payment of shard.store.paymentsOf(bookingId)) {
    if (payment.dueAtMs === null || payment.dueAtMs > shard.nowMs) continue;
    shard.wakeUps.add(bookingId);
    shard.savePayment({ ...payment, dueAtMs: shard.nowMs + WAKE_UP_AGAIN_MS });
  }
}
