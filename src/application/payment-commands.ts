/**
 * Steps the money of a booking: which call comes next, and what an answer means. Synchronous, inside the shard's
 * transaction: the outcome of one call and the intent of the next are written together. Nothing here calls a processor.
 * All callers (request, /confirm, webhook, queue, reconciler) come through `takeStep` and `recordReply`.
 */
import type {
  AdvanceCause,
  PaymentStep,
  RecordReplyCommand,
  TakeStepCommand,
} from '../contracts/payment-steps.ts';
import type { OrphanOutcome } from '../contracts/shard-streams.ts';
import { InvariantError, required } from '../domain/assert.ts';
import type { Operation, Payment } from '../domain/booking/booking.ts';
import { renewalDueMs } from '../domain/booking/pledge.ts';
import type { ProcessorReply } from '../domain/payment/processor-reply.ts';
import { renewCall } from './keyed-calls.ts';
import {
  FAULT_RETRIES_MAX,
  isDue,
  isOperationOpen,
  isPaid,
  isPaymentOpen,
  nextLookAtMs,
} from './payment-plan.ts';
import { applyPayment, failPayment, isClosing, lockOrVoid } from './payment-outcomes.ts';
import { createOperation, fetchWork, lease } from './operations.ts';
import {
  afterPaidLook,
  afterRefundAnswer,
  giveUpRefund,
  giveUpWithoutRoom,
  refundsToLookAt,
  searchRefund,
  stepForPendingRefunds,
  wasTurnedAway,
} from './refund-looks.ts';
import { isFrozen, settleRefund } from './refunds.ts';
import type { ShardState } from './shard-state.ts';
import { moveOperation, movePayment } from './transitions.ts';

const IDLE: PaymentStep = { kind: 'idle' };

/** Gives the caller the next thing to do for a booking's money, and leases it to them. */
export function takeStep(shard: ShardState, command: TakeStepCommand): PaymentStep {
  let isBusy = false;
  for (const payment of shard.store.paymentsOf(command.bookingId)) {
    const isLookedAt = command.looked.includes(payment.id);
    const next = stepFor(shard, payment, { ...command, look: command.look && !isLookedAt });
    if (next.kind === 'work') return next;
    isBusy ||= next.kind === 'busy';
  }
  return isBusy ? { kind: 'busy' } : IDLE;
}

/** Records what a processor answered, moves the booking on, and gives the next thing to do in the same transaction. */
export function recordReply(shard: ShardState, command: RecordReplyCommand): PaymentStep {
  const { work, reply, cause } = command;
  if (command.call !== null) {
    renewCall(shard, { callerId: command.call.caller.id, call: command.call.call });
  }
  const payment = required(shard.store.payment(work.paymentId), 'work names a payment');
  if (work.kind === 'fetch') return afterFetch(shard, payment, command);
  const operation = required(shard.store.operation(work.operationId), 'work names an operation');
  const answered = { payment, operation, reply, cause, tried: command.tried };
  if (work.kind === 'fetch_refund') return afterRefundLook(shard, answered);
  if (!isOperationOpen(operation)) return goOn(shard, payment, cause);
  if (work.kind !== 'find_refund') return afterCall(shard, answered);
  // Another caller has searched or called since: only the latest search may decide that there is none.
  const isLatest = operation.leaseUntilMs === work.leaseUntilMs;
  return isLatest ? afterRefundSearch(shard, answered) : goOn(shard, payment, cause);
}

/** Whether an object at the processor belongs to a payment here: recorded, or made by a call that is not settled yet. */
export function isKnownPayment(
  shard: ShardState,
  seen: { bookingId: string; paymentId: string; ref: string },
): boolean {
  const payment = shard.store.payment(seen.paymentId);
  if (payment === null || payment.bookingId !== seen.bookingId) return false;
  if (payment.ref !== null) return payment.ref === seen.ref;
  return shard.store
    .operationsOf(payment.id)
    .some((operation) => operation.kind === 'open' && isOperationOpen(operation));
}

/** Puts an orphan that was given back on the record, under the booking that it named. */
export function recordOrphan(shard: ShardState, orphan: OrphanOutcome): void {
  shard.record({
    entityId: orphan.paymentId,
    parentId: orphan.bookingId,
    type: 'payment.orphan',
    from: null,
    to: orphan.outcome,
    actor: 'system:reconciliation',
    reason: 'no payment of ours has this object',
    metadata: { processor: orphan.processor, processorId: orphan.ref, amount: orphan.amountMinor },
  });
}

interface Answered {
  readonly payment: Payment;
  readonly operation: Operation;
  readonly reply: ProcessorReply;
  readonly cause: AdvanceCause;
  readonly tried: readonly string[];
}

function afterCall(shard: ShardState, answered: Answered): PaymentStep {
  const { payment, operation, reply, cause } = answered;
  switch (reply.kind) {
    case 'payment':
      moveOperation(shard, operation, { event: 'succeed' });
      applyPayment(shard, payment, { seen: reply.payment, actor: actorOf(payment) });
      if (reply.payment.state !== 'approved') return goOn(shard, payment, cause);
      return operation.kind === 'open'
        ? takeApproval(shard, payment)
        : lookLater(shard, required(shard.store.payment(payment.id), 'a payment stays'));
    case 'refund':
      settleRefund(shard, { payment, operation, refund: reply.refund });
      return goOn(shard, payment, cause);
    case 'declined':
      moveOperation(shard, operation, { event: 'decline', errorCode: reply.code });
      declineOperation(shard, answered, reply.code);
      // What stands where a void was refused is learnt later, not by asking again at once.
      return operation.kind === 'void' ? lookLater(shard, payment) : goOn(shard, payment, cause);
    case 'missing':
      return afterMissing(shard, answered);
    case 'already_done': {
      // A definite answer, kept under its key: where the look shows no effect, only a new key can bring another one.
      const lost = { event: 'lose', lostTo: 'server_error', errorCode: reply.kind } as const;
      return look(shard, payment, moveOperation(shard, operation, lost));
    }
    case 'server_error':
    case 'no_answer': {
      const lost = { event: 'lose', lostTo: reply.kind, errorCode: reply.reason } as const;
      const after = moveOperation(shard, operation, lost);
      if (payment.ref !== null) return look(shard, payment, after);
      return reply.kind === 'server_error'
        ? tryAnew(shard, { ...answered, operation: after })
        : lookLater(shard, payment);
    }
    case 'unavailable':
    case 'misconfigured':
      shard.store.saveOperation({ ...operation, leaseUntilMs: 0, errorCode: reply.reason });
      return lookLater(shard, payment);
    case 'setup':
    case 'customer':
    case 'method':
    case 'detached':
      throw new InvariantError(`a booking's ${operation.kind} was answered with a ${reply.kind}`);
  }
}

/** The processor said no: to the payer (the attempt fails), or to us about money that we hold (a person must look). */
function declineOperation(shard: ShardState, { payment, operation }: Answered, code: string): void {
  switch (operation.kind) {
    case 'open':
    case 'authorize':
    case 'capture':
      return failPayment(shard, payment, { declineCode: code, actor: actorOf(payment) });
    case 'refund':
      return settleRefund(shard, { payment, operation, refund: null });
    case 'void':
      return; // What stands there instead is learnt by the next fetch.
  }
}

/** No such object: a payment method that does not exist is a decline; a thing to void that is not there is voided. */
function afterMissing(shard: ShardState, answered: Answered): PaymentStep {
  const { payment, operation, cause } = answered;
  if (operation.kind === 'void') {
    moveOperation(shard, operation, { event: 'succeed' });
    movePayment(shard, payment, {
      event: 'void',
      actor: actorOf(payment),
      changes: { isEnded: true, dueAtMs: null },
    });
  } else {
    moveOperation(shard, operation, { event: 'decline', errorCode: 'missing' });
    declineOperation(
      shard,
      answered,
      operation.kind === 'authorize' ? 'payment_method_invalid' : 'missing',
    );
  }
  return goOn(shard, payment, cause);
}

function afterFetch(shard: ShardState, payment: Payment, command: RecordReplyCommand): PaymentStep {
  const { reply, cause, tried } = command;
  if (reply.kind !== 'payment') return lookLater(shard, payment);
  const open = shard.store.operationsOf(payment.id).filter(isOperationOpen);
  const lost = open.find(({ state }) => state === 'unknown') ?? null;
  const areRefundsChecked = refundsToLookAt(shard, payment, tried).length === 0;
  const sighting = { seen: reply.payment, actor: actorOf(payment), areRefundsChecked };
  applyPayment(shard, payment, sighting);
  const after = required(shard.store.payment(payment.id), 'a payment stays');
  if (lost !== null)
    return afterLoss(shard, { payment: after, operation: lost, reply, cause, tried });
  const again = open.find((one) => wasTurnedAway(one) && one.leaseUntilMs <= shard.nowMs);
  if (again !== undefined && isPaid(after) && !isFrozen(shard, after)) {
    if (giveUpWithoutRoom(shard, after, { operation: again, seen: reply.payment }))
      return goOn(shard, after, cause);
    if (!tried.includes(again.id)) return lease(shard, after, again);
  }
  if (isPaid(after)) return afterPaidLook(shard, after, command) ?? goOn(shard, after, cause);
  const isAwaited = open.length === 0 && isPaymentOpen(after);
  if (isAwaited && reply.payment.state === 'approved') return takeApproval(shard, after);
  const mustEnd = isAwaited && after.state !== 'authorized' && isClosing(shard, after);
  return mustEnd ? createOperation(shard, after, { kind: 'void' }) : goOn(shard, after, cause);
}

/** The payer agreed, and nothing moves before we ask: funds are reserved if the booking still wants them. */
function takeApproval(shard: ShardState, payment: Payment): PaymentStep {
  const after = required(shard.store.payment(payment.id), 'a payment stays');
  if (!isPaymentOpen(after)) return lookLater(shard, after);
  const kind = isClosing(shard, after) ? 'void' : 'authorize';
  return createOperation(shard, after, { kind });
}

/** A call whose answer was lost: done by what the object shows, or made again as far as that is safe. */
function afterLoss(shard: ShardState, answered: Answered): PaymentStep {
  const { payment, operation, reply, cause, tried } = answered;
  if (operation.leaseUntilMs > shard.nowMs) return { kind: 'busy' };
  if (reply.kind !== 'payment') return lookLater(shard, payment);
  if (operation.kind === 'refund') return searchRefund(shard, payment, { operation, reply });
  if (hasTakenEffect(operation, reply)) {
    moveOperation(shard, operation, { event: 'succeed' });
    return goOn(shard, payment, cause);
  }
  if (operation.lostTo === 'server_error') return tryAnew(shard, answered);
  // Silence: the call may still arrive, so only the same key is safe, and not in the same breath.
  if (tried.includes(operation.id)) return lookLater(shard, payment);
  return lease(shard, payment, { ...operation, leaseUntilMs: 0 });
}

/** The processor told of a refund that it had taken: what it says of it counts, also when it had succeeded. */
function afterRefundLook(shard: ShardState, answered: Answered): PaymentStep {
  const { payment, operation, reply, cause } = answered;
  if (reply.kind !== 'refund') return lookLater(shard, payment);
  settleRefund(shard, { payment, operation, refund: reply.refund });
  return afterRefundAnswer(shard, answered) ?? goOn(shard, payment, cause);
}

/** The processor was asked for a refund whose answer was lost: only where it has none, another call may be made. */
function afterRefundSearch(shard: ShardState, answered: Answered): PaymentStep {
  const { payment, operation, reply, cause, tried } = answered;
  if (reply.kind === 'refund') {
    settleRefund(shard, { payment, operation, refund: reply.refund });
    return goOn(shard, payment, cause);
  }
  const ended = { ...operation, leaseUntilMs: 0 };
  shard.store.saveOperation(ended);
  if (reply.kind !== 'missing') return lookLater(shard, payment);
  if (giveUpRefund(shard, payment, ended)) return goOn(shard, payment, cause);
  if (operation.lostTo === 'server_error') return tryAnew(shard, { ...answered, operation: ended });
  // Silence: the call may still arrive, so only the same key is safe, and not in the same breath.
  return tried.includes(operation.id) ? lookLater(shard, payment) : lease(shard, payment, ended);
}

/** Whether the processor's object shows that a call whose answer was lost did its work. */
function hasTakenEffect(
  lost: Operation,
  seen: Extract<ProcessorReply, { kind: 'payment' }>,
): boolean {
  const { state } = seen.payment;
  switch (lost.kind) {
    case 'open':
      return true;
    case 'authorize':
      return state !== 'created' && state !== 'approved';
    case 'capture':
      return (
        state === 'captured' || state === 'voided' || state === 'expired' || state === 'failed'
      );
    case 'void':
      return state === 'voided' || state === 'expired' || state === 'captured';
    case 'refund':
      return false; // A sum cannot tell whose refund it counts: each is looked up by its own id.
  }
}

/** A fault was stored under the key and the object shows no effect: the same work under a new key. */
function tryAnew(shard: ShardState, { payment, operation }: Answered): PaymentStep {
  const given = moveOperation(shard, operation, { event: 'decline', errorCode: 'server_error' });
  const looks = payment.fruitlessLooks + 1;
  const after = { ...payment, fruitlessLooks: looks, dueAtMs: nextLookAtMs(shard.nowMs, looks) };
  shard.savePayment(after);
  const isLeasedNow = looks <= FAULT_RETRIES_MAX;
  const next = createOperation(shard, after, {
    kind: given.kind,
    amountMinor: given.amountMinor,
    refundId: given.refundId,
    isLeasedNow,
  });
  return isLeasedNow ? next : IDLE;
}

/** The next step after something was learnt, for whoever learnt it. */
function goOn(shard: ShardState, payment: Payment, cause: AdvanceCause): PaymentStep {
  return takeStep(shard, { bookingId: payment.bookingId, cause, look: false, looked: [] });
}

function look(shard: ShardState, payment: Payment, operation: Operation): PaymentStep {
  if (operation.state === 'requested') {
    moveOperation(shard, operation, { event: 'lose', lostTo: operation.lostTo ?? 'no_answer' });
  }
  return fetchWork(shard, payment);
}

/** Nothing was settled: somebody looks again later, ever more rarely. */
function lookLater(shard: ShardState, payment: Payment): PaymentStep {
  const looks = payment.fruitlessLooks + 1;
  shard.savePayment({
    ...payment,
    fruitlessLooks: looks,
    dueAtMs: nextLookAtMs(shard.nowMs, looks - 1),
  });
  return IDLE;
}

function stepFor(shard: ShardState, payment: Payment, command: TakeStepCommand): PaymentStep {
  const operations = shard.store.operationsOf(payment.id);
  const open = operations.filter(isOperationOpen);
  // A refund that the processor works on for days keeps nothing else waiting.
  const urgent = open.find(({ state }) => state !== 'pending');
  if (urgent !== undefined) return stepForOpen(shard, payment, { open: urgent, command });
  if (open.length > 0) return stepForPendingRefunds(shard, payment, command);
  switch (payment.state) {
    case 'created':
      return stepForCreated(shard, payment);
    case 'action_required':
    case 'pending':
      if (command.look) return fetchWork(shard, payment);
      if (!isClosing(shard, payment)) return rest(shard, payment);
      return isBackingOff(shard, payment) ? IDLE : fetchWork(shard, payment);
    case 'authorized':
    case 'capturing':
      return stepForAuthorized(shard, payment, command);
    case 'failed':
    case 'expired':
    case 'voided':
      return stepForCleanUp(shard, payment, command);
    case 'captured':
    case 'refunded':
      return command.look || isDue(shard, payment) ? fetchWork(shard, payment) : IDLE;
  }
}

function stepForOpen(
  shard: ShardState,
  payment: Payment,
  { open, command }: { open: Operation; command: TakeStepCommand },
): PaymentStep {
  if (open.leaseUntilMs > shard.nowMs) return { kind: 'busy' };
  if (isBackingOff(shard, payment) && !command.look) return IDLE;
  if (open.kind === 'refund' && open.state === 'requested') {
    // Whoever was to make the call vanished with its answer: it may have been made.
    if (open.leaseUntilMs > 0) return look(shard, payment, open);
    if (isFrozen(shard, payment))
      return command.look || isDue(shard, payment) ? fetchWork(shard, payment) : IDLE;
    // It was not taken as it was asked for: somebody else may have given back what it names.
    if (wasTurnedAway(open)) return fetchWork(shard, payment);
  }
  if (open.state === 'requested' || payment.ref === null) return lease(shard, payment, open);
  return fetchWork(shard, payment);
}

/** Earlier looks settled nothing, and the next is not due yet. */
function isBackingOff(shard: ShardState, payment: Payment): boolean {
  return payment.fruitlessLooks > 0 && payment.dueAtMs !== null && payment.dueAtMs > shard.nowMs;
}

function stepForCreated(shard: ShardState, payment: Payment): PaymentStep {
  if (isClosing(shard, payment)) {
    if (payment.ref !== null) return createOperation(shard, payment, { kind: 'void' });
    movePayment(shard, payment, {
      event: 'expire',
      actor: actorOf(payment),
      changes: { isEnded: true, dueAtMs: null },
    });
    return IDLE;
  }
  if (payment.ref === null) return createOperation(shard, payment, { kind: 'open' });
  return createOperation(shard, payment, { kind: 'authorize' });
}

function stepForAuthorized(
  shard: ShardState,
  payment: Payment,
  command: TakeStepCommand,
): PaymentStep {
  const kind = lockOrVoid(shard, payment);
  const after = required(shard.store.payment(payment.id), 'a payment stays');
  if (kind === 'wait')
    return command.look ? fetchWork(shard, after) : restUntilRenewal(shard, after);
  return createOperation(shard, after, { kind });
}

/** Nothing is left to do: nobody needs to look again until something happens. */
function rest(shard: ShardState, payment: Payment): PaymentStep {
  if (payment.dueAtMs !== null) shard.savePayment({ ...payment, dueAtMs: null });
  return IDLE;
}

/** Funds that wait for a decision are looked at again when they have to be reserved anew, if that comes first. */
function restUntilRenewal(shard: ShardState, payment: Payment): PaymentStep {
  const booking = required(shard.store.booking(payment.bookingId), 'a payment has its booking');
  const dueAtMs = renewalDueMs(booking, payment);
  if (payment.dueAtMs !== dueAtMs) shard.savePayment({ ...payment, dueAtMs });
  return IDLE;
}

/** An attempt that ended without money leaves an object that could still be paid: it is closed, out of the payer's way. */
function stepForCleanUp(
  shard: ShardState,
  payment: Payment,
  command: TakeStepCommand,
): PaymentStep {
  if (payment.ref === null) return rest(shard, payment);
  // Whoever has a reason to look may find money that came after the end.
  if (command.look) return fetchWork(shard, payment);
  if (payment.isEnded) return rest(shard, payment);
  if (isBackingOff(shard, payment)) return IDLE;
  if (command.cause !== 'request') return createOperation(shard, payment, { kind: 'void' });
  shard.wakeUps.add(payment.bookingId);
  shard.savePayment({ ...payment, dueAtMs: nextLookAtMs(shard.nowMs, 0) });
  return IDLE;
}

function actorOf(payment: Payment): string {
  return `processor:${payment.processor}`;
}
