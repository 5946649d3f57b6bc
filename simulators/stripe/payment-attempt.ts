/**
 * One attempt to pay a PaymentIntent: authorise, ask the payer, or be declined. Owns every way from
 * "has a payment method" to requires_capture, succeeded, processing, requires_action or back.
 * Runs inside one transaction; called by the API, by the payer's page and by the virtual clock.
 * Source: Stripe documentation, "The Payment Intents lifecycle".
 */
import { isJsonObject } from '../json.ts';
import { captureCharge, makeCharge } from './charges.ts';
import { findKnown, insert, now, payerUrl, save, type StripeContext } from './context.ts';
import { openDispute } from './disputes.ts';
import { cardError, refusedByState } from './errors.ts';
import { emit } from './events.ts';
import { bindToCustomer, natureOf, remember, type MethodNature } from './payment-methods.ts';
import type {
  AttemptError,
  ChargeObject,
  PaymentIntentObject,
  PaymentMethodObject,
} from './shapes.ts';
import { AUTHENTICATION_REQUIRED, type Decline } from './test-cards.ts';

/** Validity of a card authorisation, and of a bank debit under way, on the virtual clock. */
const AUTHORIZATION_SECONDS = 7 * 86_400;
const BANK_DEBIT_SECONDS = 4 * 86_400;

/** How an attempt is made. */
export interface AttemptOptions {
  readonly isOffSession: boolean;
  readonly isActionRefused: boolean;
  readonly isSdk: boolean;
  readonly returnUrl: string | null;
}

/**
 * Pays the intent with a method. The intent is changed and saved.
 * Errors: card_error (402, executed) when it is declined.
 */
export function attempt(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly method: PaymentMethodObject },
  options: AttemptOptions,
): void {
  const { intent, method } = source;
  const nature = natureOf(ctx, method.id);
  intent.payment_method = method.id;
  intent.next_action = null;
  intent.last_payment_error = null;
  if (needsPayer(nature, intent, options)) {
    if (options.isOffSession || options.isActionRefused) {
      throw declineError(intent, decline(ctx, source, AUTHENTICATION_REQUIRED));
    }
    askPayer(ctx, intent, options);
    return;
  }
  if (nature.card.isBankDebit) {
    startBankDebit(ctx, source);
    return;
  }
  if (nature.card.decline) throw declineError(intent, decline(ctx, source, nature.card.decline));
  authorize(ctx, source, { isAuthenticated: false });
}

/** The payer has passed the authentication: the attempt goes on, and may still be declined. */
export function passAuthentication(ctx: StripeContext, intent: PaymentIntentObject): void {
  const method = findKnown(ctx, 'payment_method', intent.payment_method);
  const nature = natureOf(ctx, method.id);
  intent.next_action = null;
  if (nature.card.decline) {
    decline(ctx, { intent, method }, nature.card.decline);
    return;
  }
  authorize(ctx, { intent, method }, { isAuthenticated: true });
}

/** The payer has failed or refused the authentication: back to another payment method. */
export function failAuthentication(ctx: StripeContext, intent: PaymentIntentObject): void {
  const method = findKnown(ctx, 'payment_method', intent.payment_method);
  intent.last_payment_error = authenticationFailure(method);
  intent.next_action = null;
  intent.payment_method = null;
  intent.status = 'requires_payment_method';
  save(ctx, intent);
  emit(ctx, 'payment_intent.payment_failed', { object: intent });
}

/** `payment_intent_authentication_failure`, as it stands in last_payment_error. */
export function authenticationFailure(method: PaymentMethodObject): AttemptError {
  return {
    code: 'payment_intent_authentication_failure',
    doc_url: 'https://stripe.com/docs/error-codes/payment-intent-authentication-failure',
    message:
      'The provided PaymentMethod has failed authentication. You can provide payment_method_data ' +
      'or a new PaymentMethod to attempt to fulfill this PaymentIntent again.',
    payment_method: method,
    payment_method_type: method.type,
    type: 'invalid_request_error',
  };
}

/** A bank debit is decided by the bank; called when its time on the virtual clock has come. */
export function settleBankDebit(ctx: StripeContext, intentId: string): void {
  const intent = findKnown(ctx, 'payment_intent', intentId);
  if (intent.status !== 'processing') return;
  const charge = findKnown(ctx, 'charge', intent.latest_charge);
  const method = findKnown(ctx, 'payment_method', intent.payment_method);
  const refusal = natureOf(ctx, method.id).card.decline;
  ctx.world.books.settle(charge.id, 'capture', refusal ? 'failed' : 'succeeded');
  if (refusal) {
    charge.status = 'failed';
    charge.paid = false;
    charge.failure_code = refusal.code;
    charge.failure_message = refusal.message;
    save(ctx, charge);
    emit(ctx, 'charge.failed', { object: charge });
    failIntent(ctx, { intent, method }, attemptError(refusal, method, charge));
    return;
  }
  charge.status = 'succeeded';
  charge.paid = true;
  captureCharge(ctx, charge, { amountMinor: charge.amount, isImmediate: false });
  save(ctx, charge);
  emit(ctx, 'charge.succeeded', { object: charge });
  succeed(ctx, intent, charge);
}

/** Marks the intent paid by its captured charge, tells so, and lets a dispute card dispute. */
export function succeed(
  ctx: StripeContext,
  intent: PaymentIntentObject,
  charge: ChargeObject,
): void {
  intent.status = 'succeeded';
  intent.amount_capturable = 0;
  intent.amount_received = charge.amount_captured;
  save(ctx, intent);
  emit(ctx, 'payment_intent.succeeded', { object: intent });
  const { dispute } = natureOf(ctx, charge.payment_method).card;
  if (dispute) openDispute(ctx, charge, dispute);
}

function needsPayer(
  nature: MethodNature,
  intent: PaymentIntentObject,
  options: AttemptOptions,
): boolean {
  const cardOptions = intent.payment_method_options['card'];
  const request = isJsonObject(cardOptions) ? cardOptions['request_three_d_secure'] : null;
  const isAsked = request === 'any' || request === 'challenge';
  switch (nature.card.authentication) {
    case 'always':
      return true;
    case 'unless_set_up':
      return !nature.isSetUp;
    case 'on_session_only':
      return !options.isOffSession;
    case 'never':
      if (nature.card.wallet !== null) return false;
      return isAsked && !options.isOffSession && !nature.card.isBankDebit;
  }
}

function askPayer(ctx: StripeContext, intent: PaymentIntentObject, options: AttemptOptions): void {
  intent.status = 'requires_action';
  intent.next_action = payerAction(ctx, intent.id, options);
  save(ctx, intent);
  emit(ctx, 'payment_intent.requires_action', { object: intent });
}

/** The next action of an intent: a redirect where the caller can take one back, else the SDK's. */
export function payerAction(
  ctx: StripeContext,
  id: string,
  options: Pick<AttemptOptions, 'isSdk' | 'returnUrl'>,
): NonNullable<PaymentIntentObject['next_action']> {
  const url = payerUrl(ctx, id);
  const sdk = { type: 'three_d_secure_redirect', stripe_js: url };
  if (options.returnUrl === null || options.isSdk) {
    return { type: 'use_stripe_sdk', use_stripe_sdk: sdk };
  }
  const redirect = { return_url: options.returnUrl, url };
  return { type: 'redirect_to_url', redirect_to_url: redirect };
}

function authorize(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly method: PaymentMethodObject },
  facts: { readonly isAuthenticated: boolean },
): void {
  const { intent, method } = source;
  const isManual = intent.capture_method === 'manual';
  const charge = makeCharge(ctx, source, {
    decline: null,
    isAuthenticated: facts.isAuthenticated,
    captureBeforeSeconds: isManual ? now(ctx) + AUTHORIZATION_SECONDS : null,
  });
  intent.latest_charge = charge.id;
  writeBook(ctx, { intent, charge }, { kind: 'authorization', status: 'succeeded' });
  keepMethod(ctx, source, facts);
  if (isManual) {
    insert(ctx, charge, { parentId: intent.id, customerId: intent.customer });
    emit(ctx, 'charge.succeeded', { object: charge });
    intent.status = 'requires_capture';
    intent.amount_capturable = intent.amount;
    save(ctx, intent);
    ctx.world.deadlines.set('stripe:authorization', intent.id, AUTHORIZATION_SECONDS);
    emit(ctx, 'payment_intent.amount_capturable_updated', { object: intent });
    return;
  }
  const isImmediate = natureOf(ctx, method.id).card.name.endsWith('bypassPending');
  captureCharge(ctx, charge, { amountMinor: intent.amount, isImmediate });
  insert(ctx, charge, { parentId: intent.id, customerId: intent.customer });
  writeBook(ctx, { intent, charge }, { kind: 'capture', status: 'succeeded' });
  emit(ctx, 'charge.succeeded', { object: charge });
  succeed(ctx, intent, charge);
}

/** Saves the method with the customer when that was asked for; without one it is used up. */
function keepMethod(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly method: PaymentMethodObject },
  facts: { readonly isAuthenticated: boolean },
): void {
  const { intent, method } = source;
  if (intent.setup_future_usage === 'off_session' && facts.isAuthenticated) {
    remember(ctx, method.id, 'isSetUp');
  }
  if (method.customer !== null) return;
  if (intent.setup_future_usage !== null && intent.customer !== null) {
    bindToCustomer(ctx, method, intent.customer);
    return;
  }
  remember(ctx, method.id, 'isConsumed');
}

function startBankDebit(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly method: PaymentMethodObject },
): void {
  const { intent } = source;
  if (intent.capture_method === 'manual') {
    throw refusedByState(
      'The payment method type us_bank_account does not support manual capture.',
      { code: 'payment_intent_invalid_parameter', param: 'capture_method' },
    );
  }
  const charge = makeCharge(ctx, source, {
    decline: null,
    isAuthenticated: false,
    captureBeforeSeconds: null,
  });
  charge.status = 'pending';
  charge.paid = false;
  insert(ctx, charge, { parentId: intent.id, customerId: intent.customer });
  intent.latest_charge = charge.id;
  intent.status = 'processing';
  save(ctx, intent);
  writeBook(ctx, { intent, charge }, { kind: 'capture', status: 'pending' });
  ctx.world.deadlines.set('stripe:bank_debit', intent.id, BANK_DEBIT_SECONDS);
  emit(ctx, 'charge.pending', { object: charge });
  emit(ctx, 'payment_intent.processing', { object: intent });
}

function decline(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly method: PaymentMethodObject },
  refusal: Decline,
): AttemptError {
  const { intent, method } = source;
  const charge = makeCharge(ctx, source, {
    decline: refusal,
    isAuthenticated: false,
    captureBeforeSeconds: null,
  });
  insert(ctx, charge, { parentId: intent.id, customerId: intent.customer });
  intent.latest_charge = charge.id;
  writeBook(ctx, { intent, charge }, { kind: 'authorization', status: 'failed' });
  emit(ctx, 'charge.failed', { object: charge });
  const error = attemptError(refusal, method, charge);
  failIntent(ctx, source, error);
  return error;
}

function failIntent(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly method: PaymentMethodObject },
  error: AttemptError,
): void {
  const { intent } = source;
  intent.last_payment_error = error;
  intent.next_action = null;
  intent.payment_method = null;
  intent.status = 'requires_payment_method';
  save(ctx, intent);
  emit(ctx, 'payment_intent.payment_failed', { object: intent });
}

function attemptError(
  refusal: Decline,
  method: PaymentMethodObject,
  charge: ChargeObject,
): AttemptError {
  return {
    advice_code: refusal.adviceCode,
    charge: charge.id,
    code: refusal.code,
    decline_code: refusal.declineCode,
    doc_url: `https://stripe.com/docs/error-codes/${refusal.code.replaceAll('_', '-')}`,
    message: refusal.message,
    payment_method: method,
    payment_method_type: method.type,
    type: 'card_error',
  };
}

function declineError(intent: PaymentIntentObject, error: AttemptError): Error {
  const { doc_url: _docUrl, message, type: _type, ...fields } = error;
  return cardError(message, { ...fields, payment_intent: intent });
}

function writeBook(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly charge: ChargeObject },
  row: {
    readonly kind: 'authorization' | 'capture';
    readonly status: 'pending' | 'succeeded' | 'failed';
  },
): void {
  ctx.world.books.write({
    processor: 'stripe',
    id: source.charge.id,
    kind: row.kind,
    amountMinor: source.charge.amount,
    currency: source.charge.currency,
    status: row.status,
    of: source.intent.id,
    paymentId: source.intent.id,
  });
}
