/**
 * Turns what the SDK throws into a reply. The only place where a failure of Stripe gets its meaning.
 * Reasons hold Stripe's codes and our own words, never Stripe's message: that one quotes keys and payer data.
 */
import { Stripe } from 'stripe';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { retryOfDecline } from './decline.ts';
import { toPayment } from './mapping.ts';

/** The call came twice or too late; the object tells what is true. */
const LOOK_AGAIN: ReadonlySet<string> = new Set([
  'payment_intent_unexpected_state',
  'setup_intent_unexpected_state',
  'charge_already_captured',
  'charge_already_refunded',
  'charge_expired_for_capture',
  'capture_charge_authorization_expired',
]);

/** Stripe did nothing and says so; the same key may be used again. */
const NOT_NOW: ReadonlySet<string> = new Set([
  'idempotency_key_in_use',
  'lock_timeout',
  'rate_limit',
]);

/** Invalid requests that are a definite no to the money, not a fault of the request's form. */
const REFUSED: ReadonlySet<string> = new Set([
  'amount_too_large',
  'amount_too_small',
  'charge_disputed',
  'charge_not_refundable',
  'refund_disputed_payment',
  'balance_insufficient',
  'payment_intent_authentication_failure',
  'payment_intent_incompatible_payment_method',
  'payment_method_currency_mismatch',
  'payment_method_customer_decline',
  'payment_method_not_available',
  'payment_method_provider_decline',
  'payment_method_unexpected_state',
  'payment_method_unsupported_type',
  'setup_attempt_failed',
  'setup_intent_authentication_failure',
  'setup_intent_setup_attempt_expired',
]);

/**
 * The reply for a thrown error, in precedence order: no_answer, already_done, unavailable, declined, missing,
 * server_error, misconfigured.
 * Errors: whatever is not the SDK's is a programming error and is thrown on.
 * Source: Stripe API reference, "Errors", "Idempotent requests" and "Error codes".
 */
export function replyOfError(error: unknown): ProcessorReply {
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  const code = error.code ?? '';
  if (error instanceof Stripe.errors.StripeConnectionError) {
    return { kind: 'no_answer', reason: error.message };
  }
  if (LOOK_AGAIN.has(code)) return { kind: 'already_done' };
  if (error.statusCode === 429 || error.statusCode === 409 || NOT_NOW.has(code)) {
    return { kind: 'unavailable', reason: reasonOf(error) };
  }
  if (isRefusal(error)) return declinedReply(error);
  if (code === 'resource_missing') return { kind: 'missing' };
  if (error instanceof Stripe.errors.StripeAPIError) return replyOfFault(error);
  return { kind: 'misconfigured', reason: reasonOf(error) };
}

type StripeFailure = InstanceType<typeof Stripe.errors.StripeError>;

/** A card's decline, and a payment method that the payer named wrongly: both end the attempt, and the payer can act. */
function isRefusal(error: StripeFailure): boolean {
  if (error instanceof Stripe.errors.StripeCardError) return true;
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) return false;
  return REFUSED.has(error.code ?? '') || /^payment_method(\[|$)/.test(error.param ?? '');
}

function declinedReply(error: StripeFailure): ProcessorReply {
  const code = declineCodeOf(error);
  return {
    kind: 'declined',
    code,
    retry: retryOfDecline({
      code,
      adviceCode: error.advice_code,
      networkAdviceCode: error.network_advice_code,
    }),
    payment: error.payment_intent ? toPayment(error.payment_intent) : null,
  };
}

/** The most telling code. A method that Stripe refuses as such is the payer's to replace, whatever it says of it. */
function declineCodeOf(error: StripeFailure): string {
  if (error.code === 'resource_missing') return 'payment_method_missing';
  const isCardError = error instanceof Stripe.errors.StripeCardError;
  return (
    error.decline_code || error.code || (isCardError ? 'card_declined' : 'payment_method_invalid')
  );
}

/**
 * An answer that is no refusal. Stripe keeps a 5xx of its API under the key and repeats it. A body that is not
 * JSON has no status here: some proxy on the way answered, so nobody knows what the API did.
 */
function replyOfFault(error: StripeFailure): ProcessorReply {
  if (error.statusCode === undefined) {
    return { kind: 'no_answer', reason: 'an answer that is not from the API' };
  }
  return error.statusCode >= 500
    ? { kind: 'server_error', reason: reasonOf(error) }
    : { kind: 'misconfigured', reason: reasonOf(error) };
}

/** Type, code and parameter: enough for a person to look it up, and free of secrets. */
function reasonOf(error: StripeFailure): string {
  return [error.statusCode, error.rawType ?? error.type, error.code, error.param]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}
