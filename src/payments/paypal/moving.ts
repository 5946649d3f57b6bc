/**
 * Capturing, voiding and refunding: the calls that move an order's money. Each looks at the order first, because PayPal
 * keeps its money under the ids of authorizations and captures, and then makes the one call that has an effect.
 * Called by gateway.ts alone.
 */
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { DAY_MS } from '../../domain/time.ts';
import { toPaypalAmount } from './amounts.ts';
import { paymentReply, readAnswer, readOrder, type PaypalCalls } from './calls.ts';
import type { PaypalSession } from './client.ts';
import { declined, replyOfFailedLook, replyOfFailure } from './errors.ts';
import {
  authorizationOf,
  isTaken,
  isUndecided,
  paymentsOf,
  toPayment,
  toRefund,
  unitOf,
} from './mapping.ts';
import {
  authorizationSchema,
  captureSchema,
  refundSchema,
  type Authorization,
  type Capture,
  type Order,
} from './wire.ts';

/**
 * How long PayPal vouches for the funds of an authorization. After it a capture may be refused though the authorization
 * stands, so it is renewed first. Source: PayPal documentation, "Authorize a payment and capture funds later".
 */
const HONOUR_PERIOD_MS = 3 * DAY_MS;

interface Captured {
  readonly key: string;
  readonly ref: string;
  readonly amountMinor: number;
}

/** Takes the money, once: `final_capture` releases whatever is not taken. */
export async function captureOrder(calls: PaypalCalls, request: Captured): Promise<ProcessorReply> {
  const session = calls.session();
  const order = await readOrder(session, request.ref);
  if (!order.ok) return replyOfFailedLook(order.answer);
  const unit = unitOf(order.value);
  if (paymentsOf(unit).captures.some(isUndecided)) {
    // Asked again later under the same key: PayPal is still at work on this very capture.
    return { kind: 'unavailable', reason: 'the capture is pending' };
  }
  const authorization = authorizationOf(unit);
  const amount = toPaypalAmount({
    amount: request.amountMinor,
    currency: unit.amount.currency,
  });
  if (authorization === null || 'refused' in amount) return { kind: 'already_done' };
  const id = await honoured(calls, session, { authorization, key: request.key });
  const answer = await session({
    method: 'POST',
    path: `/v2/payments/authorizations/${encodeURIComponent(id)}/capture`,
    body: { amount, final_capture: true },
    key: request.key,
  });
  const answered = readAnswer(captureSchema, answer);
  if (!answered.ok) return replyOfFailure(answered.answer);
  // An answer that is repeated under its key tells how the capture began; the order tells how it stands.
  const { captures } = paymentsOf(unit);
  const capture = captures.find(({ id: known }) => known === answered.value.id) ?? answered.value;
  if (isUndecided(capture)) return { kind: 'unavailable', reason: 'the capture is pending' };
  return isTaken(capture)
    ? paymentReply(calls, withCapture(order.value, capture))
    : declined('capture_declined', 'payer');
}

/**
 * The authorization to capture: a new one where PayPal no longer vouches for the old. Where PayPal refuses that, the old
 * one is tried: it may still be good, and its own refusal says more.
 */
async function honoured(
  calls: PaypalCalls,
  session: PaypalSession,
  { authorization, key }: { authorization: Authorization; key: string },
): Promise<string> {
  const { create_time: madeAtMs, status, id } = authorization;
  const isFresh = madeAtMs === undefined || calls.nowMs() - madeAtMs < HONOUR_PERIOD_MS;
  if (isFresh || status !== 'CREATED') return id;
  const answer = await session({
    method: 'POST',
    path: `/v2/payments/authorizations/${encodeURIComponent(id)}/reauthorize`,
    body: {},
    key: `${key}:reauthorize`,
  });
  const renewed = readAnswer(authorizationSchema, answer);
  return renewed.ok ? renewed.value.id : id;
}

/** The order as it stands after a capture. */
function withCapture(order: Order, capture: Capture): Order {
  const unit = unitOf(order);
  const { authorizations, captures, refunds } = paymentsOf(unit);
  const payments = {
    authorizations: [...authorizations],
    captures: [...captures.filter(({ id }) => id !== capture.id), capture],
    refunds: [...refunds],
  };
  return { ...order, purchase_units: [{ ...unit, payments }] };
}

/**
 * Releases the funds. PayPal has no call for an order that was never authorized; nothing can move on it without a call of
 * ours, so it counts as voided from the moment that we do not mean to make that call.
 */
export async function voidOrder(
  calls: PaypalCalls,
  { key, ref }: { readonly key: string; readonly ref: string },
): Promise<ProcessorReply> {
  const session = calls.session();
  const order = await readOrder(session, ref);
  if (!order.ok) return replyOfFailedLook(order.answer);
  const unit = unitOf(order.value);
  const { captures } = paymentsOf(unit);
  const authorization = authorizationOf(unit);
  if (captures.some(isUndecided)) {
    return { kind: 'unavailable', reason: 'the capture is pending' };
  }
  if (captures.some(isTaken) || order.value.status === 'VOIDED') return { kind: 'already_done' };
  // Nothing was reserved in the end, and an order is authorized only once.
  const isDenied = authorization?.status === 'DENIED';
  if (authorization === null || isDenied) return voided(calls, order.value);
  if (authorization.status !== 'CREATED' && authorization.status !== 'PENDING') {
    return { kind: 'already_done' };
  }
  // A renewed authorization ends with the one that it renews, and cannot be voided by itself.
  const { id } = paymentsOf(unit).authorizations[0] ?? authorization;
  const answer = await session({
    method: 'POST',
    path: `/v2/payments/authorizations/${encodeURIComponent(id)}/void`,
    key,
  });
  // 204 without a body, or 200 with the authorization: either way the funds are released.
  const isDone = answer.kind === 'answer' && answer.status < 300;
  return isDone ? voided(calls, order.value) : replyOfFailure(answer);
}

function voided({ mayPayAt }: PaypalCalls, order: Order): ProcessorReply {
  const payment = toPayment(order, { mayPayAt, disputes: [] });
  return {
    kind: 'payment',
    payment: {
      ...payment,
      state: 'voided',
      authorizedMinor: 0,
      captureBeforeMs: null,
      action: null,
      declineCode: null,
    },
  };
}

interface Refunded {
  readonly key: string;
  readonly ref: string;
  readonly amountMinor: number;
  readonly refundId: string;
}

/**
 * Gives money back. Our refund id is the invoice id, which PayPal takes once where the account asks for it; whatever the
 * account asks for, a refund of ours that is there is answered and not made again.
 */
export async function refundOrder(calls: PaypalCalls, request: Refunded): Promise<ProcessorReply> {
  const session = calls.session();
  const order = await readOrder(session, request.ref);
  if (!order.ok) return replyOfFailedLook(order.answer);
  const unit = unitOf(order.value);
  const { captures, refunds } = paymentsOf(unit);
  const known = refunds
    .filter(({ invoice_id: invoiceId }) => invoiceId === request.refundId)
    .map(toRefund)
    .find(({ status }) => status !== 'failed');
  if (known !== undefined) {
    return known.amountMinor === request.amountMinor
      ? { kind: 'refund', refund: known }
      : { kind: 'misconfigured', reason: 'another amount under the same refund' };
  }
  const capture = captures.find(isTaken);
  if (capture === undefined) {
    return captures.some(isUndecided)
      ? { kind: 'unavailable', reason: 'the capture is pending' }
      : { kind: 'already_done' };
  }
  const amount = toPaypalAmount({ ...capture.amount, amount: request.amountMinor });
  if ('refused' in amount) return declined(amount.refused, 'never');
  const answer = await session({
    method: 'POST',
    path: `/v2/payments/captures/${encodeURIComponent(capture.id)}/refund`,
    body: {
      amount,
      invoice_id: request.refundId,
      ...(unit.custom_id === undefined ? {} : { custom_id: unit.custom_id }),
    },
    key: request.key,
  });
  const refund = readAnswer(refundSchema, answer);
  return refund.ok
    ? { kind: 'refund', refund: toRefund(refund.value) }
    : replyOfFailure(refund.answer);
}
