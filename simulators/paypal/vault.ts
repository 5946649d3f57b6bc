/**
 * Agreements that are kept for later: setup tokens, which a payer approves without paying, and payment
 * tokens, which pay when nobody is there. Owns both.
 * Source: PayPal REST API specifications, vault_payment_tokens_v3.
 */
import type { Json, JsonObject } from '../json.ts';
import { objectAt, textAt, textOf, urlAt } from './body.ts';
import {
  find,
  findAddressed,
  findKnown,
  insert,
  listOf,
  newId,
  payerUrl,
  save,
  stamps,
  type PaypalContext,
} from './context.ts';
import { invalidRequest, notFound, notPermitted, unprocessable } from './errors.ts';
import { emit } from './events.ts';
import type { PaymentTokenRecord, SetupTokenRecord } from './records.ts';
import { link, showAccount, tokenLinks } from './wire.ts';

/** A setup token is forgotten after this long on the virtual clock. */
const SETUP_SECONDS = 3 * 86_400;
/** Customers' identifiers are 10 capitals and digits. */
const CUSTOMER_ID_LENGTH = 10;
const TOKENS_SHOWN = 50;

/** A customer for agreements: the one named in the request, or a new one. */
export function customerOf(ctx: PaypalContext, given: JsonObject | null): JsonObject {
  const id = given ? textAt(given, 'id', { max: 22, at: '/customer' }) : null;
  const rule = { max: 64, at: '/customer' };
  const merchantId = given ? textAt(given, 'merchant_customer_id', rule) : null;
  return {
    id: id ?? newId(ctx).slice(0, CUSTOMER_ID_LENGTH),
    ...(merchantId === null ? {} : { merchant_customer_id: merchantId }),
  };
}

/** Keeps an agreement with a payer. */
export function keepAgreement(
  ctx: PaypalContext,
  facts: { readonly payer: string; readonly customer: JsonObject },
): PaymentTokenRecord {
  const token: PaymentTokenRecord = {
    id: newId(ctx).toLowerCase(),
    kind: 'payment_token',
    ...stamps(ctx),
    customer: facts.customer,
    payer: facts.payer,
    isDeleted: false,
  };
  insert(ctx, token, { customerId: textOf(facts.customer['id']) });
  announce(ctx, token, 'VAULT.PAYMENT-TOKEN.CREATED');
  return token;
}

/** The agreement that is to pay. Errors: 403 when there is none, or none any more. */
export function usableToken(ctx: PaypalContext, id: string): PaymentTokenRecord {
  const token = find(ctx, 'payment_token', id);
  if (!token || token.isDeleted) throw notPermitted();
  return token;
}

/** POST /v3/vault/setup-tokens. */
export function createSetupToken(ctx: PaypalContext, body: JsonObject): JsonObject {
  const source = objectAt(body, 'payment_source');
  const paypal = source ? objectAt(source, 'paypal', '/payment_source') : null;
  if (!paypal) {
    throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: '/payment_source/paypal' });
  }
  const at = '/payment_source/paypal/experience_context';
  const experience = objectAt(paypal, 'experience_context', '/payment_source/paypal') ?? {};
  const setup: SetupTokenRecord = {
    id: newId(ctx),
    kind: 'setup_token',
    ...stamps(ctx),
    status: 'PAYER_ACTION_REQUIRED',
    customer: customerOf(ctx, objectAt(body, 'customer')),
    returnUrl: urlAt(experience, 'return_url', at),
    cancelUrl: urlAt(experience, 'cancel_url', at),
    payer: null,
    isForgotten: false,
  };
  insert(ctx, setup, { customerId: textOf(setup.customer['id']) });
  ctx.world.deadlines.set('paypal:setup', setup.id, SETUP_SECONDS);
  return showSetup(ctx, setup);
}

/** GET /v3/vault/setup-tokens/{id}. Errors: 404. */
export function getSetupToken(ctx: PaypalContext, id: string): JsonObject {
  const setup = findAddressed(ctx, 'setup_token', id);
  if (setup.isForgotten) throw notFound();
  return showSetup(ctx, setup);
}

/** The payer agrees, on their page. */
export function approveSetup(ctx: PaypalContext, setup: SetupTokenRecord, payer: string): void {
  setup.status = 'APPROVED';
  setup.payer = payer;
  save(ctx, setup);
}

/** Nobody used it in time; called by the virtual clock. */
export function forgetSetup(ctx: PaypalContext, id: string): void {
  const setup = findKnown(ctx, 'setup_token', id);
  if (setup.status === 'VAULTED') return;
  setup.isForgotten = true;
  save(ctx, setup);
}

/** POST /v3/vault/payment-tokens: keeps what the payer approved. Errors: 404, 422. */
export function createPaymentToken(ctx: PaypalContext, body: JsonObject): JsonObject {
  const source = objectAt(body, 'payment_source');
  const reference = source ? objectAt(source, 'token', '/payment_source') : null;
  const at = '/payment_source/token';
  if (!reference) throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: at });
  const id = textAt(reference, 'id', { max: 36, at });
  if (id === null || reference['type'] !== 'SETUP_TOKEN') {
    throw invalidRequest('INVALID_PARAMETER_VALUE', {
      field: `${at}/${id === null ? 'id' : 'type'}`,
    });
  }
  const setup = findAddressed(ctx, 'setup_token', id);
  if (setup.isForgotten) throw notFound();
  if (setup.status !== 'APPROVED' || setup.payer === null) {
    throw unprocessable('PAYER_ACTION_REQUIRED', { field: `${at}/id` });
  }
  setup.status = 'VAULTED';
  save(ctx, setup);
  return showToken(ctx, keepAgreement(ctx, { payer: setup.payer, customer: setup.customer }));
}

/** GET /v3/vault/payment-tokens/{id}. Errors: 404. */
export function getPaymentToken(ctx: PaypalContext, id: string): JsonObject {
  const token = findAddressed(ctx, 'payment_token', id);
  if (token.isDeleted) throw notFound();
  return showToken(ctx, token);
}

/** GET /v3/vault/payment-tokens?customer_id=. */
export function listPaymentTokens(ctx: PaypalContext, query: URLSearchParams): JsonObject {
  const customerId = query.get('customer_id');
  if (customerId === null) {
    throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: 'customer_id', location: 'query' });
  }
  const tokens = listOf(ctx, 'payment_token', { limit: TOKENS_SHOWN, customerId });
  const shown = tokens.filter((token) => !token.isDeleted);
  return {
    customer: { id: customerId },
    payment_tokens: shown.map((token): Json => showToken(ctx, token)),
    links: [link(ctx, 'self', { path: `/v3/vault/payment-tokens?${query.toString()}` })],
  };
}

/** DELETE /v3/vault/payment-tokens/{id}; a second time is as good as the first. */
export function deletePaymentToken(ctx: PaypalContext, id: string): void {
  const token = find(ctx, 'payment_token', id);
  if (!token || token.isDeleted) return;
  token.isDeleted = true;
  save(ctx, token);
  announce(ctx, token, 'VAULT.PAYMENT-TOKEN.DELETED');
}

function showSetup(ctx: PaypalContext, setup: SetupTokenRecord): JsonObject {
  const path = `/v3/vault/setup-tokens/${setup.id}`;
  const links = [link(ctx, 'self', { path })];
  if (setup.status === 'PAYER_ACTION_REQUIRED') {
    links.push({ href: payerUrl(ctx, setup.id), rel: 'approve', method: 'GET' });
  } else {
    const confirm = { path: '/v3/vault/payment-tokens', method: 'POST' };
    links.push(link(ctx, 'confirm', confirm));
  }
  return {
    id: setup.id,
    customer: setup.customer,
    status: setup.status,
    payment_source: { paypal: setup.payer === null ? {} : showAccount(setup.payer) },
    links,
  };
}

function showToken(ctx: PaypalContext, token: PaymentTokenRecord): JsonObject {
  return {
    id: token.id,
    customer: token.customer,
    payment_source: { paypal: showAccount(token.payer) },
    links: tokenLinks(ctx, token),
  };
}

function announce(ctx: PaypalContext, token: PaymentTokenRecord, type: string): void {
  emit(ctx, type, {
    resource: showToken(ctx, token),
    objectId: token.id,
    resourceType: 'payment_token',
    summary: `A payment token has been ${type.endsWith('DELETED') ? 'deleted' : 'created'}.`,
  });
}
