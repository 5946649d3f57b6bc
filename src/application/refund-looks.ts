/**
 * Looks at refunds: those that the processor works on, those whose answer was lost, and those that may have come back
 * after they had gone. Each is asked for by its own id; a sum never decides over one. Synchronous, inside the shard's
 * transaction; called by the payment steps.
 */
import type {
  PaymentStep,
  RecordReplyCommand,
  TakeStepCommand,
} from '../contracts/payment-steps.ts';
import { required } from '../domain/assert.ts';
import type { Operation, Payment, Refund } from '../domain/booking/booking.ts';
import type { ProcessorPayment, ProcessorReply } from '../domain/payment/processor-reply.ts';
import { fetchWork } from './operations.ts';
import { isDue, isOperationOpen, OPERATION_LEASE_MS } from './payment-plan.ts';
import { DISPUTE_LOOK_MS } from './disputes.ts';
import { isFrozen, settleRefund } from './refunds.ts';
import type { ShardState } from './shard-state.ts';
import { moveOperation } from './transitions.ts';

const IDLE: PaymentStep = { kind: 'idle' };

/** Why a refund is given up that the processor has not: by its books nothing is left that could go back. */
const NO_ROOM = 'nothing left to refund';

/** An operation with its refund, as far as the processor can be asked about it. */
interface Askable {
  readonly operation: Operation;
  readonly refund: Refund;
  readonly ref: string;
}

/** Refunds of a payment that the processor knows, that did not fail, and that this pass has not asked about. */
export function refundsToLookAt(
  shard: ShardState,
  payment: Payment,
  tried: readonly string[],
): Askable[] {
  return shard.store.operationsOf(payment.id).flatMap((operation) => {
    const refund = operation.refundId === null ? null : shard.store.refund(operation.refundId);
    if (refund === null || refund.ref === null || refund.state === 'failed') return [];
    if (operation.state === 'declined' || tried.includes(operation.id)) return [];
    return [{ operation, refund, ref: refund.ref }];
  });
}

/** Refunds that take their time are looked at when there is a reason to, or at long intervals. */
export function stepForPendingRefunds(
  shard: ShardState,
  payment: Payment,
  command: TakeStepCommand,
): PaymentStep {
  if (command.look) return fetchWork(shard, payment);
  if (!isDue(shard, payment)) return IDLE;
  const [next] = pending(refundsToLookAt(shard, payment, []));
  return next === undefined ? IDLE : askFor(payment, next);
}

/** After a look at a payment whose money came: the refunds to ask about next; null when there are none. */
export function afterPaidLook(
  shard: ShardState,
  payment: Payment,
  { reply, tried }: Pick<RecordReplyCommand, 'reply' | 'tried'>,
): PaymentStep | null {
  const left = refundsToLookAt(shard, payment, tried);
  const seenMinor = reply.kind === 'payment' ? reply.payment.refundedMinor : payment.refundedMinor;
  // Less went back than we know of: one of them has failed after all.
  const [next] = seenMinor < payment.refundedMinor ? left : pending(left);
  if (next !== undefined) return askFor(payment, next);
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  const again = isFrozen(shard, known) ? shard.nowMs + DISPUTE_LOOK_MS : null;
  const dueAtMs = isDue(shard, known) ? again : known.dueAtMs;
  if (known.fruitlessLooks > 0 || dueAtMs !== known.dueAtMs)
    shard.savePayment({ ...known, fruitlessLooks: 0, dueAtMs });
  return null;
}

/** After an answer about a refund: the next thing to ask, null when there is nothing. */
export function afterRefundAnswer(
  shard: ShardState,
  asked: { payment: Payment; operation: Operation; tried: readonly string[] },
): PaymentStep | null {
  const { payment, operation, tried } = asked;
  const wasOpen = isOperationOpen(operation);
  const left = refundsToLookAt(shard, payment, tried);
  const [next] = wasOpen ? pending(left) : left;
  if (next !== undefined) return askFor(payment, next);
  // All of ours stand: what is missing was refunded by hand, and the payment itself tells.
  const hasExternal = shard.store
    .refundsOf(payment.bookingId)
    .some((refund) => refund.paymentId === payment.id && refund.isExternal);
  return !wasOpen && hasExternal ? fetchWork(shard, payment) : null;
}

/** Looks a refund up whose answer was lost, before anything is made again; the search is leased like a call. */
export function searchRefund(
  shard: ShardState,
  payment: Payment,
  lost: { operation: Operation; reply: Extract<ProcessorReply, { kind: 'payment' }> },
): PaymentStep {
  const { operation, reply } = lost;
  if (operation.leaseUntilMs > shard.nowMs) return { kind: 'busy' };
  const { refundedMinor, capturedMinor } = reply.payment;
  const isFull = refundedMinor + operation.amountMinor > capturedMinor;
  const leaseUntilMs = shard.nowMs + OPERATION_LEASE_MS;
  const errorCode = isFull ? NO_ROOM : null;
  shard.store.saveOperation({ ...operation, leaseUntilMs, errorCode });
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  shard.savePayment({ ...known, dueAtMs: leaseUntilMs });
  return {
    kind: 'work',
    work: {
      kind: 'find_refund',
      bookingId: payment.bookingId,
      paymentId: payment.id,
      processor: payment.processor,
      operationId: operation.id,
      ref: known.ref ?? reply.payment.ref,
      refundId: operation.refundId ?? '',
      leaseUntilMs,
    },
  };
}

/** True for a refund that the processor answered without taking it, and without a no. */
export function wasTurnedAway({ kind, state, errorCode }: Operation): boolean {
  return kind === 'refund' && state === 'requested' && errorCode !== null;
}

/** Gives up a refund that was turned away, if the payment shows that less is left than it asks for; true when it was. */
export function giveUpWithoutRoom(
  shard: ShardState,
  payment: Payment,
  turned: { operation: Operation; seen: ProcessorPayment },
): boolean {
  const { operation, seen } = turned;
  const isFull = seen.refundedMinor + operation.amountMinor > seen.capturedMinor;
  return isFull && giveUpRefund(shard, payment, { ...operation, errorCode: NO_ROOM });
}

/** Gives up a refund that is not there and that nothing is left for; true when it was given up. */
export function giveUpRefund(shard: ShardState, payment: Payment, operation: Operation): boolean {
  if (operation.errorCode !== NO_ROOM) return false;
  const ended = moveOperation(shard, operation, { event: 'decline', errorCode: NO_ROOM });
  settleRefund(shard, { payment, operation: ended, refund: null });
  // Somebody else gave it back: a look at the payment tells what.
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  shard.savePayment({ ...known, dueAtMs: shard.nowMs });
  return true;
}

function pending(askable: readonly Askable[]): Askable[] {
  return askable.filter(({ refund }) => refund.state === 'pending');
}

function askFor(payment: Payment, { operation, ref }: Askable): PaymentStep {
  const { id: paymentId, bookingId, processor } = payment;
  const subject = { paymentId, bookingId, processor, operationId: operation.id, ref };
  return { kind: 'work', work: { kind: 'fetch_refund', ...subject } };
}
