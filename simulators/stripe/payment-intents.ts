/**
 * PaymentIntents over the API: create, read, update, confirm, list. Checks parameters and states
 * and hands the attempt to payment-attempt.ts; capture and cancel are in settlement.ts.
 * Source: Stripe API reference, "PaymentIntents".
 */
import type { JsonObject } from '../json.ts';
import {
  findAddressed,
  findReferenced,
  insert,
  newId,
  now,
  save,
  type StripeContext,
} from './context.ts';
import { checkChargeAmount, checkCurrency } from './currencies.ts';
import { invalidRequest, refusedByState } from './errors.ts';
import { emit } from './events.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import { attempt, type AttemptOptions } from './payment-attempt.ts';
import { consumedError, methodFromData, natureOf, resolveMethod } from './payment-methods.ts';
import type {
  PaymentIntentObject,
  PaymentIntentStatus,
  PaymentMethodObject,
  SetupIntentObject,
} from './shapes.ts';

const CAPTURE_METHODS = ['automatic', 'automatic_async', 'manual'] as const;
const FUTURE_USAGES = ['off_session', 'on_session'] as const;

/** Parameters that creating, updating and confirming have in common. */
const SHARED_RULES: ParameterRules = {
  allowed_payment_method_types: 'texts',
  amount_details: 'unserved',
  capture_method: { oneOf: CAPTURE_METHODS },
  excluded_payment_method_types: 'texts',
  expand: 'texts',
  hooks: 'unserved',
  payment_details: 'unserved',
  payment_method: 'text',
  payment_method_data: 'free',
  payment_method_options: { fields: { card: 'free', us_bank_account: 'free' } },
  receipt_email: 'text',
  setup_future_usage: { oneOf: FUTURE_USAGES },
  shipping: 'unserved',
};

const CONFIRM_ONLY_RULES: ParameterRules = {
  confirmation_token: 'unserved',
  error_on_requires_action: 'boolean',
  mandate: 'unserved',
  mandate_data: 'free',
  off_session: 'boolean',
  radar_options: 'unserved',
  return_url: 'text',
  use_stripe_sdk: 'boolean',
};

const DESCRIBING_RULES: ParameterRules = {
  application_fee_amount: 'unserved',
  customer: 'text',
  customer_account: 'unserved',
  description: 'text',
  metadata: 'metadata',
  payment_method_configuration: 'unserved',
  statement_descriptor: 'text',
  statement_descriptor_suffix: 'text',
  transfer_data: 'unserved',
  transfer_group: 'text',
};

/** Parameters of POST /v1/payment_intents; `payment_method_types` no longer exists there. */
export const CREATE_RULES: ParameterRules = {
  ...SHARED_RULES,
  ...CONFIRM_ONLY_RULES,
  ...DESCRIBING_RULES,
  amount: 'integer',
  automatic_payment_methods: {
    fields: { enabled: 'boolean', allow_redirects: { oneOf: ['always', 'never'] } },
  },
  confirm: 'boolean',
  confirmation_method: { oneOf: ['automatic', 'manual'] },
  currency: 'text',
  on_behalf_of: 'unserved',
};

/** Parameters of POST /v1/payment_intents/{id}. */
export const UPDATE_RULES: ParameterRules = {
  ...SHARED_RULES,
  ...DESCRIBING_RULES,
  amount: 'integer',
  currency: 'text',
};

/** Parameters of POST /v1/payment_intents/{id}/confirm. */
export const CONFIRM_RULES: ParameterRules = {
  ...SHARED_RULES,
  ...CONFIRM_ONLY_RULES,
  amount_to_confirm: 'unserved',
};

/** Parameters of GET /v1/payment_intents beside those of every list. */
export const INTENT_LIST_RULES: ParameterRules = { customer: 'text', customer_account: 'unserved' };

const OPEN: readonly PaymentIntentStatus[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
];

/** POST /v1/payment_intents. */
export function createIntent(ctx: StripeContext, parameters: Parameters): object {
  const isConfirmed = parameters.boolean('confirm') === true;
  if (!isConfirmed) refuseConfirmOnly(parameters);
  const intent = makeIntent(ctx, parameters);
  const method = chosenMethod(ctx, parameters);
  if (method) checkMethod(ctx, intent, method);
  intent.payment_method = method?.id ?? null;
  if (method) intent.status = 'requires_confirmation';
  insert(ctx, intent, { customerId: intent.customer });
  emit(ctx, 'payment_intent.created', { object: intent });
  if (isConfirmed) confirmWith(ctx, intent, { parameters, method });
  return intent;
}

/** POST /v1/payment_intents/{id}. Amount, currency and method only before it is paid. */
export function updateIntent(ctx: StripeContext, id: string, parameters: Parameters): object {
  const intent = findAddressed(ctx, 'payment_intent', id);
  const locked = ['amount', 'currency', 'payment_method', 'payment_method_data', 'capture_method'];
  const name = locked.find((candidate) => parameters.has(candidate));
  if (name !== undefined && !OPEN.includes(intent.status)) {
    throw refusedByState(
      `This PaymentIntent's ${name} could not be updated because it has a status of ` +
        `${intent.status}. You may only update the ${name} of a PaymentIntent with one of the ` +
        `following statuses: ${OPEN.join(', ')}.`,
      { code: 'payment_intent_unexpected_state', param: name, payment_intent: intent },
    );
  }
  intent.currency = checkCurrency(parameters.text('currency') ?? intent.currency);
  intent.amount = parameters.integer('amount') ?? intent.amount;
  checkChargeAmount(intent.amount, intent.currency);
  applyDescriptions(ctx, intent, parameters);
  applyShared(intent, parameters);
  const method = chosenMethod(ctx, parameters);
  if (method) {
    checkMethod(ctx, intent, method);
    intent.payment_method = method.id;
    intent.next_action = null;
    intent.status = 'requires_confirmation';
  }
  save(ctx, intent);
  ctx.world.objects.assignCustomer(intent.id, intent.customer);
  return intent;
}

/** POST /v1/payment_intents/{id}/confirm. Errors: wrong state, no method, declined (402). */
export function confirmIntent(ctx: StripeContext, id: string, parameters: Parameters): object {
  const intent = findAddressed(ctx, 'payment_intent', id);
  checkConfirmable(intent);
  applyShared(intent, parameters);
  const method = chosenMethod(ctx, parameters);
  if (method) checkMethod(ctx, intent, method);
  confirmWith(ctx, intent, { parameters, method });
  return intent;
}

/** GET /v1/payment_intents, newest first. */
export function listIntents(ctx: StripeContext, parameters: Parameters, page: Page): JsonObject {
  const customerId = parameters.text('customer') ?? undefined;
  return listObjects(ctx, { kind: 'payment_intent', page, customerId });
}

/** Errors: payment_intent_unexpected_state when the intent is past paying. */
export function checkConfirmable(intent: PaymentIntentObject): void {
  if (OPEN.includes(intent.status)) return;
  throw refusedByState(
    intent.status === 'succeeded'
      ? 'You cannot confirm this PaymentIntent because it has already succeeded after being ' +
          'previously confirmed.'
      : `You cannot confirm this PaymentIntent because it has a status of ${intent.status}. Only ` +
          'a PaymentIntent with one of the following statuses may be confirmed: ' +
          'requires_confirmation, requires_action.',
    { code: 'payment_intent_unexpected_state', payment_intent: intent },
  );
}

/** Errors: the method belongs to another customer or was used up. */
export function checkMethod(
  ctx: StripeContext,
  intent: Pick<PaymentIntentObject, 'customer'>,
  method: PaymentMethodObject,
): void {
  if (method.customer !== null && method.customer !== intent.customer) {
    throw invalidRequest(
      `The PaymentMethod ${method.id} does not belong to the Customer you supplied. Please use ` +
        'this PaymentMethod with the Customer that it belongs to instead.',
      'payment_method',
    );
  }
  if (method.customer === null && natureOf(ctx, method.id).isConsumed) throw consumedError();
}

function confirmWith(
  ctx: StripeContext,
  intent: PaymentIntentObject,
  given: { readonly parameters: Parameters; readonly method: PaymentMethodObject | null },
): void {
  const { parameters } = given;
  const method =
    given.method ??
    (intent.payment_method === null ? null : findReferencedMethod(ctx, intent.payment_method));
  if (!method) {
    throw refusedByState(
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can " +
        'either update the PaymentIntent with a payment method and then confirm it again, or ' +
        'confirm it again directly with a payment method or ConfirmationToken.',
      { code: 'payment_intent_unexpected_state', payment_intent: intent },
    );
  }
  const options: AttemptOptions = {
    isOffSession: parameters.boolean('off_session') === true,
    isActionRefused: parameters.boolean('error_on_requires_action') === true,
    isSdk: parameters.boolean('use_stripe_sdk') === true,
    returnUrl: parameters.text('return_url'),
  };
  checkReturnUrl(intent, options);
  checkOffSession(intent, options);
  attempt(ctx, { intent, method }, options);
}

function findReferencedMethod(ctx: StripeContext, id: string): PaymentMethodObject {
  return findReferenced(ctx, 'payment_method', id);
}

/** Nobody is there who could agree to further use. */
function checkOffSession(intent: PaymentIntentObject, options: AttemptOptions): void {
  if (!options.isOffSession || intent.setup_future_usage === null) return;
  throw invalidRequest(
    'You cannot confirm with the `off_session` parameter when `setup_future_usage` is also set on ' +
      'the PaymentIntent because you cannot set up future usages when processing payments ' +
      'off-session.',
    'off_session',
  );
}

/** An intent that may redirect needs somewhere to come back to. */
export function checkReturnUrl(
  intent: Pick<PaymentIntentObject | SetupIntentObject, 'automatic_payment_methods' | 'object'>,
  options: Pick<AttemptOptions, 'isSdk' | 'returnUrl'>,
): void {
  if (options.returnUrl !== null) {
    if (/^https?:\/\/\S+$/.test(options.returnUrl)) return;
    throw invalidRequest('Not a valid URL', 'return_url');
  }
  const automatic = intent.automatic_payment_methods;
  if (!automatic?.enabled || automatic.allow_redirects === 'never' || options.isSdk) return;
  const name = intent.object === 'payment_intent' ? 'PaymentIntent' : 'SetupIntent';
  throw invalidRequest(
    `This ${name} is configured to accept payment methods enabled in your Dashboard. Because ` +
      'some of these payment methods might redirect your customer off of your page, you must ' +
      'provide a `return_url`. If you don’t want to accept redirect-based payment methods, set ' +
      '`automatic_payment_methods[enabled]` to `true` and ' +
      '`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and ' +
      'Payment Intents.',
    'return_url',
  );
}

function refuseConfirmOnly(parameters: Parameters): void {
  for (const name of ['error_on_requires_action', 'mandate_data', 'off_session', 'return_url']) {
    if (!parameters.has(name)) continue;
    throw invalidRequest(`You can only pass the parameter ${name} with confirm=true.`, name);
  }
}

function chosenMethod(ctx: StripeContext, parameters: Parameters): PaymentMethodObject | null {
  const data = parameters.nested('payment_method_data');
  if (data) return methodFromData(ctx, data);
  const name = parameters.text('payment_method');
  return name === null ? null : resolveMethod(ctx, name);
}

function makeIntent(ctx: StripeContext, parameters: Parameters): PaymentIntentObject {
  parameters.requiredText('amount');
  const currency = checkCurrency(parameters.requiredText('currency'));
  const amount = parameters.requiredInteger('amount');
  checkChargeAmount(amount, currency);
  const id = newId(ctx, 'pi');
  const intent: PaymentIntentObject = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: automaticMethods(parameters),
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_${newId(ctx, 'secret')}`,
    confirmation_method:
      parameters.text('confirmation_method') === 'manual' ? 'manual' : 'automatic',
    created: now(ctx),
    currency,
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  };
  applyDescriptions(ctx, intent, parameters);
  applyShared(intent, parameters);
  return intent;
}

/** `automatic_payment_methods` of a call; without it they are enabled, as Stripe's default is. */
export function automaticMethods(
  parameters: Parameters,
): PaymentIntentObject['automatic_payment_methods'] {
  if (parameters.texts('allowed_payment_method_types').length > 0) return null;
  const given = parameters.nested('automatic_payment_methods');
  if (given && given['enabled'] === undefined) {
    throw invalidRequest(
      'Missing required param: automatic_payment_methods[enabled].',
      'automatic_payment_methods[enabled]',
    );
  }
  if (given?.['enabled'] === 'false') return null;
  return {
    allow_redirects: given?.['allow_redirects'] === 'never' ? 'never' : 'always',
    enabled: true,
  };
}

function applyDescriptions(
  ctx: StripeContext,
  intent: PaymentIntentObject,
  parameters: Parameters,
): void {
  const customer = parameters.text('customer');
  if (customer !== null) intent.customer = findReferenced(ctx, 'customer', customer).id;
  if (parameters.has('description')) intent.description = parameters.text('description');
  if (parameters.has('statement_descriptor')) {
    intent.statement_descriptor = parameters.text('statement_descriptor');
  }
  if (parameters.has('statement_descriptor_suffix')) {
    intent.statement_descriptor_suffix = parameters.text('statement_descriptor_suffix');
  }
  if (parameters.has('transfer_group')) intent.transfer_group = parameters.text('transfer_group');
  intent.metadata = parameters.mergeMetadata(intent.metadata);
}

function applyShared(intent: PaymentIntentObject, parameters: Parameters): void {
  const captureMethod = CAPTURE_METHODS.find((it) => it === parameters.text('capture_method'));
  if (captureMethod) intent.capture_method = captureMethod;
  if (parameters.has('setup_future_usage')) {
    const usage = parameters.text('setup_future_usage');
    intent.setup_future_usage = FUTURE_USAGES.find((it) => it === usage) ?? null;
  }
  if (parameters.has('receipt_email')) intent.receipt_email = parameters.text('receipt_email');
  const options = parameters.nested('payment_method_options');
  if (options) intent.payment_method_options = JSON.parse(JSON.stringify(options));
  const allowed = parameters.texts('allowed_payment_method_types');
  if (allowed.length > 0) {
    intent.allowed_payment_method_types = allowed;
    intent.payment_method_types = allowed;
  }
  const excluded = parameters.texts('excluded_payment_method_types');
  if (excluded.length > 0) intent.excluded_payment_method_types = excluded;
}
