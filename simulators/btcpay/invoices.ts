/**
 * Invoices: creating, listing, marking. What arrives for them and what that makes of them is in payments.ts.
 * There is no idempotency key at BTCPay: the same body twice is two invoices, and whoever wants one looks by
 * `orderId` first. Source: BTCPay Server, Greenfield API, "Invoices".
 */
import type { JsonObject } from '../json.ts';
import { markableStatuses, orderIdOf } from './accounting.ts';
import { parseAmount, satoshisOf } from './amounts.ts';
import { addressedInvoice, insert, list, newId, now, save, type BtcpayContext } from './context.ts';
import { invalid } from './errors.ts';
import { emitInvoice } from './events.ts';
import { Fields } from './fields.ts';
import {
  INVOICE_STATUSES,
  PAYMENT_METHODS,
  SPEED_POLICIES,
  type Checkout,
  type Invoice,
} from './shapes.ts';
import { invoiceView } from './views.ts';

const MINUTE_SECONDS = 60;
/** The store's own settings, which are BTCPay's defaults for a new store. */
const EXPIRATION_MINUTES = 15;
const MONITORING_MINUTES = 1440;
const CURRENCY = 'USD';
/** An invoice that ends within half a minute is refused. */
const EXPIRATION_MINUTES_MIN = 0.5;
const YEAR_MINUTES = 366 * 24 * 60;

const INVOICE_FIELDS = [
  'additionalSearchTerms',
  'amount',
  'checkout',
  'currency',
  'metadata',
  'receipt',
] as const;
const CHECKOUT_FIELDS = [
  'defaultLanguage',
  'defaultPaymentMethod',
  'expirationMinutes',
  'lazyPaymentMethods',
  'monitoringMinutes',
  'paymentMethods',
  'paymentTolerance',
  'redirectAutomatically',
  'redirectURL',
  'speedPolicy',
] as const;

/** POST /stores/{storeId}/invoices. */
export function createInvoice(ctx: BtcpayContext, body: JsonObject): JsonObject {
  const fields = new Fields(body, INVOICE_FIELDS);
  const checkout = readCheckout(fields.fields('checkout', CHECKOUT_FIELDS));
  const currency = readCurrency(fields);
  const amount = fields.decimal('amount');
  if (amount === null) throw invalid('amount', 'Top-up invoices are not simulated.');
  const amountMinor = parseAmount(amount, currency);
  if (amountMinor === null || amountMinor === 0) {
    throw invalid('amount', `The amount must be a positive decimal of ${currency}.`);
  }
  const sentMetadata = fields.object('metadata');
  const lifetimeSeconds = Math.floor(checkout.expirationMinutes * MINUTE_SECONDS);
  const invoice: Invoice = {
    id: newId(ctx),
    amount,
    amountMinor,
    currency,
    dueSatoshis: satoshisOf(amountMinor, currency),
    createdSeconds: now(ctx),
    expiresVirtualSeconds: ctx.world.clock.virtualSeconds() + lifetimeSeconds,
    metadata: { ...sentMetadata, ...publicReference(sentMetadata) },
    sentMetadata,
    checkout,
    status: 'New',
    additionalStatus: 'None',
    isWatched: true,
  };
  insert(ctx, 'btcpay_invoice', { object: invoice, parentId: orderIdOf(sentMetadata) });
  const monitoringSeconds = Math.floor(checkout.monitoringMinutes * MINUTE_SECONDS);
  ctx.world.deadlines.set('btcpay:expiration', invoice.id, lifetimeSeconds);
  ctx.world.deadlines.set('btcpay:monitoring', invoice.id, lifetimeSeconds + monitoringSeconds);
  emitInvoice(ctx, 'InvoiceCreated', { invoice });
  return invoiceView(ctx, invoice);
}

/** GET /stores/{storeId}/invoices, newest first; every filter may be given several times. */
export function listInvoices(ctx: BtcpayContext, query: URLSearchParams): JsonObject[] {
  const orderIds = query.getAll('orderId');
  const statuses = query.getAll('status');
  const unknown = statuses.find((name) => !INVOICE_STATUSES.some((status) => status === name));
  if (unknown !== undefined) throw invalid('status', `${unknown} is not a status of an invoice.`);
  const skip = readCount(query, 'skip') ?? 0;
  const take = readCount(query, 'take');
  const createdFrom = readCount(query, 'startDate') ?? undefined;
  const createdTo = readCount(query, 'endDate') ?? undefined;
  const hasFilter = statuses.length > 0 || orderIds.length > 1;
  const page = take === null || hasFilter ? {} : { limit: skip + take };
  const parentId = orderIds.length === 1 ? orderIds[0] : undefined;
  return list(ctx, 'btcpay_invoice', { createdFrom, createdTo, parentId, ...page })
    .filter((invoice) => statuses.length === 0 || statuses.includes(invoice.status))
    .filter((invoice) => orderIds.length === 0 || isOneOf(orderIds, invoice))
    .slice(skip, take === null ? undefined : skip + take)
    .map((invoice) => invoiceView(ctx, invoice));
}

/** POST …/invoices/{id}/status. Errors: a settled invoice is not made invalid, nor one marked twice. */
export function markInvoice(ctx: BtcpayContext, id: string, body: JsonObject): JsonObject {
  const invoice = addressedInvoice(ctx, id);
  const status = new Fields(body, ['status']).oneOf('status', ['Invalid', 'Settled'] as const);
  if (status === null || !markableStatuses(invoice).includes(status)) {
    const message = 'Status can only be marked to invalid or settled within certain conditions.';
    throw invalid('status', message);
  }
  invoice.status = status;
  invoice.additionalStatus = 'Marked';
  save(ctx, invoice);
  const type = status === 'Settled' ? 'InvoiceSettled' : 'InvoiceInvalid';
  const fields = { manuallyMarked: true, ...(status === 'Settled' ? { overPaid: false } : {}) };
  emitInvoice(ctx, type, { invoice, fields });
  return invoiceView(ctx, invoice);
}

function readCheckout(fields: Fields): Checkout {
  const minutes = { min: 0, max: YEAR_MINUTES };
  const expiration = { ...minutes, min: EXPIRATION_MINUTES_MIN, fallback: EXPIRATION_MINUTES };
  fields.boolean('lazyPaymentMethods', false);
  return {
    speedPolicy: fields.oneOf('speedPolicy', SPEED_POLICIES) ?? 'MediumSpeed',
    paymentMethods: fields.listOf('paymentMethods', PAYMENT_METHODS) ?? PAYMENT_METHODS,
    defaultPaymentMethod: fields.oneOf('defaultPaymentMethod', PAYMENT_METHODS),
    expirationMinutes: fields.number('expirationMinutes', expiration),
    monitoringMinutes: fields.number('monitoringMinutes', {
      ...minutes,
      fallback: MONITORING_MINUTES,
    }),
    paymentTolerance: fields.number('paymentTolerance', { min: 0, max: 100, fallback: 0 }),
    redirectURL: fields.text('redirectURL'),
    redirectAutomatically: fields.boolean('redirectAutomatically', false),
    defaultLanguage: fields.text('defaultLanguage'),
  };
}

function readCurrency(fields: Fields): string {
  const currency = (fields.text('currency') ?? CURRENCY).toUpperCase();
  if (/^[A-Z]{3}$/.test(currency)) return currency;
  throw invalid('currency', 'The currency is not known.');
}

/** The public API's own spelling of what the platform sent, for whoever compares the books with it. */
function publicReference(metadata: JsonObject): JsonObject {
  const { booking_id: bookingId, subscription_id: subscriptionId } = metadata;
  return {
    ...(typeof bookingId === 'string' ? { bookingId } : {}),
    ...(typeof subscriptionId === 'string' ? { subscriptionId } : {}),
  };
}

function isOneOf(orderIds: readonly string[], invoice: Invoice): boolean {
  const orderId = orderIdOf(invoice.sentMetadata);
  return orderId !== null && orderIds.includes(orderId);
}

function readCount(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null || text === '') return null;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw invalid(name, `The value '${text}' is not valid.`);
}
