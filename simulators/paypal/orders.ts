/**
 * Orders: created, approved by a payer, then authorized or captured. Owns their states; the money is
 * in authorizations.ts and captures.ts.
 * Source: PayPal REST API specifications, checkout_orders_v2.
 */
import { isJsonObject, type JsonObject } from '../json.ts';
import { reserve } from './authorizations.ts';
import { choiceAt, objectAt, textAt } from './body.ts';
import { takeMoney } from './captures.ts';
import {
  findAddressed,
  findKnown,
  insert,
  newId,
  payerUrl,
  PROCESSOR,
  save,
  stamps,
  type PaypalContext,
} from './context.ts';
import { invalidRequest, notFound, unprocessable, type PaypalError } from './errors.ts';
import { emit } from './events.ts';
import { checkInvoice, claimInvoice } from './invoices.ts';
import { readAmount } from './money.ts';
import { readSource } from './payment-source.ts';
import type { OrderRecord } from './records.ts';
import { knownPayer } from './test-payers.ts';
import { customerOf, keepAgreement, usableToken } from './vault.ts';
import { showOrder } from './wire.ts';

/** An order that is not approved, or not taken once it is, is forgotten after this long. */
const LIFETIME_SECONDS = 3 * 3600;

/** POST /v2/checkout/orders. With a kept agreement it is paid at once. Errors: 400, 403, 422. */
export function createOrder(ctx: PaypalContext, body: JsonObject, hasKey: boolean): OrderRecord {
  if (body['payment_source'] !== undefined && !hasKey) {
    const field = 'PayPal-Request-Id';
    throw invalidRequest('PAYPAL_REQUEST_ID_REQUIRED', { field, location: 'header' });
  }
  const order = makeOrder(ctx, body);
  const claim = { use: 'payment', invoiceId: order.invoiceId, ownerId: order.id } as const;
  checkInvoice(ctx, claim);
  insert(ctx, order);
  applySource(ctx, order, body);
  ctx.world.deadlines.set('paypal:order', order.id, LIFETIME_SECONDS);
  if (isByAgreement(order)) pay(ctx, order);
  return order;
}

/** GET /v2/checkout/orders/{id}. Errors: 404, also when it is forgotten. */
export function getOrder(ctx: PaypalContext, id: string): OrderRecord {
  const order = findAddressed(ctx, 'order', id);
  if (order.isForgotten) throw notFound();
  return order;
}

/** POST …/confirm-payment-source: says late how the order is to be paid. */
export function confirmSource(ctx: PaypalContext, id: string, body: JsonObject): OrderRecord {
  const order = findAddressed(ctx, 'order', id);
  checkOpen(order);
  if (objectAt(body, 'payment_source') === null) {
    throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: '/payment_source' });
  }
  applySource(ctx, order, body);
  return order;
}

/** POST …/authorize and …/capture. Errors: 422 by intent, state, invoice and payer. */
export function completeOrder(
  ctx: PaypalContext,
  id: string,
  request: { readonly intent: OrderRecord['intent']; readonly body: JsonObject },
): OrderRecord {
  const order = findAddressed(ctx, 'order', id);
  if (order.intent !== request.intent) throw unprocessable('ACTION_DOES_NOT_MATCH_INTENT');
  checkOpen(order);
  if (order.status !== 'APPROVED') applySource(ctx, order, request.body);
  if (order.status !== 'APPROVED') {
    throw unprocessable('ORDER_NOT_APPROVED', { links: payerLinks(ctx, order) });
  }
  pay(ctx, order);
  return order;
}

/** The payer agrees, on their page. Nothing moves yet. */
export function approveOrder(ctx: PaypalContext, order: OrderRecord, payer: string): void {
  order.payer = payer;
  order.status = 'APPROVED';
  save(ctx, order);
  ctx.world.deadlines.clear(order.id);
  ctx.world.deadlines.set('paypal:order', order.id, LIFETIME_SECONDS);
  announce(ctx, order, 'CHECKOUT.ORDER.APPROVED');
}

/** Nobody completed it in time; called by the virtual clock. */
export function forgetOrder(ctx: PaypalContext, id: string): void {
  const order = findKnown(ctx, 'order', id);
  if (order.status === 'COMPLETED' || order.status === 'VOIDED') return;
  const wasApproved = order.status === 'APPROVED';
  order.isForgotten = true;
  save(ctx, order);
  if (wasApproved) announce(ctx, order, 'CHECKOUT.PAYMENT-APPROVAL.REVERSED');
}

function makeOrder(ctx: PaypalContext, body: JsonObject): OrderRecord {
  const intent = choiceAt(body, 'intent', ['AUTHORIZE', 'CAPTURE']);
  if (intent === null) throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: '/intent' });
  const unit = onlyUnit(body);
  const at = '/purchase_units/0';
  const { amountMinor, currency } = readAmount(unit['amount'], `${at}/amount`);
  const customId = textAt(unit, 'custom_id', { max: 255, at });
  return {
    id: newId(ctx),
    kind: 'order',
    ...stamps(ctx),
    intent,
    status: 'CREATED',
    referenceId: textAt(unit, 'reference_id', { max: 256, at }) ?? 'default',
    customId,
    invoiceId: textAt(unit, 'invoice_id', { max: 127, at }),
    description: textAt(unit, 'description', { max: 127, at }),
    amountMinor,
    currency,
    source: null,
    payer: null,
    keptTokenId: null,
    isForgotten: false,
    authorizationIds: [],
    captureIds: [],
    refundIds: [],
    metadata: namedBy(customId),
  };
}

function onlyUnit(body: JsonObject): JsonObject {
  const units = body['purchase_units'];
  const [unit] = Array.isArray(units) ? units : [];
  if (!isJsonObject(unit)) {
    throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: '/purchase_units' });
  }
  if (Array.isArray(units) && units.length === 1) return unit;
  throw invalidRequest(
    'NOT_SIMULATED',
    { field: '/purchase_units/1' },
    'The simulator knows orders with one purchase unit.',
  );
}

/** What the platform's custom_id says: `bkg_…:pay_…` or `sub_…:chg_…`; anything else says nothing. */
function namedBy(customId: string | null): Readonly<Record<string, string>> {
  const [, bookingId, paymentId] = /^(bkg_.*):(pay_.*)$/.exec(customId ?? '') ?? [];
  if (bookingId !== undefined && paymentId !== undefined) return { bookingId, paymentId };
  const [, subscriptionId, chargeId] = /^(sub_.*):(chg_.*)$/.exec(customId ?? '') ?? [];
  return subscriptionId === undefined || chargeId === undefined ? {} : { subscriptionId, chargeId };
}

/** Takes over how a request wants to pay. A kept agreement approves by itself. */
function applySource(ctx: PaypalContext, order: OrderRecord, body: JsonObject): void {
  const source = readSource(body);
  if (!source) return;
  order.source = source;
  if (source.tokenId === null) order.status = 'PAYER_ACTION_REQUIRED';
  else {
    order.payer = usableToken(ctx, source.tokenId).payer;
    order.status = 'APPROVED';
  }
  save(ctx, order);
}

function checkOpen(order: OrderRecord): void {
  if (order.isForgotten) throw unprocessable('ORDER_EXPIRED');
  if (order.authorizationIds.length > 0) throw unprocessable('ORDER_ALREADY_AUTHORIZED');
  if (order.captureIds.length > 0) throw unprocessable('ORDER_ALREADY_CAPTURED');
}

/** True when a kept agreement pays and nobody is there. */
function isByAgreement(order: OrderRecord): boolean {
  return order.source !== null && order.source.tokenId !== null;
}

/** Reserves or takes the money of an approved order. */
function pay(ctx: PaypalContext, order: OrderRecord): void {
  const payer = knownPayer(order.payer);
  if (payer.funding === 'declined' || (isByAgreement(order) && payer.isAgreementRefused)) {
    throw decline(ctx, order);
  }
  claimInvoice(ctx, { use: 'payment', invoiceId: order.invoiceId, ownerId: order.id });
  if (order.intent === 'AUTHORIZE') reserve(ctx, order);
  else {
    const { amountMinor, invoiceId } = order;
    takeMoney(ctx, { order, authorization: null, amountMinor, isFinal: true, invoiceId });
  }
  order.status = 'COMPLETED';
  if (order.source?.isToBeKept === true && order.payer !== null) {
    const customer = customerOf(ctx, order.source.customer);
    order.keptTokenId = keepAgreement(ctx, { payer: order.payer, customer }).id;
  }
  save(ctx, order);
  ctx.world.deadlines.clear(order.id);
  announce(ctx, order, 'CHECKOUT.ORDER.COMPLETED');
}

/** The payer's instrument is refused: they may come back to their page and choose another one. */
function decline(ctx: PaypalContext, order: OrderRecord): PaypalError {
  ctx.world.books.write({
    processor: PROCESSOR,
    id: newId(ctx),
    kind: 'authorization',
    amountMinor: order.amountMinor,
    currency: order.currency.toLowerCase(),
    status: 'failed',
    of: order.id,
    paymentId: order.id,
  });
  order.status = 'PAYER_ACTION_REQUIRED';
  order.payer = null;
  save(ctx, order);
  return unprocessable('INSTRUMENT_DECLINED', { isExecuted: true, links: payerLinks(ctx, order) });
}

function payerLinks(ctx: PaypalContext, order: OrderRecord): NonNullable<PaypalError['links']> {
  const href = payerUrl(ctx, order.id);
  return ['redirect', 'payer-action'].map((rel) => ({ href, rel, method: 'GET' }));
}

function announce(ctx: PaypalContext, order: OrderRecord, type: string): void {
  const isReversed = type === 'CHECKOUT.PAYMENT-APPROVAL.REVERSED';
  const shown = showOrder(ctx, order, 'full');
  emit(ctx, type, {
    resource: isReversed ? { order_id: order.id, ...shown } : shown,
    objectId: order.id,
    resourceType: 'checkout-order',
    summary: isReversed
      ? 'A payment has been reversed after approval.'
      : `An order has been ${order.status.toLowerCase()} by buyer`,
  });
}
