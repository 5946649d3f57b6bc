/**
 * Payment methods: the test names, saved ones, attaching and detaching. Owns which test card stands
 * behind a payment method and whether it was set up for off-session use; neither is on the wire.
 * Source: Stripe API reference, "PaymentMethods".
 */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../json.ts';
import {
  find,
  findAddressed,
  findReferenced,
  insert,
  newId,
  now,
  save,
  type StripeContext,
} from './context.ts';
import { cardError, invalidRequest, missingResource } from './errors.ts';
import { emit } from './events.ts';
import type { FormMap } from './form-encoding.ts';
import { listObjects, type Page } from './lists.ts';
import { Parameters, type ParameterRules } from './parameters.ts';
import type { BillingDetails, PaymentMethodObject } from './shapes.ts';
import { findTestCard, walletOf, type TestCard } from './test-cards.ts';

const BILLING_RULES: ParameterRules = {
  address: {
    fields: {
      city: 'text',
      country: 'text',
      line1: 'text',
      line2: 'text',
      postal_code: 'text',
      state: 'text',
    },
  },
  email: 'text',
  name: 'text',
  phone: 'text',
  tax_id: 'text',
};

/** Parameters of POST /v1/payment_methods; also those of `payment_method_data`. */
export const PAYMENT_METHOD_CREATE_RULES: ParameterRules = {
  allow_redisplay: 'text',
  billing_details: { fields: BILLING_RULES },
  card: {
    fields: { cvc: 'text', exp_month: 'text', exp_year: 'text', number: 'text', token: 'text' },
  },
  customer: 'unserved',
  metadata: 'metadata',
  payment_method: 'unserved',
  type: { oneOf: ['card'] },
};

/** What a payment method does, and what it remembers. */
export interface MethodNature {
  readonly card: TestCard;
  /** Authenticated for off-session use before. */
  readonly isSetUp: boolean;
  /** Used once without a customer, so that it cannot be used again. */
  readonly isConsumed: boolean;
}

/** The nature of a payment method in the books. */
export function natureOf(ctx: StripeContext, methodId: string): MethodNature {
  const secrets = ctx.world.objects.secrets(methodId);
  const card = findTestCard(typeof secrets['card'] === 'string' ? secrets['card'] : '');
  if (!card) throw new Error(`The books lack the card behind ${methodId}.`);
  return {
    card,
    isSetUp: secrets['isSetUp'] === true,
    isConsumed: secrets['isConsumed'] === true,
  };
}

/** Remembers something about a payment method. */
export function remember(
  ctx: StripeContext,
  methodId: string,
  fact: 'isSetUp' | 'isConsumed',
): void {
  const secrets = ctx.world.objects.secrets(methodId);
  ctx.world.objects.updateSecrets(methodId, { ...secrets, [fact]: true });
}

/**
 * The payment method that a parameter names: a saved one, or a new one behind a test name.
 * Errors: `resource_missing` (400).
 */
export function resolveMethod(ctx: StripeContext, name: string): PaymentMethodObject {
  const saved = find(ctx, 'payment_method', name);
  if (saved) return saved;
  const card = findTestCard(name);
  if (!card || name.startsWith('tok_')) {
    throw missingResource('PaymentMethod', name, { param: 'payment_method', isAddressed: false });
  }
  return makeMethod(ctx, card, null);
}

/** A new payment method from `payment_method_data` or the parameters of the create call. */
export function methodFromData(ctx: StripeContext, data: FormMap): PaymentMethodObject {
  const parameters = new Parameters(data, PAYMENT_METHOD_CREATE_RULES);
  parameters.requiredText('type');
  if (parameters.nestedText('card', 'number') !== null) {
    throw invalidRequest(
      'Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you ' +
        'use test tokens that map to the test card you are using, see ' +
        'https://stripe.com/docs/testing.',
      'card[number]',
    );
  }
  const token = parameters.nestedText('card', 'token');
  const card = token === null ? null : findTestCard(token);
  if (!card) {
    throw missingResource('token', token ?? '', { param: 'card[token]', isAddressed: false });
  }
  const method = makeMethod(ctx, card, parameters.nested('billing_details'));
  method.metadata = parameters.mergeMetadata({});
  save(ctx, method);
  return method;
}

/** POST /v1/payment_methods. */
export function createMethod(ctx: StripeContext, data: FormMap): object {
  const { expand: _expand, ...rest } = data;
  return methodFromData(ctx, rest);
}

/** POST /v1/payment_methods/{id}/attach. Errors: the card refuses to be saved (402). */
export function attachMethod(ctx: StripeContext, name: string, customerId: string): object {
  const customer = findReferenced(ctx, 'customer', customerId);
  const saved = find(ctx, 'payment_method', name);
  const card = saved ? null : findTestCard(name);
  if (!saved && !card) {
    throw missingResource('PaymentMethod', name, { param: 'id', isAddressed: true });
  }
  const method = saved ?? resolveMethod(ctx, name);
  if (method.customer === customer.id) return method;
  if (method.customer !== null) {
    throw invalidRequest('This PaymentMethod is attached to another customer.', 'customer');
  }
  const nature = natureOf(ctx, method.id);
  if (nature.isConsumed) throw consumedError();
  if (!nature.card.isSavable && nature.card.decline) {
    const { code, declineCode, message, adviceCode } = nature.card.decline;
    const fields = { advice_code: adviceCode, code, decline_code: declineCode };
    throw cardError(message, { ...fields, payment_method: method });
  }
  return bindToCustomer(ctx, method, customer.id);
}

/** Saves a payment method with a customer. */
export function bindToCustomer(
  ctx: StripeContext,
  method: PaymentMethodObject,
  customerId: string,
): PaymentMethodObject {
  method.customer = customerId;
  save(ctx, method);
  ctx.world.objects.assignCustomer(method.id, customerId);
  emit(ctx, 'payment_method.attached', { object: method });
  return method;
}

/** POST /v1/payment_methods/{id}/detach; a detached one can never be used again. */
export function detachMethod(ctx: StripeContext, id: string): object {
  const method = findAddressed(ctx, 'payment_method', id);
  if (method.customer === null) {
    throw invalidRequest(
      'The payment method you provided is not attached to a customer so detachment is impossible.',
    );
  }
  const previous = { customer: method.customer };
  method.customer = null;
  save(ctx, method);
  ctx.world.objects.assignCustomer(id, null);
  remember(ctx, id, 'isConsumed');
  emit(ctx, 'payment_method.detached', { object: method, previous });
  return method;
}

/** GET /v1/payment_methods and GET /v1/customers/{id}/payment_methods. */
export function listMethods(ctx: StripeContext, customerId: string | null, page: Page): JsonObject {
  if (customerId === null) throw invalidRequest('Missing required param: customer.', 'customer');
  findReferenced(ctx, 'customer', customerId);
  return listObjects(ctx, { kind: 'payment_method', page, customerId });
}

/** A payment method that was used up or detached. */
export function consumedError(): Error {
  return invalidRequest(
    'The provided PaymentMethod was previously used with a PaymentIntent without Customer ' +
      'attachment, shared with a connected account without Customer attachment, or was detached ' +
      'from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must ' +
      'attach it to a Customer first.',
    'payment_method',
  );
}

function makeMethod(
  ctx: StripeContext,
  card: TestCard,
  billing: FormMap | null,
): PaymentMethodObject {
  const method: PaymentMethodObject = {
    id: newId(ctx, 'pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: billingDetails(billing),
    ...(card.isBankDebit ? {} : { card: cardDetails(ctx, card) }),
    created: now(ctx),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: card.isBankDebit ? 'us_bank_account' : 'card',
    ...(card.isBankDebit ? { us_bank_account: bankDetails(card) } : {}),
  };
  insert(ctx, method, { secrets: { card: card.name } });
  return method;
}

function fingerprint(card: TestCard): string {
  return createHash('sha256').update(`${card.brand}${card.last4}`).digest('hex').slice(0, 16);
}

function cardDetails(ctx: StripeContext, card: TestCard): NonNullable<PaymentMethodObject['card']> {
  return {
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    display_brand: card.brand,
    exp_month: 12,
    exp_year: new Date(now(ctx) * 1000).getUTCFullYear() + 3,
    fingerprint: fingerprint(card),
    funding: 'credit',
    generated_from: null,
    last4: card.last4,
    networks: { available: [card.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: walletOf(card),
  };
}

function bankDetails(card: TestCard): NonNullable<PaymentMethodObject['us_bank_account']> {
  return {
    account_holder_type: 'individual',
    account_type: 'checking',
    bank_name: 'STRIPE TEST BANK',
    financial_connections_account: null,
    fingerprint: fingerprint(card),
    last4: card.last4,
    networks: null,
    routing_number: '110000000',
    status_details: null,
  };
}

function billingDetails(billing: FormMap | null): BillingDetails {
  const given = billing?.['address'];
  const address = typeof given === 'object' && !Array.isArray(given) ? given : null;
  return {
    address: {
      city: textOf(address, 'city'),
      country: textOf(address, 'country'),
      line1: textOf(address, 'line1'),
      line2: textOf(address, 'line2'),
      postal_code: textOf(address, 'postal_code'),
      state: textOf(address, 'state'),
    },
    email: textOf(billing, 'email'),
    name: textOf(billing, 'name'),
    phone: textOf(billing, 'phone'),
    tax_id: textOf(billing, 'tax_id'),
  };
}

function textOf(map: FormMap | null, name: string): string | null {
  const value = map?.[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
