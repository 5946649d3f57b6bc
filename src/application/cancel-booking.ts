/** Cancelling a booking, up to the first call of a processor. Synchronous, inside the shard's transaction. */
import { isOwnedBy } from '../contracts/calls.ts';
import type { CancelBookingCommand, OpenBookingReply } from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import { required } from '../domain/assert.ts';
import { BOOKING_MACHINE } from '../domain/booking/booking-machine.ts';
import { keptMinor, standing } from '../domain/booking/booked-items.ts';
import type { Booking } from '../domain/booking/booking.ts';
import { isWithinPolicy, refundDue } from '../domain/booking/cancellation-policy.ts';
import { step } from '../domain/machine.ts';
import { refuse } from '../domain/result.ts';
import type { Refusal } from '../domain/result.ts';
import { endRequest } from './approvals.ts';
import { dropChange } from './booking-change.ts';
import { beginWork } from './booking-calls.ts';
import { earningPayments, leftMinor, refundAcross } from './booking-refunds.ts';
import { cancelSlots, namesAllStanding, sharesKept } from './cancel-slots.ts';
import { lookUpCall, remember } from './keyed-calls.ts';
import { isPaymentOpen } from './payment-plan.ts';
import { actorOf, managedBooking, visibleBooking } from './read-booking.ts';
import { settleBookingRefunded } from './refunds.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveHold } from './transitions.ts';

/** `POST /v1/bookings/{id}/cancel`, up to the first call of a processor. */
export function cancelBooking(shard: ShardState, command: CancelBookingCommand): OpenBookingReply {
  const keyed = { callerId: command.caller.id, call: command.call };
  const verdict = lookUpCall<BookingView>(shard, keyed);
  if (verdict.kind === 'answered') return { kind: 'final', reply: verdict.reply };
  if (verdict.kind === 'resume')
    return beginWork(shard, command, { bookingId: verdict.recoveryId, look: true });
  const refusal = cancel(shard, command);
  if (refusal === null)
    return beginWork(shard, command, { bookingId: command.bookingId, look: false });
  return { kind: 'final', reply: remember(shard, keyed, { ok: false, refusal }) };
}

/** Cancels a booking, or some of its slots, for whoever may, and asks for the money to go back; null when it is done. */
export function cancel(
  shard: ShardState,
  command: Omit<CancelBookingCommand, 'call'>,
): Refusal | null {
  const found = cancellable(shard, command);
  if (found === null) return refuse('not_found', 'There is no such booking.').refusal;
  const { booking, isByCustomer, actor } = found;
  const outcome = step(BOOKING_MACHINE, booking.state, 'cancel');
  if (!outcome.ok) {
    return refuse(outcome.refuse, `A booking that is ${booking.state} cannot be cancelled.`, {
      status: booking.state,
    }).refusal;
  }
  const slotIds = command.slotIds ?? standing(booking.items).map(({ slotId }) => slotId);
  if (!namesAllStanding(booking, slotIds)) {
    const { reason } = command;
    return cancelSlots(shard, booking, { slotIds, reason, isByCustomer, actor });
  }
  if (booking.state === 'awaiting_approval') {
    endRequest(shard, booking, { event: 'cancel', actor, reason: command.reason });
    return null;
  }
  dropChange(shard, booking.id, { actor, reason: 'booking cancelled' });
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  moveBooking(shard, required(shard.store.booking(booking.id), 'a booking stays'), {
    event: 'cancel',
    actor,
    reason: command.reason,
  });
  if (hold.state === 'committed')
    moveHold(shard, hold, {
      event: 'free',
      actor,
      reason: 'booking cancelled',
      keptShares: sharesKept(shard, hold, { isByCustomer, slotIds }),
      keepsCoupon: isByCustomer && !isAnyWithinPolicy(shard, booking),
    });
  if (hold.state === 'active' || hold.state === 'closing')
    moveHold(shard, hold, { event: 'release', actor, reason: 'booking cancelled' });
  giveBack(shard, { booking, isByCustomer, actor });
  // All of it may have gone back before.
  settleBookingRefunded(shard, booking.id, actor);
  return null;
}

/** A customer who cancels where the ladder gives back nothing any more has used the coupon. */
function isAnyWithinPolicy({ nowMs }: ShardState, { items }: Booking): boolean {
  return standing(items).some((item) => isWithinPolicy({ ...item, cancelledAtMs: nowMs }));
}

type CancelledBy = Pick<CancelBookingCommand, 'caller' | 'bookingId' | 'manageToken'>;

/** The booking for whoever may cancel it, as customer or as seller; null where it does not exist for them. */
function cancellable(
  shard: ShardState,
  { caller, bookingId, manageToken }: CancelledBy,
): { booking: Booking; isByCustomer: boolean; actor: string } | null {
  if (manageToken !== undefined) {
    const booking = managedBooking(shard, bookingId, manageToken);
    return booking && { booking, isByCustomer: true, actor: `link:${booking.id}` };
  }
  const booking = visibleBooking(shard, caller, bookingId);
  if (booking === null) return null;
  const isByCustomer = isOwnedBy(caller, booking.customerId);
  return { booking, isByCustomer, actor: actorOf(shard, caller) };
}

/** What a cancellation returns: all but what slots cancelled before had kept, where the seller cancels; else the policy's part. */
function giveBack(
  shard: ShardState,
  { booking, isByCustomer, actor }: { booking: Booking; isByCustomer: boolean; actor: string },
): void {
  const reason = 'booking cancelled';
  for (const payment of shard.store.paymentsOf(booking.id)) {
    if (isPaymentOpen(payment)) shard.savePayment({ ...payment, dueAtMs: shard.nowMs });
    // What was never the price is on its way back; where that failed, a cancellation by the seller tries again.
    else if (payment.earnedMinor === 0 && !isByCustomer)
      refundAcross(shard, [payment], { amountMinor: leftMinor(shard, [payment]), reason, actor });
  }
  const payments = earningPayments(shard, booking.id);
  const byPolicy = standing(booking.items).reduce(
    (total, item) => total + refundDue(item.priceMinor, { ...item, cancelledAtMs: shard.nowMs }),
    0,
  );
  const bySeller = leftMinor(shard, payments) - keptMinor(booking.items);
  const amountMinor = isByCustomer ? byPolicy : Math.max(bySeller, byPolicy);
  refundAcross(shard, payments, { amountMinor, reason, actor });
}
