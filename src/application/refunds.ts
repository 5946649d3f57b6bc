/**
 * Money that goes back: the intent is written with its cause, the sum of refunds never exceeds the capture
 * (storage refuses it too), and a refund whose fate is unknown is looked up, never made twice.
 */
import { invariant, required } from '../domain/assert.ts';
import type { Operation, Payment } from '../domain/booking/booking.ts';
import { BOOKING_MACHINE } from '../domain/booking/booking-machine.ts';
import { step } from '../domain/machine.ts';
import type { ProcessorRefund } from '../domain/payment/processor-reply.ts';
import { HOUR_MS } from '../domain/time.ts';
import { createOperation } from './operations.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveOperation, movePayment } from './transitions.ts';

/** How long a refund that is under way is left alone without news. */
const REFUND_LOOK_MS = HOUR_MS;

/** Writes a refund and the intent of its call. The call itself is made by whoever takes the next step. */
export function requestRefund(
  shard: ShardState,
  payment: Payment,
  wanted: { amountMinor: number; reason: string; actor: string },
): void {
  invariant(
    wanted.amountMinor <= refundableMinor(shard, payment),
    'refunds stay within the capture',
  );
  const id = shard.ports.ids.mintInShard('rfd', shard.shardKey);
  shard.store.saveRefund({
    id,
    paymentId: payment.id,
    bookingId: payment.bookingId,
    amountMinor: wanted.amountMinor,
    state: 'requested',
    ref: null,
    reason: wanted.reason,
    createdAtMs: shard.nowMs,
  });
  shard.record({
    entityId: id,
    parentId: payment.bookingId,
    type: 'refund.requested',
    from: null,
    to: 'requested',
    actor: wanted.actor,
    reason: wanted.reason,
    metadata: { paymentId: payment.id, amount: wanted.amountMinor, currency: payment.currency },
  });
  createOperation(shard, payment, {
    kind: 'refund',
    amountMinor: wanted.amountMinor,
    refundId: id,
    isLeasedNow: false,
  });
  shard.savePayment({ ...payment, dueAtMs: shard.nowMs });
}

/** What of a capture neither went back nor is on its way back. */
export function refundableMinor(shard: ShardState, payment: Payment): number {
  return shard.store
    .refundsOf(payment.bookingId)
    .filter((refund) => refund.paymentId === payment.id && refund.state !== 'failed')
    .reduce((left, refund) => left - refund.amountMinor, payment.capturedMinor);
}

/**
 * Records what became of a refund: the processor's object, null when it was refused, 'found' when the payment
 * shows the money gone though the answer was lost.
 */
export function settleRefund(
  shard: ShardState,
  outcome: { payment: Payment; operation: Operation; refund: ProcessorRefund | null | 'found' },
): void {
  const { payment, operation, refund: seen } = outcome;
  const refund = required(
    operation.refundId === null ? null : shard.store.refund(operation.refundId),
    'a refund operation names its refund',
  );
  const state = seen === 'found' ? 'succeeded' : (seen?.status ?? 'failed');
  const ref = seen === 'found' || seen === null ? refund.ref : seen.ref;
  if (operation.state !== 'succeeded' && operation.state !== 'declined') {
    const event = { succeeded: 'succeed', pending: 'wait', failed: 'decline' } as const;
    moveOperation(shard, operation, { event: event[state] });
  }
  if (state === refund.state) return lookAgainLater(shard, payment);
  shard.store.saveRefund({ ...refund, state, ref });
  shard.record({
    entityId: refund.id,
    parentId: refund.bookingId,
    type: `refund.${state}`,
    from: refund.state,
    to: state,
    actor: `processor:${payment.processor}`,
    metadata: {
      paymentId: payment.id,
      amount: refund.amountMinor,
      currency: payment.currency,
      processorId: ref,
    },
  });
  if (state === 'succeeded') return addRefunded(shard, payment, refund.amountMinor);
  if (state === 'pending') return lookAgainLater(shard, payment);
  shard.savePayment({
    ...required(shard.store.payment(payment.id), 'a payment stays'),
    dueAtMs: null,
  });
}

/** The processor takes days over some refunds: its event tells sooner, and a look at long intervals misses none. */
function lookAgainLater(shard: ShardState, payment: Payment): void {
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  shard.savePayment({ ...known, dueAtMs: shard.nowMs + REFUND_LOOK_MS });
}

function addRefunded(shard: ShardState, payment: Payment, amountMinor: number): void {
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  const refundedMinor = known.refundedMinor + amountMinor;
  const actor = `processor:${payment.processor}`;
  const changes = { refundedMinor, dueAtMs: null, fruitlessLooks: 0 };
  if (refundedMinor < known.capturedMinor) return shard.savePayment({ ...known, ...changes });
  movePayment(shard, known, { event: 'refund_all', actor, changes });
  const isAnyKept = shard.store
    .paymentsOf(payment.bookingId)
    .some((other) => other.refundedMinor < other.capturedMinor);
  if (isAnyKept) return; // Another attempt's money is still with the booking.
  const booking = required(shard.store.booking(payment.bookingId), 'a payment has its booking');
  if (step(BOOKING_MACHINE, booking.state, 'refund_all').ok)
    moveBooking(shard, booking, { event: 'refund_all', actor });
}
