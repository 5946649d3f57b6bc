/**
 * Operations: the intent of one call to a processor, written before the call and leased to whoever makes it.
 * Synchronous, inside the shard's transaction.
 */
import type { PaymentStep, PaymentWork } from '../contracts/payment-steps.ts';
import { required } from '../domain/assert.ts';
import type { Operation, Payment } from '../domain/booking/booking.ts';
import type { OperationKind } from '../domain/payment/operation-machine.ts';
import { isPaymentOpen, nextLookAtMs, OPERATION_LEASE_MS, operationKey } from './payment-plan.ts';
import type { ShardState } from './shard-state.ts';

const IDLE: PaymentStep = { kind: 'idle' };

/** Writes the intent of a call and leases it to the caller at hand. */
export function createOperation(
  shard: ShardState,
  payment: Payment,
  wanted: {
    kind: OperationKind;
    amountMinor?: number;
    refundId?: string | null;
    isLeasedNow?: boolean;
  },
): PaymentStep {
  const earlier = shard.store
    .operationsOf(payment.id)
    .filter(({ kind, refundId }) => kind === wanted.kind && refundId === (wanted.refundId ?? null));
  const seq = earlier.length + 1;
  const name =
    wanted.refundId === undefined || wanted.refundId === null ? seq : `${wanted.refundId}:${seq}`;
  const key = operationKey(payment, wanted.kind, name);
  const operation: Operation = {
    id: key,
    paymentId: payment.id,
    bookingId: payment.bookingId,
    kind: wanted.kind,
    seq,
    state: 'requested',
    idempotencyKey: key,
    amountMinor: wanted.amountMinor ?? payment.amountMinor,
    refundId: wanted.refundId ?? null,
    leaseUntilMs: 0,
    lostTo: null,
    errorCode: null,
    createdAtMs: shard.nowMs,
  };
  if (wanted.isLeasedNow === false) {
    shard.store.saveOperation(operation);
    return IDLE;
  }
  return lease(shard, payment, operation);
}

/** Gives an operation to the caller at hand; if they vanish, somebody looks when the lease ends. */
export function lease(shard: ShardState, payment: Payment, operation: Operation): PaymentStep {
  const leaseUntilMs = shard.nowMs + OPERATION_LEASE_MS;
  shard.store.saveOperation({ ...operation, leaseUntilMs });
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  shard.savePayment({ ...known, dueAtMs: leaseUntilMs });
  const work: PaymentWork = {
    kind: operation.kind,
    bookingId: payment.bookingId,
    paymentId: payment.id,
    operationId: operation.id,
    processor: payment.processor,
    ref: known.ref,
    idempotencyKey: operation.idempotencyKey,
    amountMinor: operation.amountMinor,
    currency: payment.currency,
    paymentMethod: payment.paymentMethod,
    customerRef: payment.customerRef,
    returnUrl: payment.returnUrl,
    refundId: operation.refundId,
  };
  return { kind: 'work', work };
}

/** The work of asking the processor how a payment stands; nothing is leased, because it changes nothing. */
export function fetchWork(shard: ShardState, payment: Payment): PaymentStep {
  if (payment.ref === null) return IDLE;
  if (isPaymentOpen(payment)) {
    const known = required(shard.store.payment(payment.id), 'a payment stays');
    const dueAtMs = nextLookAtMs(shard.nowMs, known.fruitlessLooks + 1);
    if (known.dueAtMs === null || known.dueAtMs <= shard.nowMs)
      shard.savePayment({ ...known, dueAtMs });
  }
  return {
    kind: 'work',
    work: {
      kind: 'fetch',
      bookingId: payment.bookingId,
      paymentId: payment.id,
      processor: payment.processor,
      ref: payment.ref,
    },
  };
}
