/**
 * Money that goes back: the intent is written with its cause, the sum of refunds never exceeds the capture
 * (storage refuses it too), and a refund whose fate is unknown is looked up, never made twice. A refund that somebody
 * made at the processor by hand is recorded like one of ours.
 */
import { invariant, required } from '../domain/assert.ts';
import type {
  Booking,
  Operation,
  Payment,
  PaymentShares,
  Refund,
} from '../domain/booking/booking.ts';
import { BOOKING_MACHINE } from '../domain/booking/booking-machine.ts';
import { step } from '../domain/machine.ts';
import { FROZEN_DISPUTE_STATES, TAKEN_DISPUTE_STATES } from '../domain/payment/dispute-machine.ts';
import type { ProcessorRefund } from '../domain/payment/processor-reply.ts';
import { REFUND_MACHINE, type RefundEvent } from '../domain/payment/refund-machine.ts';
import { HOUR_MS } from '../domain/time.ts';
import { moneyMetadata, sharesOf } from './money-facts.ts';
import { createOperation } from './operations.ts';
import { isOperationOpen } from './payment-plan.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveOperation, movePayment, moveRefund } from './transitions.ts';

/** How long a refund that is under way is left alone without news. */
const REFUND_LOOK_MS = HOUR_MS;

const EVENT_OF_STATUS: Record<ProcessorRefund['status'], RefundEvent> = {
  pending: 'wait',
  succeeded: 'succeed',
  failed: 'fail',
};

/** Writes a refund and the intent of its call. The call itself is made by whoever takes the next step. */
export function requestRefund(
  shard: ShardState,
  payment: Payment,
  wanted: { amountMinor: number; reason: string; actor: string },
): Refund {
  const refund = writeRefund(shard, payment, { ...wanted, isExternal: false });
  shard.record({
    entityId: refund.id,
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
    refundId: refund.id,
    isLeasedNow: false,
  });
  shard.savePayment({ ...known(shard, payment), dueAtMs: shard.nowMs });
  return refund;
}

/** What of a capture neither went back, nor is on its way back, nor was taken by a lost dispute. */
export function refundableMinor(shard: ShardState, payment: Payment): number {
  return standingRefunds(shard, payment).reduce(
    (left, refund) => left - refund.amountMinor,
    payment.capturedMinor - payment.lostMinor,
  );
}

/** While a dispute is open, its payment is not refunded: the dispute decides, or the money would be lost twice. */
export function isFrozen(shard: ShardState, payment: Payment): boolean {
  return shard.store
    .disputesOf(payment.id)
    .some((dispute) => FROZEN_DISPUTE_STATES.has(dispute.state));
}

/** What of the earned money is neither going back nor taken by a dispute. */
export function earnedLeftMinor(shard: ShardState, payment: Payment): number {
  const backMinor = standingRefunds(shard, payment).reduce(
    (total, refund) => total + refund.earnedMinor,
    0,
  );
  const left = payment.earnedMinor - backMinor - takenMinor(shard, payment);
  return Math.max(left, 0);
}

/**
 * The platform's share of earned money that goes back now, and the tax in it: what of them is kept of the whole shrinks in
 * step, so that all parts together give back the whole of both.
 */
export function sharesBack(
  shard: ShardState,
  payment: Payment,
  earnedMinor: number,
): PaymentShares {
  const booking = bookingOf(shard, payment);
  const already = Math.min(
    payment.earnedRefundedMinor + takenMinor(shard, payment),
    payment.earnedMinor,
  );
  const through = Math.min(already + earnedMinor, payment.earnedMinor);
  const before = sharesOf(booking, payment, already);
  const after = sharesOf(booking, payment, through);
  return {
    commissionMinor: after.commissionMinor - before.commissionMinor,
    taxMinor: after.taxMinor - before.taxMinor,
  };
}

/** Records what became of a refund: the processor's object, or null when it was refused. */
export function settleRefund(
  shard: ShardState,
  outcome: { payment: Payment; operation: Operation; refund: ProcessorRefund | null },
): void {
  const { payment, operation, refund: seen } = outcome;
  const refund = required(
    operation.refundId === null ? null : shard.store.refund(operation.refundId),
    'a refund operation names its refund',
  );
  const event = EVENT_OF_STATUS[seen?.status ?? 'failed'];
  if (isOperationOpen(operation)) {
    const answer = { wait: 'wait', succeed: 'succeed', fail: 'decline' } as const;
    moveOperation(shard, operation, { event: answer[event] });
  }
  moveMoneyBack(shard, { payment: known(shard, payment), refund, seen, event });
}

/**
 * What the processor says went back against what we know of: more was refunded there by hand, less means that a refund
 * by hand came back. Ours are asked for one by one, never judged by a sum.
 */
export function noteExternalRefunds(
  shard: ShardState,
  payment: Payment,
  seen: { refundedMinor: number; areOursChecked: boolean },
): void {
  const standing = standingRefunds(shard, payment);
  const ours = standing.reduce((total, refund) => total + refund.amountMinor, 0);
  const more = Math.min(seen.refundedMinor, payment.capturedMinor) - ours;
  if (more > 0) return addExternal(shard, payment, more);
  const done = standing.filter(({ state }) => state === 'succeeded');
  let missing = done.reduce((total, refund) => total + refund.amountMinor, 0) - seen.refundedMinor;
  if (!seen.areOursChecked || missing <= 0) return;
  for (const refund of done.filter(({ isExternal }) => isExternal).toReversed()) {
    if (missing <= 0) return;
    moveMoneyBack(shard, { payment: known(shard, payment), refund, seen: null, event: 'fail' });
    missing -= refund.amountMinor;
  }
  if (missing < 0) addExternal(shard, known(shard, payment), -missing);
}

/** Once all that was captured for a booking is back, the booking says so where its table lets it. */
export function settleBookingRefunded(shard: ShardState, bookingId: string, actor: string): void {
  const payments = shard.store.paymentsOf(bookingId);
  const isAnyKept = payments.some((one) => one.refundedMinor < one.capturedMinor);
  if (isAnyKept || !payments.some((one) => one.capturedMinor > 0)) return;
  const booking = required(shard.store.booking(bookingId), 'a payment has its booking');
  const outcome = step(BOOKING_MACHINE, booking.state, 'refund_all');
  if (outcome.ok && outcome.moved) moveBooking(shard, booking, { event: 'refund_all', actor });
}

/** Refunds of a payment that did not fail: what they name is reserved or gone. */
function standingRefunds(shard: ShardState, payment: Payment): Refund[] {
  return shard.store
    .refundsOf(payment.bookingId)
    .filter((refund) => refund.paymentId === payment.id && refund.state !== 'failed');
}

/** Earned money that disputes have taken and not given back. */
function takenMinor(shard: ShardState, payment: Payment): number {
  return shard.store
    .disputesOf(payment.id)
    .filter((dispute) => TAKEN_DISPUTE_STATES.has(dispute.state))
    .reduce((total, dispute) => total + dispute.earnedMinor, 0);
}

/** What was never the booking's goes back first; only the rest of the amount is earned money. */
function writeRefund(
  shard: ShardState,
  payment: Payment,
  wanted: { amountMinor: number; reason: string; isExternal: boolean },
): Refund {
  const left = refundableMinor(shard, payment);
  invariant(wanted.amountMinor <= left, 'refunds stay within the capture');
  const earnedLeft = Math.min(earnedLeftMinor(shard, payment), left);
  const refund: Refund = {
    id: shard.ports.ids.mintInShard('rfd', shard.shardKey),
    paymentId: payment.id,
    bookingId: payment.bookingId,
    amountMinor: wanted.amountMinor,
    earnedMinor: Math.max(wanted.amountMinor - (left - earnedLeft), 0),
    state: 'requested',
    ref: null,
    claimUrl: null,
    isExternal: wanted.isExternal,
    commissionMinor: 0,
    taxMinor: 0,
    reason: wanted.reason,
    createdAtMs: shard.nowMs,
  };
  shard.store.saveRefund(refund);
  return refund;
}

function addExternal(shard: ShardState, before: Payment, amountMinor: number): void {
  // It has gone, also where a dispute took the same money: what both took is in the record of the dispute.
  const lostMinor = before.lostMinor - Math.max(amountMinor - refundableMinor(shard, before), 0);
  const payment = { ...before, lostMinor };
  shard.savePayment(payment);
  const reason = 'made at the processor by hand';
  const refund = writeRefund(shard, payment, { amountMinor, reason, isExternal: true });
  const actor = `processor:${payment.processor}`;
  shard.record({
    entityId: refund.id,
    parentId: payment.bookingId,
    type: 'refund.requested',
    from: null,
    to: 'requested',
    actor,
    reason,
    metadata: { paymentId: payment.id, amount: amountMinor, currency: payment.currency },
  });
  moveMoneyBack(shard, { payment: known(shard, payment), refund, seen: null, event: 'succeed' });
}

/** Moves a refund, and the sums of its payment and booking with it. */
function moveMoneyBack(
  shard: ShardState,
  outcome: {
    payment: Payment;
    refund: Refund;
    seen: ProcessorRefund | null;
    event: RefundEvent;
  },
): void {
  const { payment, refund, seen, event } = outcome;
  const after = step(REFUND_MACHINE, refund.state, event);
  invariant(after.ok, 'a refund refuses nothing that a processor says');
  const goesBackNow = after.moved && after.to === 'succeeded';
  const shares = goesBackNow
    ? sharesBack(shard, payment, refund.earnedMinor)
    : { commissionMinor: refund.commissionMinor, taxMinor: refund.taxMinor };
  const { amountMinor, earnedMinor } = refund;
  const entityRef = seen?.ref ?? refund.ref;
  const { moved } = moveRefund(shard, refund, {
    event,
    ref: entityRef,
    claimUrl: seen?.claimUrl ?? null,
    ...shares,
    actor: `processor:${payment.processor}`,
    metadata: moneyMetadata(payment, { amountMinor, earnedMinor, ...shares, entityRef }),
  });
  if (moved && after.to === 'succeeded') return addRefunded(shard, payment, refund);
  if (moved && after.to === 'failed') return refundFailed(shard, payment, refund);
  if (after.to === 'pending') lookAgainLater(shard, payment);
}

/** The processor takes days over some refunds: its event tells sooner, and a look at long intervals misses none. */
function lookAgainLater(shard: ShardState, payment: Payment): void {
  shard.savePayment({ ...known(shard, payment), dueAtMs: shard.nowMs + REFUND_LOOK_MS });
}

function addRefunded(shard: ShardState, payment: Payment, refund: Refund): void {
  const before = known(shard, payment);
  const refundedMinor = before.refundedMinor + refund.amountMinor;
  const earnedRefundedMinor = Math.min(
    before.earnedRefundedMinor + refund.earnedMinor,
    before.earnedMinor,
  );
  const actor = `processor:${payment.processor}`;
  const changes = { refundedMinor, earnedRefundedMinor, dueAtMs: null, fruitlessLooks: 0 };
  if (refundedMinor < before.capturedMinor) return shard.savePayment({ ...before, ...changes });
  movePayment(shard, before, { event: 'refund_all', actor, changes });
  settleBookingRefunded(shard, payment.bookingId, actor);
}

/** Money that somebody is owed has not gone back, or came back: a person has to look, and so does the next caller. */
function refundFailed(shard: ShardState, payment: Payment, refund: Refund): void {
  const before = known(shard, payment);
  const review = 'a refund failed';
  if (refund.state !== 'succeeded') return shard.savePayment({ ...before, review, dueAtMs: null });
  movePayment(shard, before, {
    event: 'return_refund',
    actor: `processor:${payment.processor}`,
    reason: review,
    changes: {
      refundedMinor: before.refundedMinor - refund.amountMinor,
      earnedRefundedMinor: Math.max(before.earnedRefundedMinor - refund.earnedMinor, 0),
      review,
      dueAtMs: shard.nowMs,
    },
  });
}

function known(shard: ShardState, payment: Payment): Payment {
  return required(shard.store.payment(payment.id), 'a payment stays');
}

function bookingOf(shard: ShardState, payment: Payment): Booking {
  return required(shard.store.booking(payment.bookingId), 'a payment has its booking');
}
