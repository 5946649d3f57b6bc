/**
 * Translates PayPal's objects into the product's words. Pure: no calls, no clock.
 * An order is one payment; its money is what its authorizations, captures and refunds say, never what its own status says.
 */
import type {
  PaymentAction,
  ProcessorDispute,
  ProcessorPayment,
  ProcessorPaymentState,
  ProcessorRefund,
} from '../../domain/payment/processor-reply.ts';
import { metadataOf } from './reference.ts';
import type {
  Authorization,
  Capture,
  Links,
  Order,
  Unit,
  WireDispute,
  WireRefund,
} from './wire.ts';

/** A host that a payer may be sent to. */
export type PayerHostCheck = (url: URL) => boolean;

/** Captures whose money came; some of it may have gone back since. */
const TAKEN: ReadonlySet<string> = new Set(['COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED']);

/** PayPal's docs and its older events use both words for one that was refused. */
const REFUSED: ReadonlySet<string> = new Set(['DECLINED', 'DENIED', 'FAILED']);

/**
 * An order as a payment. Where an authorization was renewed the last one counts.
 * Source: PayPal REST API specifications, Orders v2, "order", "authorization", "capture".
 */
export function toPayment(
  order: Order,
  { mayPayAt, disputes }: { mayPayAt: PayerHostCheck; disputes: readonly ProcessorDispute[] },
): ProcessorPayment {
  const unit = unitOf(order);
  const { captures, refunds } = paymentsOf(unit);
  const taken = captures.filter(({ status }) => TAKEN.has(status));
  const authorization = authorizationOf(unit);
  const state = stateOf(order, { captures, authorization });
  // What is reserved, not what was asked for, is what a capture can take.
  const money = state === 'authorized' ? (authorization?.amount ?? unit.amount) : unit.amount;
  const foreign = taken.find(({ amount }) => amount.currency !== unit.amount.currency);
  return {
    ref: order.id,
    state,
    amountMinor: money.amount,
    // Money of another currency is shown as what it is, so that it is never taken for the price.
    currency: foreign?.amount.currency ?? money.currency,
    authorizedMinor: authorizedOf(authorization, { taken, state }),
    capturedMinor: sum(taken),
    refundedMinor: sum(refunds.filter(({ status }) => refundStatusOf(status) !== 'failed')),
    feeMinor: feeOf(taken),
    disputes,
    captureBeforeMs: state === 'authorized' ? (authorization?.expiration_time ?? null) : null,
    action: state === 'action_required' ? actionOf(order.links, mayPayAt) : null,
    methodRef: order.payment_source?.paypal?.attributes?.vault?.id ?? null,
    metadata: metadataOf(unit.custom_id),
    declineCode: state === 'failed' ? declineCodeOf(captures) : null,
  };
}

/** A refund; what is neither done nor over is pending. */
export function toRefund(refund: WireRefund): ProcessorRefund {
  return {
    ref: refund.id,
    status: refundStatusOf(refund.status),
    amountMinor: refund.amount.amount,
    claimUrl: null,
  };
}

/**
 * A dispute. An inquiry is between payer and seller, and PayPal has taken nothing yet.
 * Source: PayPal REST API specifications, Disputes v1, "dispute", "dispute_life_cycle_stage", "outcome_code".
 */
export function toDispute(dispute: WireDispute): ProcessorDispute {
  return {
    ref: dispute.dispute_id,
    status: disputeStatusOf(dispute),
    amountMinor: dispute.dispute_amount.amount,
    currency: dispute.dispute_amount.currency,
    reason: dispute.reason?.toLowerCase() ?? null,
    evidenceDueMs: dispute.seller_response_due_date ?? null,
  };
}

/** What the payer does next: the page that PayPal names, if it is one of PayPal's. */
export function actionOf(links: Links, mayPayAt: PayerHostCheck): PaymentAction | null {
  const link = links.find(({ rel }) => rel === 'payer-action' || rel === 'approve');
  if (link === undefined || !URL.canParse(link.href)) return null;
  return mayPayAt(new URL(link.href)) ? { type: 'redirect', url: link.href } : null;
}

/** An address of which its owner knows which one it is, and nobody else does: `j•••@example.com`. */
export function maskedEmail(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 1 ? '•••' : `${address.slice(0, 1)}•••${address.slice(at)}`;
}

/** The one purchase unit of an order of ours. */
export function unitOf({ purchase_units: [unit] }: Order): Unit {
  if (unit === undefined) throw new Error('an order that was read has its purchase unit');
  return unit;
}

/** Money movements of a purchase unit. */
export function paymentsOf({ payments }: Unit): {
  readonly authorizations: readonly Authorization[];
  readonly captures: readonly Capture[];
  readonly refunds: readonly WireRefund[];
} {
  return payments ?? { authorizations: [], captures: [], refunds: [] };
}

/** The authorization that counts; null before there is one. */
export function authorizationOf(unit: Unit): Authorization | null {
  return paymentsOf(unit).authorizations.at(-1) ?? null;
}

/** True for a capture that PayPal has taken on and not decided. */
export function isUndecided({ status }: Capture): boolean {
  return !TAKEN.has(status) && !REFUSED.has(status);
}

/** True for a capture whose money came. */
export function isTaken({ status }: Capture): boolean {
  return TAKEN.has(status);
}

function stateOf(
  order: Order,
  seen: { captures: readonly Capture[]; authorization: Authorization | null },
): ProcessorPaymentState {
  const { captures, authorization } = seen;
  if (captures.some(isTaken)) return 'captured';
  if (captures.some(isUndecided)) return 'pending';
  const state = authorization === null ? unpaidStateOf(order) : reservedStateOf(authorization);
  // A refused capture leaves the funds reserved; the attempt has failed all the same, and they are released by a void.
  const isReleased = state === 'voided' || state === 'expired';
  return captures.length > 0 && !isReleased ? 'failed' : state;
}

/** Nothing is reserved, so the order's own status is all there is. */
function unpaidStateOf({ status, links }: Order): ProcessorPaymentState {
  switch (status) {
    case 'APPROVED':
      return 'approved';
    case 'PAYER_ACTION_REQUIRED':
      return 'action_required';
    case 'CREATED':
      // Without a way to pay there is no page to send the payer to; it is named when the money is asked for.
      return links.some(({ rel }) => rel === 'payer-action') ? 'action_required' : 'created';
    case 'VOIDED':
      return 'voided';
    default:
      return 'pending';
  }
}

function reservedStateOf(authorization: Authorization): ProcessorPaymentState {
  const { status, update_time: updatedAtMs, expiration_time: expiresAtMs } = authorization;
  switch (status) {
    case 'CREATED':
      return 'authorized';
    case 'DENIED':
      return 'failed';
    case 'EXPIRED':
      return 'expired';
    case 'VOIDED': {
      // PayPal itself voids what was not captured in time, and has no word of its own for it.
      const wasLapsed =
        updatedAtMs !== undefined && expiresAtMs !== undefined && updatedAtMs >= expiresAtMs;
      return wasLapsed ? 'expired' : 'voided';
    }
    default:
      return 'pending';
  }
}

function authorizedOf(
  authorization: Authorization | null,
  { taken, state }: { taken: readonly Capture[]; state: ProcessorPaymentState },
): number {
  if (state !== 'authorized' && state !== 'captured') return 0;
  return Math.max(authorization?.amount.amount ?? 0, sum(taken));
}

/** Null while PayPal has not said it of each capture. */
function feeOf(taken: readonly Capture[]): number | null {
  let feeMinor = 0;
  for (const { amount, seller_receivable_breakdown: breakdown } of taken) {
    const fee = breakdown?.paypal_fee;
    if (fee === undefined || fee.currency !== amount.currency) return null;
    feeMinor += fee.amount;
  }
  return taken.length === 0 ? null : feeMinor;
}

function declineCodeOf(captures: readonly Capture[]): string {
  return captures.length === 0 ? 'authorization_denied' : 'capture_declined';
}

function refundStatusOf(status: string): ProcessorRefund['status'] {
  if (status === 'COMPLETED') return 'succeeded';
  return status === 'FAILED' || status === 'CANCELLED' ? 'failed' : 'pending';
}

/** Where PayPal itself paid the payer (RESOLVED_WITH_PAYOUT), the money stayed with us. */
const LOST: ReadonlySet<string> = new Set(['RESOLVED_BUYER_FAVOUR', 'ACCEPTED']);

function disputeStatusOf(dispute: WireDispute): ProcessorDispute['status'] {
  const { status, dispute_life_cycle_stage: stage, dispute_outcome: outcome } = dispute;
  if (status === 'RESOLVED') return LOST.has(outcome?.outcome_code ?? '') ? 'lost' : 'won';
  if (stage === 'INQUIRY') return 'inquiry';
  return status === 'UNDER_REVIEW' || status === 'WAITING_FOR_BUYER_RESPONSE'
    ? 'under_review'
    : 'open';
}

function sum(rows: readonly { readonly amount: { readonly amount: number } }[]): number {
  return rows.reduce((total, { amount }) => total + amount.amount, 0);
}
