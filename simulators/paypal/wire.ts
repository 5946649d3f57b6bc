/**
 * The wire's shapes of orders, authorizations, captures and refunds, made of what is kept.
 * Reads only; must never change an object. Source: PayPal REST API specifications,
 * checkout_orders_v2 and payments_payment_v2.
 */
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../json.ts';
import { findKnown, isoTime, payerUrl, type PaypalContext } from './context.ts';
import { showAmount } from './money.ts';
import type {
  AuthorizationRecord,
  CaptureRecord,
  OrderRecord,
  PaymentTokenRecord,
  RefundRecord,
} from './records.ts';

/** The account that is paid. */
export const MERCHANT = { email_address: 'merchant@example.com', merchant_id: 'SIMULATEDSHOP' };

const SELLER_PROTECTION = {
  status: 'ELIGIBLE',
  dispute_categories: ['ITEM_NOT_RECEIVED', 'UNAUTHORIZED_TRANSACTION'],
};

const PAYER_ID_LENGTH = 13;

/** How much of an order is answered: PayPal's `Prefer` header, and what was asked for. */
export type OrderDetail = 'created' | 'paid' | 'full';

/** A link to one of the simulator's own paths. */
export function link(
  ctx: PaypalContext,
  rel: string,
  target: { path: string; method?: string },
): Json {
  return { href: `${ctx.baseUrl}/paypal${target.path}`, rel, method: target.method ?? 'GET' };
}

/** The account of a test payer. */
export function payerId(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return digest.slice(0, PAYER_ID_LENGTH).toUpperCase();
}

/** An order. */
export function showOrder(ctx: PaypalContext, order: OrderRecord, detail: OrderDetail): JsonObject {
  const head: JsonObject = {
    id: order.id,
    ...(detail === 'full' ? { intent: order.intent } : {}),
    status: order.status,
    ...(order.source ? { payment_source: { paypal: showSource(ctx, order) } } : {}),
  };
  const payer = order.payer === null ? {} : { payer: showPayer(order.payer) };
  const links = orderLinks(ctx, order);
  if (detail === 'created') return { ...head, links };
  const unit = showUnit(ctx, order, detail);
  if (detail === 'paid') return { ...head, purchase_units: [unit], ...payer, links };
  return {
    ...head,
    purchase_units: [unit],
    ...payer,
    create_time: isoTime(order.createdAtMs),
    update_time: isoTime(order.updatedAtMs),
    links,
  };
}

/** An authorization, as it is and as an event carries it. */
export function showAuthorization(
  ctx: PaypalContext,
  authorization: AuthorizationRecord,
  isFull = true,
): JsonObject {
  const { id, status } = authorization;
  const path = `/v2/payments/authorizations/${id}`;
  const links = [
    link(ctx, 'self', { path }),
    link(ctx, 'capture', { path: `${path}/capture`, method: 'POST' }),
    link(ctx, 'void', { path: `${path}/void`, method: 'POST' }),
    link(ctx, 'reauthorize', { path: `${path}/reauthorize`, method: 'POST' }),
    link(ctx, 'up', { path: `/v2/checkout/orders/${authorization.orderId}` }),
  ];
  if (!isFull) return { id, status, links };
  const order = findKnown(ctx, 'order', authorization.orderId);
  return {
    status,
    ...(status === 'PENDING' ? { status_details: { reason: 'PENDING_REVIEW' } } : {}),
    id,
    amount: showAmount(authorization),
    ...references(order),
    seller_protection: SELLER_PROTECTION,
    payee: MERCHANT,
    expiration_time: isoTime(authorization.expiresAtMs),
    create_time: isoTime(authorization.createdAtMs),
    update_time: isoTime(authorization.updatedAtMs),
    supplementary_data: { related_ids: { order_id: authorization.orderId } },
    links,
  };
}

/** A capture, as it is and as an event carries it. */
export function showCapture(ctx: PaypalContext, capture: CaptureRecord, isFull = true): JsonObject {
  const { id, status, authorizationId } = capture;
  const path = `/v2/payments/captures/${id}`;
  const up =
    authorizationId === null
      ? `/v2/checkout/orders/${capture.orderId}`
      : `/v2/payments/authorizations/${authorizationId}`;
  const links = [
    link(ctx, 'self', { path }),
    link(ctx, 'refund', { path: `${path}/refund`, method: 'POST' }),
    link(ctx, 'up', { path: up }),
  ];
  if (!isFull) return { id, status, links };
  const isTaken = status !== 'PENDING' && status !== 'DECLINED';
  const related = {
    order_id: capture.orderId,
    ...(authorizationId === null ? {} : { authorization_id: authorizationId }),
  };
  return {
    id,
    amount: showAmount(capture),
    final_capture: capture.isFinal,
    seller_protection: SELLER_PROTECTION,
    ...(isTaken ? { seller_receivable_breakdown: receivable(capture) } : {}),
    ...references(capture),
    status,
    ...(status === 'PENDING' ? { status_details: { reason: 'ECHECK' } } : {}),
    payee: MERCHANT,
    create_time: isoTime(capture.createdAtMs),
    update_time: isoTime(capture.updatedAtMs),
    supplementary_data: { related_ids: related },
    links,
  };
}

/** A refund, as it is and as an event carries it. */
export function showRefund(ctx: PaypalContext, refund: RefundRecord, isFull = true): JsonObject {
  const { id, status, currency } = refund;
  const links = [
    link(ctx, 'self', { path: `/v2/payments/refunds/${id}` }),
    link(ctx, 'up', { path: `/v2/payments/captures/${refund.captureId}` }),
  ];
  if (!isFull) return { id, status, links };
  const gross = showAmount(refund);
  return {
    id,
    amount: gross,
    seller_payable_breakdown: {
      gross_amount: gross,
      paypal_fee: showAmount({ amountMinor: 0, currency }),
      net_amount: gross,
      total_refunded_amount: showAmount({ amountMinor: refund.totalRefundedMinor, currency }),
    },
    ...references(refund),
    ...(refund.noteToPayer === null ? {} : { note_to_payer: refund.noteToPayer }),
    status,
    ...(status === 'PENDING' ? { status_details: { reason: 'ECHECK' } } : {}),
    payer: MERCHANT,
    create_time: isoTime(refund.createdAtMs),
    update_time: isoTime(refund.updatedAtMs),
    links,
  };
}

/** The payment source of somebody who approved, with the agreement that was kept. */
export function showAccount(payer: string): JsonObject {
  return {
    email_address: `${payer}@example.com`,
    account_id: payerId(payer),
    account_status: 'VERIFIED',
    name: nameOf(payer),
    address: { country_code: 'US' },
  };
}

/** The payer, as orders and disputes name them. */
export function showPayer(payer: string): JsonObject {
  return {
    name: nameOf(payer),
    email_address: `${payer}@example.com`,
    payer_id: payerId(payer),
    address: { country_code: 'US' },
  };
}

/** The links of a kept agreement. */
export function tokenLinks(ctx: PaypalContext, token: PaymentTokenRecord): Json[] {
  const path = `/v3/vault/payment-tokens/${token.id}`;
  return [link(ctx, 'self', { path }), link(ctx, 'delete', { path, method: 'DELETE' })];
}

function showUnit(ctx: PaypalContext, order: OrderRecord, detail: OrderDetail): JsonObject {
  const payments: JsonObject = {};
  if (order.authorizationIds.length > 0) {
    payments['authorizations'] = order.authorizationIds.map((id) =>
      showAuthorization(ctx, findKnown(ctx, 'authorization', id)),
    );
  }
  if (order.captureIds.length > 0) {
    payments['captures'] = order.captureIds.map((id) =>
      showCapture(ctx, findKnown(ctx, 'capture', id)),
    );
  }
  if (order.refundIds.length > 0) {
    payments['refunds'] = order.refundIds.map((id) =>
      showRefund(ctx, findKnown(ctx, 'refund', id)),
    );
  }
  const paid = Object.keys(payments).length > 0 ? { payments } : {};
  if (detail !== 'full') return { reference_id: order.referenceId, ...paid };
  return {
    reference_id: order.referenceId,
    amount: showAmount(order),
    payee: MERCHANT,
    ...(order.description === null ? {} : { description: order.description }),
    ...references(order),
    ...paid,
  };
}

function showSource(ctx: PaypalContext, order: OrderRecord): JsonObject {
  if (order.payer === null) return {};
  const stored = order.source?.storedCredential;
  const account: JsonObject = {
    ...showAccount(order.payer),
    ...(stored ? { stored_credential: stored } : {}),
  };
  if (order.keptTokenId === null) return account;
  const token = findKnown(ctx, 'payment_token', order.keptTokenId);
  const vault = {
    id: token.id,
    status: 'VAULTED',
    customer: token.customer,
    links: tokenLinks(ctx, token),
  };
  return { ...account, attributes: { vault } };
}

function orderLinks(ctx: PaypalContext, order: OrderRecord): Json[] {
  const path = `/v2/checkout/orders/${order.id}`;
  const links = [link(ctx, 'self', { path })];
  if (order.status === 'CREATED' || order.status === 'PAYER_ACTION_REQUIRED') {
    const rel = order.status === 'CREATED' ? 'approve' : 'payer-action';
    links.push({ href: payerUrl(ctx, order.id), rel, method: 'GET' });
  }
  if (order.status === 'CREATED' || order.status === 'APPROVED') {
    const rel = order.intent.toLowerCase();
    links.push(link(ctx, rel, { path: `${path}/${rel}`, method: 'POST' }));
  }
  return links;
}

function receivable(capture: CaptureRecord): JsonObject {
  const { amountMinor, feeMinor, currency } = capture;
  return {
    gross_amount: showAmount(capture),
    paypal_fee: showAmount({ amountMinor: feeMinor, currency }),
    net_amount: showAmount({ amountMinor: amountMinor - feeMinor, currency }),
  };
}

function references(object: {
  readonly invoiceId: string | null;
  readonly customId: string | null;
}): JsonObject {
  return {
    ...(object.invoiceId === null ? {} : { invoice_id: object.invoiceId }),
    ...(object.customId === null ? {} : { custom_id: object.customId }),
  };
}

function nameOf(payer: string): JsonObject {
  return { given_name: 'Test', surname: payer.replace(/^payer_/, '') };
}
