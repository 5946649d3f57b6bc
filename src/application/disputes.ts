/**
 * A payer's objection, laid over the payment as the processor shows it. While it is open nothing is refunded; what was
 * lost is money gone, and ends the booking that it paid for; what was won lets everything go on. Synchronous, inside
 * the shard's transaction; called where a payment's object is applied.
 */
import { required } from '../domain/assert.ts';
import type { Booking, Dispute, Payment } from '../domain/booking/booking.ts';
import { BOOKING_MACHINE } from '../domain/booking/booking-machine.ts';
import { step } from '../domain/machine.ts';
import {
  DISPUTE_BEGINNINGS,
  DISPUTE_MACHINE,
  DISPUTE_PATHS,
  FROZEN_DISPUTE_STATES,
  TAKEN_DISPUTE_STATES,
  type DisputeEvent,
  type DisputeState,
} from '../domain/payment/dispute-machine.ts';
import type { ProcessorDispute } from '../domain/payment/processor-reply.ts';
import { DAY_MS } from '../domain/time.ts';
import { moneyMetadata } from './money-facts.ts';
import { isOperationOpen } from './payment-plan.ts';
import { earnedLeftMinor, settleRefund, sharesBack } from './refunds.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveDispute, moveHold, moveOperation } from './transitions.ts';

/** Why a booking ends, or a refund is not made, that a dispute decided over. */
const LOST = 'dispute lost';

/** How long an open dispute is left alone without news: its end is told, and a look a day misses none. */
export const DISPUTE_LOOK_MS = DAY_MS;

/** Applies the disputes of a payment as the processor shows them. */
export function applyDisputes(
  shard: ShardState,
  payment: Payment,
  disputes: readonly ProcessorDispute[],
): void {
  for (const seen of disputes) {
    const known = shard.store.disputesOf(payment.id).find(({ ref }) => ref === seen.ref) ?? null;
    const before = known?.state ?? null;
    let dispute = known === null ? beginDispute(shard, payment, seen) : renew(shard, known, seen);
    for (const event of DISPUTE_PATHS[seen.status])
      dispute = moveOn(shard, { payment, dispute, event });
    if (dispute.state !== before) afterDispute(shard, payment, dispute.state);
  }
}

function beginDispute(shard: ShardState, payment: Payment, seen: ProcessorDispute): Dispute {
  const state = DISPUTE_BEGINNINGS[seen.status];
  const blank: Dispute = {
    id: `dsp:${payment.processor}:${seen.ref}`,
    paymentId: payment.id,
    bookingId: payment.bookingId,
    processor: payment.processor,
    ref: seen.ref,
    state,
    amountMinor: seen.amountMinor,
    currency: seen.currency,
    earnedMinor: 0,
    commissionMinor: 0,
    taxMinor: 0,
    reason: seen.reason,
    evidenceDueAtMs: seen.evidenceDueMs,
    createdAtMs: shard.nowMs,
  };
  const dispute = state === 'open' ? take(shard, payment, blank) : blank;
  shard.store.saveDispute(dispute);
  shard.record({
    entityId: dispute.id,
    parentId: dispute.bookingId,
    type: `dispute.${state}`,
    from: null,
    to: state,
    ...why(payment, dispute),
  });
  return dispute;
}

/** The deadline may move; the amount may too, as long as nothing was taken. */
function renew(shard: ShardState, dispute: Dispute, seen: ProcessorDispute): Dispute {
  const isTaken = TAKEN_DISPUTE_STATES.has(dispute.state);
  const amountMinor = isTaken ? dispute.amountMinor : seen.amountMinor;
  const after = { ...dispute, amountMinor, evidenceDueAtMs: seen.evidenceDueMs };
  if (
    after.amountMinor !== dispute.amountMinor ||
    after.evidenceDueAtMs !== dispute.evidenceDueAtMs
  )
    shard.store.saveDispute(after);
  return after;
}

function moveOn(
  shard: ShardState,
  { payment, dispute, event }: { payment: Payment; dispute: Dispute; event: DisputeEvent },
): Dispute {
  const outcome = step(DISPUTE_MACHINE, dispute.state, event);
  if (!outcome.ok || !outcome.moved) return dispute;
  const moving = outcome.to === 'open' ? take(shard, payment, dispute) : dispute;
  return moveDispute(shard, moving, { event, ...why(payment, moving) }).dispute;
}

/** The processor takes the money: what of it was earned, and the platform's share of that. */
function take(shard: ShardState, payment: Payment, dispute: Dispute): Dispute {
  const earnedMinor = Math.min(dispute.amountMinor, earnedLeftMinor(shard, payment));
  return { ...dispute, earnedMinor, ...sharesBack(shard, payment, earnedMinor) };
}

function why(payment: Payment, dispute: Dispute) {
  const { amountMinor, earnedMinor, commissionMinor, taxMinor, ref } = dispute;
  const moved = { amountMinor, earnedMinor, commissionMinor, taxMinor, entityRef: ref };
  return {
    actor: `processor:${payment.processor}`,
    reason: dispute.reason,
    metadata: {
      ...moneyMetadata({ ...payment, currency: dispute.currency }, moved),
      evidenceDueAtMs: dispute.evidenceDueAtMs,
    },
  };
}

function afterDispute(shard: ShardState, payment: Payment, state: DisputeState): void {
  if (state === 'lost') endRefunds(shard, payment);
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  const isOver = state === 'won';
  const lookAgainMs = FROZEN_DISPUTE_STATES.has(state) ? shard.nowMs + DISPUTE_LOOK_MS : null;
  shard.savePayment({
    ...known,
    lostMinor: lostMinor(shard, known),
    review: isOver ? known.review : `dispute ${state}`,
    // Refunds that waited for the decision may go on.
    dueAtMs: isOver ? shard.nowMs : (known.dueAtMs ?? lookAgainMs),
  });
  if (state === 'lost') endBooking(shard, known);
}

/** Refunds that were waiting for the decision and were never asked for: the payer has the money already. */
function endRefunds(shard: ShardState, payment: Payment): void {
  const waiting = shard.store
    .operationsOf(payment.id)
    .filter((one) => one.kind === 'refund' && one.state === 'requested' && one.leaseUntilMs === 0);
  for (const operation of waiting.filter(isOperationOpen)) {
    const ended = moveOperation(shard, operation, { event: 'decline', errorCode: LOST });
    settleRefund(shard, { payment, operation: ended, refund: null });
  }
}

/** What lost disputes took, as far as it had not gone back before: the rest of a loss is in the record of the dispute. */
function lostMinor(shard: ShardState, payment: Payment): number {
  const lost = shard.store
    .disputesOf(payment.id)
    .filter(({ state }) => state === 'lost')
    .reduce((total, { amountMinor }) => total + amountMinor, 0);
  const reserved = shard.store
    .refundsOf(payment.bookingId)
    .filter((refund) => refund.paymentId === payment.id && refund.state !== 'failed')
    .reduce((total, { amountMinor }) => total + amountMinor, 0);
  return Math.min(lost, payment.capturedMinor - reserved);
}

/** Nothing but a command or a lost dispute ends a confirmed booking; its slot is free again, its quota is spent. */
function endBooking(shard: ShardState, payment: Payment): void {
  if (payment.earnedMinor === 0) return;
  const booking: Booking = required(
    shard.store.booking(payment.bookingId),
    'a payment has its booking',
  );
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  if (hold.state !== 'committed' || !step(BOOKING_MACHINE, booking.state, 'cancel').ok) return;
  const actor = `processor:${payment.processor}`;
  moveBooking(shard, booking, { event: 'cancel', actor, reason: LOST });
  const keptShares = hold.quota?.shares ?? [];
  moveHold(shard, hold, { event: 'free', actor, reason: LOST, keptShares, keepsCoupon: true });
}

/** Whether a dispute of a payment is known here. */
export function isKnownDispute(
  shard: ShardState,
  { paymentId, ref }: { paymentId: string; ref: string },
): boolean {
  return shard.store.disputesOf(paymentId).some((dispute) => dispute.ref === ref);
}
