/**
 * SetupIntents: saving a card for later, with the payer's authentication where the card wants it.
 * Source: Stripe API reference, "SetupIntents".
 */
import type { JsonObject } from '../json.ts';
import {
  findAddressed,
  findKnown,
  findReferenced,
  insert,
  newId,
  now,
  save,
  type StripeContext,
} from './context.ts';
import { cardError, refusedByState } from './errors.ts';
import { emit } from './events.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import { authenticationFailure, payerAction, type AttemptOptions } from './payment-attempt.ts';
import { automaticMethods, checkMethod, checkReturnUrl } from './payment-intents.ts';
import {
  bindToCustomer,
  methodFromData,
  natureOf,
  remember,
  resolveMethod,
} from './payment-methods.ts';
import type { PaymentMethodObject, SetupIntentObject } from './shapes.ts';

const SHARED_RULES: ParameterRules = {
  allowed_payment_method_types: 'texts',
  confirmation_token: 'unserved',
  expand: 'texts',
  mandate_data: 'free',
  payment_method: 'text',
  payment_method_data: 'free',
  payment_method_options: 'free',
  return_url: 'text',
  use_stripe_sdk: 'boolean',
};

/** Parameters of POST /v1/setup_intents. */
export const SETUP_CREATE_RULES: ParameterRules = {
  ...SHARED_RULES,
  attach_to_self: 'unserved',
  automatic_payment_methods: {
    fields: { enabled: 'boolean', allow_redirects: { oneOf: ['always', 'never'] } },
  },
  confirm: 'boolean',
  customer: 'text',
  customer_account: 'unserved',
  description: 'text',
  excluded_payment_method_types: 'unserved',
  flow_directions: 'unserved',
  metadata: 'metadata',
  on_behalf_of: 'unserved',
  payment_method_configuration: 'unserved',
  single_use: 'unserved',
  usage: { oneOf: ['off_session', 'on_session'] },
};

/** Parameters of POST /v1/setup_intents/{id}/confirm. */
export const SETUP_CONFIRM_RULES: ParameterRules = SHARED_RULES;

/** Parameters of POST /v1/setup_intents/{id}/cancel. */
export const SETUP_CANCEL_RULES: ParameterRules = {
  cancellation_reason: { oneOf: ['abandoned', 'duplicate', 'requested_by_customer'] },
  expand: 'texts',
};

/** POST /v1/setup_intents. */
export function createSetup(ctx: StripeContext, parameters: Parameters): object {
  const customer = parameters.text('customer');
  const id = newId(ctx, 'seti');
  const setup: SetupIntentObject = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: null,
    application: null,
    automatic_payment_methods: automaticMethods(parameters),
    cancellation_reason: null,
    client_secret: `${id}_${newId(ctx, 'secret')}`,
    created: now(ctx),
    customer: customer === null ? null : findReferenced(ctx, 'customer', customer).id,
    customer_account: null,
    description: parameters.text('description'),
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: parameters.mergeMetadata({}),
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage: parameters.text('usage') === 'on_session' ? 'on_session' : 'off_session',
  };
  const method = chosenMethod(ctx, parameters);
  if (method) {
    checkMethod(ctx, setup, method);
    setup.payment_method = method.id;
    setup.status = 'requires_confirmation';
  }
  insert(ctx, setup, { customerId: setup.customer });
  emit(ctx, 'setup_intent.created', { object: setup });
  if (parameters.boolean('confirm') === true) confirmOverApi(ctx, setup, { parameters, method });
  return setup;
}

/** POST /v1/setup_intents/{id}/confirm. Errors: wrong state, no method, declined (402). */
export function confirmSetup(ctx: StripeContext, id: string, parameters: Parameters): object {
  const setup = findAddressed(ctx, 'setup_intent', id);
  if (setup.status === 'succeeded' || setup.status === 'canceled') {
    throw unexpectedState(
      setup,
      `You cannot confirm this SetupIntent because it has a status of ${setup.status}.`,
    );
  }
  const method = chosenMethod(ctx, parameters);
  if (method) checkMethod(ctx, setup, method);
  confirmOverApi(ctx, setup, { parameters, method });
  return setup;
}

/** POST /v1/setup_intents/{id}/cancel. */
export function cancelSetup(ctx: StripeContext, id: string, parameters: Parameters): object {
  const setup = findAddressed(ctx, 'setup_intent', id);
  if (setup.status === 'succeeded' || setup.status === 'canceled') {
    throw unexpectedState(
      setup,
      `You cannot cancel this SetupIntent because it has a status of ${setup.status}.`,
    );
  }
  setup.status = 'canceled';
  setup.cancellation_reason = parameters.text('cancellation_reason');
  setup.next_action = null;
  save(ctx, setup);
  emit(ctx, 'setup_intent.canceled', { object: setup });
  return setup;
}

/** GET /v1/setup_intents. */
export function listSetups(ctx: StripeContext, page: Page): JsonObject {
  return listObjects(ctx, { kind: 'setup_intent', page });
}

/** The payer has passed the authentication of a setup. */
export function passSetup(ctx: StripeContext, setup: SetupIntentObject): void {
  finish(ctx, setup, findKnown(ctx, 'payment_method', setup.payment_method));
}

/** The payer has failed or refused it. */
export function failSetup(ctx: StripeContext, setup: SetupIntentObject): void {
  const method = findKnown(ctx, 'payment_method', setup.payment_method);
  setup.last_setup_error = {
    ...authenticationFailure(method),
    code: 'setup_intent_authentication_failure',
  };
  setup.next_action = null;
  setup.payment_method = null;
  setup.status = 'requires_payment_method';
  save(ctx, setup);
  emit(ctx, 'setup_intent.setup_failed', { object: setup });
}

function chosenMethod(ctx: StripeContext, parameters: Parameters): PaymentMethodObject | null {
  const data = parameters.nested('payment_method_data');
  if (data) return methodFromData(ctx, data);
  const name = parameters.text('payment_method');
  return name === null ? null : resolveMethod(ctx, name);
}

function confirmOverApi(
  ctx: StripeContext,
  setup: SetupIntentObject,
  given: { readonly parameters: Parameters; readonly method: PaymentMethodObject | null },
): void {
  const method =
    given.method ??
    (setup.payment_method === null ? null : findKnown(ctx, 'payment_method', setup.payment_method));
  if (!method) {
    throw unexpectedState(
      setup,
      "You cannot confirm this SetupIntent because it's missing a payment method.",
    );
  }
  const isSdk = given.parameters.boolean('use_stripe_sdk') === true;
  const options = { isSdk, returnUrl: given.parameters.text('return_url') };
  checkReturnUrl(setup, options);
  tryToKeep(ctx, { setup, method }, options);
}

/**
 * Keeps a method, asks the payer first, or is refused. Called by the API and by the payer's page.
 * Errors: card_error (402, executed) when it is declined.
 */
export function tryToKeep(
  ctx: StripeContext,
  source: { readonly setup: SetupIntentObject; readonly method: PaymentMethodObject },
  options: Pick<AttemptOptions, 'isSdk' | 'returnUrl'>,
): void {
  const { setup, method } = source;
  setup.payment_method = method.id;
  setup.last_setup_error = null;
  const { card } = natureOf(ctx, method.id);
  if (!card.isSavable && card.decline) {
    const { adviceCode, code, declineCode, message } = card.decline;
    const fields = { advice_code: adviceCode, code, decline_code: declineCode };
    setup.payment_method = null;
    setup.status = 'requires_payment_method';
    setup.last_setup_error = {
      ...authenticationFailure(method),
      ...fields,
      message,
      type: 'card_error',
    };
    save(ctx, setup);
    emit(ctx, 'setup_intent.setup_failed', { object: setup });
    throw cardError(message, { ...fields, payment_method: method, setup_intent: setup });
  }
  if (card.authentication === 'never') {
    finish(ctx, setup, method);
    return;
  }
  setup.status = 'requires_action';
  setup.next_action = payerAction(ctx, setup.id, options);
  save(ctx, setup);
  emit(ctx, 'setup_intent.requires_action', { object: setup });
}

function finish(ctx: StripeContext, setup: SetupIntentObject, method: PaymentMethodObject): void {
  if (setup.usage === 'off_session') remember(ctx, method.id, 'isSetUp');
  if (setup.customer !== null && method.customer === null) {
    bindToCustomer(ctx, method, setup.customer);
  }
  setup.next_action = null;
  setup.status = 'succeeded';
  save(ctx, setup);
  emit(ctx, 'setup_intent.succeeded', { object: setup });
}

function unexpectedState(setup: SetupIntentObject, message: string): Error {
  return refusedByState(message, {
    code: 'setup_intent_unexpected_state',
    setup_intent: setup,
  });
}
