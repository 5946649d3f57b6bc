/** Cancelling a booking, up to the first call of a processor. Synchronous, inside the shard's transaction. */
import type { Caller } from '../contracts/calls.ts';
import type { CancelBookingCommand, OpenBookingReply } from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import { required } from '../domain/assert.ts';
import { BOOKING_MACHINE } from '../domain/booking/booking-machine.ts';
import type { Booking, Payment } from '../domain/booking/booking.ts';
import { isWithinPolicy, refundDue } from '../domain/booking/cancellation-policy.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { NO_USES } from '../domain/hold/quota.ts';
import type { QuotaUses } from '../domain/hold/quota.ts';
import { step } from '../domain/machine.ts';
import { allocate } from '../domain/money.ts';
import { refuse } from '../domain/result.ts';
import type { Refusal } from '../domain/result.ts';
import { endRequest } from './approvals.ts';
import { beginWork } from './booking-calls.ts';
import { lookUpCall, remember } from './keyed-calls.ts';
import { isPaymentOpen } from './payment-plan.ts';
import { actorOf, visibleBooking } from './read-booking.ts';
import { refundableMinor, requestRefund, settleBookingRefunded } from './refunds.ts';
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

/** Cancels a booking for whoever may, and asks for the money to go back; null when it is done. */
export function cancel(
  shard: ShardState,
  command: Pick<CancelBookingCommand, 'caller' | 'bookingId' | 'reason'>,
): Refusal | null {
  const booking = visibleBooking(shard, command.caller, command.bookingId);
  if (booking === null) return refuse('not_found', 'There is no such booking.').refusal;
  const outcome = step(BOOKING_MACHINE, booking.state, 'cancel');
  if (!outcome.ok) {
    return refuse(outcome.refuse, `A booking that is ${booking.state} cannot be cancelled.`, {
      status: booking.state,
    }).refusal;
  }
  const actor = actorOf(shard, command.caller);
  if (booking.state === 'awaiting_approval') {
    endRequest(shard, booking, { event: 'cancel', actor, reason: command.reason });
    return null;
  }
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  moveBooking(shard, booking, { event: 'cancel', actor, reason: command.reason });
  if (hold.state === 'committed')
    moveHold(shard, hold, {
      event: 'free',
      actor,
      reason: 'booking cancelled',
      keptShares: command.caller.id === booking.customerId ? sharesKept(shard, hold) : [],
    });
  if (hold.state === 'active' || hold.state === 'closing')
    moveHold(shard, hold, { event: 'release', actor, reason: 'booking cancelled' });
  for (const payment of shard.store.paymentsOf(booking.id))
    giveBack(shard, { booking, payment, caller: command.caller, actor });
  // All of it may have gone back before.
  settleBookingRefunded(shard, booking.id, actor);
  return null;
}

/** What a customer's cancellation does not give back of the quota: the slots for which the ladder returns nothing any more. */
function sharesKept(shard: ShardState, { items, quota }: Hold): QuotaUses[] {
  const shares = quota?.shares ?? [];
  return shares.map((share, index) => {
    const item = items[index];
    const isGivenBack =
      item !== undefined && isWithinPolicy({ ...item, cancelledAtMs: shard.nowMs });
    return isGivenBack ? NO_USES : share;
  });
}

/** What a cancellation returns of one attempt: all of it when the seller cancels, the policy's part when the customer does. */
function giveBack(
  shard: ShardState,
  cancelled: { booking: Booking; payment: Payment; caller: Caller; actor: string },
): void {
  const { booking, payment, caller, actor } = cancelled;
  if (isPaymentOpen(payment)) return shard.savePayment({ ...payment, dueAtMs: shard.nowMs });
  const left = refundableMinor(shard, payment);
  const amountMinor =
    caller.id === booking.customerId ? Math.min(left, dueByPolicy(shard, booking, payment)) : left;
  if (amountMinor > 0)
    requestRefund(shard, payment, { amountMinor, reason: 'booking cancelled', actor });
}

/** The policy shares out the price; what came beyond it goes back whole, by a refund of its own. */
function dueByPolicy(shard: ShardState, booking: Booking, payment: Payment): number {
  if (payment.earnedMinor === 0) return 0;
  const paid = allocate(
    payment.earnedMinor,
    booking.items.map(({ priceMinor }) => priceMinor),
  );
  return booking.items.reduce(
    (total, { policy, startAtMs }, index) =>
      total + refundDue(paid[index] ?? 0, { policy, startAtMs, cancelledAtMs: shard.nowMs }),
    0,
  );
}
