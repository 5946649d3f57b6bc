/**
 * Translates Stripe's objects into the product's words. Pure: no calls, no clock.
 * Enums of Stripe are open (a newer API may add values), so every unknown value maps to "wait and look again".
 */
import type { Stripe } from 'stripe';
import type {
  ListedDispute,
  ListedPayment,
  MethodReference,
  PaymentReference,
} from '../../application/ports.ts';
import type {
  MethodKind,
  PaymentAction,
  ProcessorDispute,
  ProcessorMethod,
  ProcessorPayment,
  ProcessorPaymentState,
  ProcessorRefund,
  ProcessorSetup,
} from '../../domain/payment/processor-reply.ts';
import { SECOND_MS } from '../../domain/time.ts';

/**
 * What we attach to a PaymentIntent or SetupIntent. The names with underscores are read back by this adapter;
 * `bookingId` and `subscriptionId` are the public API's own spelling, for whoever compares Stripe's books with ours.
 */
export function metadataOf(reference: PaymentReference | MethodReference): Record<string, string> {
  if ('savedMethodId' in reference) return { saved_method_id: reference.savedMethodId };
  if ('bookingId' in reference) {
    const { bookingId, paymentId } = reference;
    return { booking_id: bookingId, payment_id: paymentId, bookingId };
  }
  const { subscriptionId, chargeId } = reference;
  return { subscription_id: subscriptionId, charge_id: chargeId, subscriptionId };
}

/** Our ids out of an object's metadata; null when it is somebody else's. */
export function referenceOf(metadata: {
  readonly [key: string]: unknown;
}): PaymentReference | null {
  const { booking_id: bookingId, payment_id: paymentId } = metadata;
  if (typeof bookingId === 'string' && typeof paymentId === 'string') {
    return { bookingId, paymentId };
  }
  const { subscription_id: subscriptionId, charge_id: chargeId } = metadata;
  return typeof subscriptionId === 'string' && typeof chargeId === 'string'
    ? { subscriptionId, chargeId }
    : null;
}

/**
 * A PaymentIntent as a payment.
 * Shape: amounts are minor units of ISO 4217 on both sides (Stripe refuses amounts of three-decimal currencies that
 * are no multiple of ten); refunds and the capture deadline are known only when `latest_charge` is expanded, and the fee
 * only with its `balance_transaction`; disputes are another list of Stripe's.
 * Source: Stripe API reference, "The PaymentIntent object" and "The Charge object".
 */
export function toPayment(
  intent: Stripe.PaymentIntent,
  disputes: readonly ProcessorDispute[] = [],
): ProcessorPayment {
  const charge = chargeOf(intent);
  const state = stateOf(intent);
  const captureBeforeS = charge?.payment_method_details?.card?.capture_before;
  return {
    ref: intent.id,
    state,
    amountMinor: intent.amount,
    currency: intent.currency,
    authorizedMinor: authorizedOf(intent, charge),
    capturedMinor: intent.amount_received,
    refundedMinor: charge?.amount_refunded ?? 0,
    feeMinor: feeOf(charge),
    disputes,
    captureBeforeMs: captureBeforeS === undefined ? null : captureBeforeS * SECOND_MS,
    action: actionOf(intent, state),
    methodRef: idOf(intent.payment_method),
    metadata: { ...intent.metadata },
    declineCode: state === 'failed' ? codeOf(intent.last_payment_error) : null,
  };
}

/** A SetupIntent as a method being kept. Source: Stripe API reference, "The SetupIntent object". */
export function toSetup(setup: Stripe.SetupIntent): ProcessorSetup {
  const state = setupStateOf(setup);
  return {
    ref: setup.id,
    state,
    action: actionOf(setup, state),
    methodRef: idOf(setup.payment_method),
    declineCode: state === 'failed' ? codeOf(setup.last_setup_error) : null,
    metadata: { ...setup.metadata },
  };
}

/** What may be shown of a payment method. Source: Stripe API reference, "The PaymentMethod object". */
export function toMethod(method: Stripe.PaymentMethod): ProcessorMethod {
  const { card, us_bank_account: account, sepa_debit: debit } = method;
  return {
    ref: method.id,
    kind: METHOD_KIND_OF_TYPE[method.type] ?? 'other',
    brand: card?.brand ?? null,
    last4: card?.last4 ?? account?.last4 ?? debit?.last4 ?? null,
    expiresMonth: card?.exp_month ?? null,
    expiresYear: card?.exp_year ?? null,
    payer: null,
  };
}

const METHOD_KIND_OF_TYPE: { readonly [type: string]: MethodKind } = {
  card: 'card',
  paypal: 'paypal',
  us_bank_account: 'bank_debit',
  sepa_debit: 'bank_debit',
};

/** A refund; what is neither done nor over is pending. Source: Stripe API reference, "The Refund object". */
export function toRefund(refund: Stripe.Refund): ProcessorRefund {
  return {
    ref: refund.id,
    claimUrl: null,
    status: refundStatusOf(refund.status),
    amountMinor: refund.amount,
  };
}

/** True when the charge that pays says that somebody objected to it, however that ended. */
export function isDisputed(intent: Stripe.PaymentIntent): boolean {
  return chargeOf(intent)?.disputed === true;
}

/** A dispute. Source: Stripe API reference, "The Dispute object"; documentation, "How disputes work". */
export function toDispute(dispute: Stripe.Dispute): ProcessorDispute {
  const dueByS = dispute.evidence_details.due_by;
  return {
    ref: dispute.id,
    status: disputeStatusOf(dispute.status),
    amountMinor: dispute.amount,
    currency: dispute.currency,
    reason: dispute.reason,
    evidenceDueMs: dueByS === null ? null : dueByS * SECOND_MS,
  };
}

/** A row of the list, as coarse as reconciliation needs it; `latest_charge` has to be expanded. */
export function toListedPayment(intent: Stripe.PaymentIntent): ListedPayment {
  return {
    ref: intent.id,
    state: listedStateOf(intent.status),
    reference: referenceOf(intent.metadata),
    createdAtMs: intent.created * SECOND_MS,
    capturedMinor: intent.amount_received,
    refundedMinor: chargeOf(intent)?.amount_refunded ?? 0,
    currency: intent.currency,
  };
}

/** A row of the list of disputes; `payment_intent` has to be expanded, because only it carries our ids. */
export function toListedDispute({ id, payment_intent: intent }: Stripe.Dispute): ListedDispute {
  const isKnown = typeof intent === 'object' && intent !== null;
  return { ref: id, reference: isKnown ? referenceOf(intent.metadata) : null };
}

function chargeOf(intent: Stripe.PaymentIntent): Stripe.Charge | null {
  return typeof intent.latest_charge === 'object' ? intent.latest_charge : null;
}

/** A movement in another currency than the charge's was exchanged, and its fee cannot be told in ours exactly. */
function feeOf(charge: Stripe.Charge | null): number | null {
  const movement = charge?.balance_transaction;
  if (typeof movement !== 'object' || movement === null) return null;
  return movement.currency === charge?.currency ? movement.fee : null;
}

function disputeStatusOf(status: string): ProcessorDispute['status'] {
  switch (status) {
    case 'warning_needs_response':
    case 'warning_under_review':
      return 'inquiry';
    case 'needs_response':
    case 'appeal_needs_response':
      return 'open';
    case 'won':
    // An inquiry that came to nothing, and a dispute that a refund made needless: the refund shows as one.
    case 'warning_closed':
    case 'prevented':
      return 'won';
    case 'lost':
      return 'lost';
    case 'under_review':
    case 'appeal_under_review':
    default:
      return 'under_review';
  }
}

function idOf(reference: string | { readonly id: string } | null): string | null {
  return typeof reference === 'object' ? (reference?.id ?? null) : reference;
}

function stateOf(intent: Stripe.PaymentIntent): ProcessorPaymentState {
  switch (intent.status) {
    case 'requires_payment_method':
      // Stripe lets the payer try again on the same intent; for us the attempt has ended and the next is a new one.
      return intent.last_payment_error === null ? 'created' : 'failed';
    case 'requires_confirmation':
      return 'created';
    case 'requires_action':
      return 'action_required';
    case 'requires_capture':
      return 'authorized';
    case 'succeeded':
      return 'captured';
    case 'canceled':
      return wasEndedByStripe(intent.cancellation_reason) ? 'expired' : 'voided';
    case 'processing':
    default:
      return 'pending';
  }
}

function setupStateOf(setup: Stripe.SetupIntent): ProcessorSetup['state'] {
  switch (setup.status) {
    case 'requires_payment_method':
      // As with a payment: for us the try has ended, though Stripe would take another method.
      return setup.last_setup_error === null ? 'created' : 'failed';
    case 'requires_confirmation':
      return 'created';
    case 'requires_action':
      return 'action_required';
    case 'succeeded':
      return 'succeeded';
    case 'canceled':
      return 'cancelled';
    case 'processing':
    default:
      return 'pending';
  }
}

/** Stripe itself cancels what was not captured or completed in time. */
function wasEndedByStripe(reason: string | null): boolean {
  return reason === 'automatic' || reason === 'expired';
}

function actionOf(
  intent: Pick<Stripe.PaymentIntent | Stripe.SetupIntent, 'client_secret' | 'next_action'>,
  state: ProcessorPaymentState | ProcessorSetup['state'],
): PaymentAction | null {
  if (state !== 'created' && state !== 'action_required') return null;
  const secret = intent.client_secret === null ? {} : { clientSecret: intent.client_secret };
  const url = state === 'action_required' ? intent.next_action?.redirect_to_url?.url : null;
  return url ? { type: 'redirect', url, ...secret } : { type: 'sdk', ...secret };
}

/** What was reserved at first; after a capture the charge still says it, and without a charge the money does. */
function authorizedOf(intent: Stripe.PaymentIntent, charge: Stripe.Charge | null): number {
  if (intent.status === 'requires_capture') return intent.amount_capturable;
  if (intent.status === 'succeeded') {
    return Math.max(intent.amount_received, charge?.amount ?? 0);
  }
  return 0;
}

function codeOf(
  error: Stripe.PaymentIntent.LastPaymentError | Stripe.SetupIntent.LastSetupError | null,
): string | null {
  return error === null ? null : error.decline_code || error.code || error.type;
}

function refundStatusOf(status: string | null): ProcessorRefund['status'] {
  if (status === 'succeeded') return 'succeeded';
  return status === 'failed' || status === 'canceled' ? 'failed' : 'pending';
}

function listedStateOf(status: string): ListedPayment['state'] {
  if (status === 'requires_capture') return 'authorized';
  if (status === 'succeeded') return 'captured';
  return status === 'canceled' ? 'ended' : 'open';
}
