/**
 * PayPal wallets through Orders v2 with the intent AUTHORIZE. Speaks the PaymentGateway port: the payer approves an order,
 * we authorize it when the slot is wanted and capture the authorization when it is locked. Owns no state and never
 * retries. A method may take several calls, because PayPal keeps an order's money under other ids; all share one deadline,
 * and only one of them has an effect on money. Subscriptions are in recurring.ts.
 */
import type { PaymentGateway } from '../../application/ports.ts';
import { invariant } from '../../domain/assert.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { toPaypalAmount } from './amounts.ts';
import { captureOrder, refundOrder, voidOrder } from './moving.ts';
import {
  fetchPayment,
  orderPath,
  orderReply,
  paymentReply,
  readAnswer,
  readOrder,
  withRef,
  type PaypalCalls,
} from './calls.ts';
import { createPaypalClient, type PaypalClientConfig } from './client.ts';
import { declined, isMethodUnknown, needsPayer, replyOfFailure } from './errors.ts';
import { listDisputesSince, listSince } from './listing.ts';
import { paymentsOf, toRefund, unitOf } from './mapping.ts';
import { keptSource, newOrder } from './order-request.ts';
import { createRecurringGateway } from './recurring.ts';
import { createWebhookReader, type PaypalWebhookConfig } from './webhook.ts';
import { refundSchema } from './wire.ts';

/** Everything the gateway needs to know; the environment's names are the composition root's affair. */
export interface PaypalGatewayConfig extends PaypalClientConfig, PaypalWebhookConfig {
  /** Where a payer returns to when the caller named no page; an absolute URL. */
  readonly returnUrl: string;
}

/** Where payers of the real PayPal pay. */
const PAYER_HOST = /(^|\.)paypal\.com$/;

/**
 * The PayPal gateway.
 * Errors: replies only; a broken configuration or key is an InvariantError, because no caller's input reaches them.
 * Source: PayPal REST API specifications, Orders v2 ("Create / Show / Authorize order"), Payments v2 ("Capture / Void /
 * Reauthorize authorized payment", "Refund captured payment", "Show refund details").
 */
export function createPaypalGateway(config: PaypalGatewayConfig): PaymentGateway {
  invariant(
    !config.isLive || config.apiUrl.startsWith('https://'),
    'live payments are made over TLS',
  );
  const calls: PaypalCalls = {
    session: createPaypalClient(config),
    mayPayAt: payerHostCheck(config),
    returnUrl: config.returnUrl,
    nowMs: config.nowMs,
  };
  return {
    processor: 'paypal',
    capabilities: { authorizesFirst: true, refunds: 'api' },
    recurring: createRecurringGateway(calls),
    open: (request) => openOrder(calls, request),
    authorize: (request) => withRef(request.ref, () => authorizeOrder(calls, request)),
    fetch: (ref) => withRef(ref, () => fetchPayment(calls, ref)),
    capture: (request) => withRef(request.ref, () => captureOrder(calls, request)),
    void: (request) => withRef(request.ref, () => voidOrder(calls, request)),
    refund: (request) => withRef(request.ref, () => refundOrder(calls, request)),
    fetchRefund: (ref) => withRef(ref, () => fetchRefund(calls, ref)),
    findRefund: (request) => withRef(request.ref, () => findRefund(calls, request)),
    listSince: (request) => listSince(calls, request),
    listDisputesSince: (request) => listDisputesSince(calls, request),
    readWebhook: createWebhookReader(config),
  };
}

/** The real PayPal's pages over TLS; outside production also those of the server that we call. */
function payerHostCheck({ apiUrl, isLive }: PaypalGatewayConfig): (url: URL) => boolean {
  const { origin } = new URL(apiUrl);
  return (url) =>
    (url.protocol === 'https:' && PAYER_HOST.test(url.hostname)) ||
    (!isLive && url.origin === origin);
}

/** Nothing moves by this: the payer approves the order, or a saved method is named when the money is asked for. */
async function openOrder(
  calls: PaypalCalls,
  request: Parameters<PaymentGateway['open']>[0],
): Promise<ProcessorReply> {
  const amount = toPaypalAmount(request.amount);
  if ('refused' in amount) return declined(amount.refused, 'payer');
  const isSaved = (request.customerRef ?? null) !== null;
  const body = newOrder({
    intent: 'AUTHORIZE',
    amount,
    reference: request.reference,
    payer: isSaved ? null : { returnUrl: request.returnUrl ?? calls.returnUrl, keepFor: null },
  });
  const session = calls.session();
  return orderReply(
    calls,
    await session({ method: 'POST', path: '/v2/checkout/orders', body, key: request.key }),
  );
}

/**
 * Reserves the funds of an approved order, or those of a saved method. One that waits for its payer is shown as what it is.
 * A token counts only with the customer whom it was saved for: anybody could send one.
 */
async function authorizeOrder(
  calls: PaypalCalls,
  { key, ref, paymentMethod, customerRef = null }: Parameters<PaymentGateway['authorize']>[0],
): Promise<ProcessorReply> {
  const session = calls.session();
  const path = `${orderPath(ref)}/authorize`;
  const isSaved = customerRef !== null;
  const body = isSaved ? { payment_source: keptSource(paymentMethod, 'CUSTOMER') } : {};
  const answer = await session({ method: 'POST', path, body, key });
  // The order was made with the same credentials a moment ago: what we may not use is the method.
  if (isSaved && isMethodUnknown(answer)) return declined('payment_method_missing', 'payer');
  if (!needsPayer(answer)) return orderReply(calls, answer);
  const order = await readOrder(session, ref);
  return order.ok ? paymentReply(calls, order.value) : replyOfFailure(order.answer);
}

async function fetchRefund(calls: PaypalCalls, ref: string): Promise<ProcessorReply> {
  const session = calls.session();
  const answer = await session({ method: 'GET', path: `/v2/payments/refunds/${ref}` });
  const refund = readAnswer(refundSchema, answer);
  return refund.ok
    ? { kind: 'refund', refund: toRefund(refund.value) }
    : replyOfFailure(refund.answer);
}

/** By our own id, which every refund of ours carries as its invoice id. One that failed is shown only when no other is there. */
async function findRefund(
  calls: PaypalCalls,
  { ref, refundId }: { readonly ref: string; readonly refundId: string },
): Promise<ProcessorReply> {
  const order = await readOrder(calls.session(), ref);
  if (!order.ok) return replyOfFailure(order.answer);
  const ours = paymentsOf(unitOf(order.value))
    .refunds.filter((refund) => refund.invoice_id === refundId)
    .map(toRefund);
  const found = ours.find(({ status }) => status !== 'failed') ?? ours[0];
  return found === undefined ? { kind: 'missing' } : { kind: 'refund', refund: found };
}
