/**
 * Refunds of captures: partial, many, never more than was captured. Some payers' refunds settle on the
 * virtual clock. Owns the books' rows of refunds.
 * Source: PayPal REST API specifications, payments_payment_v2.
 */
import type { JsonObject } from '../json.ts';
import { textAt } from './body.ts';
import {
  findAddressed,
  findKnown,
  insert,
  newId,
  PROCESSOR,
  save,
  stamps,
  type PaypalContext,
} from './context.ts';
import { standingDispute, withdrawDispute } from './disputes.ts';
import { unprocessable } from './errors.ts';
import { emit, spoken } from './events.ts';
import { claimInvoice, freeInvoice } from './invoices.ts';
import { readAmount, showAmount } from './money.ts';
import type { CaptureRecord, RefundRecord } from './records.ts';
import { recordMovement, settleMovement } from './statement.ts';
import { knownPayer } from './test-payers.ts';
import { showRefund } from './wire.ts';

/** How long a pending refund takes on the virtual clock. */
const SETTLEMENT_SECONDS = 600;
const REFUNDABLE_SECONDS = 180 * 86_400;

/** POST /v2/payments/captures/{id}/refund. Errors: 422 by state, time, dispute, amount, invoice, payer. */
export function refundCapture(ctx: PaypalContext, id: string, body: JsonObject): RefundRecord {
  const capture = findAddressed(ctx, 'capture', id);
  checkRefundable(ctx, capture);
  const openMinor = capture.amountMinor - capture.refundedMinor;
  const amountMinor = refundAmount(body, capture, openMinor);
  checkDispute(ctx, capture, amountMinor === capture.amountMinor);
  const order = findKnown(ctx, 'order', capture.orderId);
  const { refund: effect } = knownPayer(order.payer);
  if (effect === 'refused') throw unprocessable('REFUND_FAILED_INSUFFICIENT_FUNDS');
  const refund = makeRefund(ctx, capture, { amountMinor, body, isPending: effect !== 'works' });
  claimInvoice(ctx, { use: 'refund', invoiceId: refund.invoiceId, ownerId: refund.id });
  insert(ctx, refund, { parentId: capture.id });
  order.refundIds.push(refund.id);
  save(ctx, order);
  setRefunded(ctx, capture, capture.refundedMinor + amountMinor);
  write(ctx, refund);
  if (refund.status === 'PENDING') {
    ctx.world.deadlines.set('paypal:refund', refund.id, SETTLEMENT_SECONDS);
    announce(ctx, refund, 'PAYMENT.REFUND.PENDING');
    return refund;
  }
  announce(ctx, refund, 'PAYMENT.CAPTURE.REFUNDED');
  const dispute = standingDispute(ctx, capture);
  if (dispute) withdrawDispute(ctx, dispute);
  return refund;
}

/** A pending refund comes to its end; called by the virtual clock. */
export function settleRefund(ctx: PaypalContext, id: string): void {
  const refund = findKnown(ctx, 'refund', id);
  if (refund.status !== 'PENDING') return;
  const order = findKnown(ctx, 'order', refund.orderId);
  const isPaid = knownPayer(order.payer).refund === 'pending';
  refund.status = isPaid ? 'COMPLETED' : 'FAILED';
  save(ctx, refund);
  ctx.world.books.settle(refund.id, 'refund', isPaid ? 'succeeded' : 'failed');
  settleMovement(ctx, refund.id, isPaid ? 'S' : 'D');
  const capture = findKnown(ctx, 'capture', refund.captureId);
  if (!isPaid) {
    setRefunded(ctx, capture, capture.refundedMinor - refund.amountMinor);
    freeInvoice(ctx, { use: 'refund', invoiceId: refund.invoiceId, ownerId: refund.id });
  }
  announce(ctx, refund, isPaid ? 'PAYMENT.CAPTURE.REFUNDED' : 'PAYMENT.REFUND.FAILED');
}

function checkRefundable(ctx: PaypalContext, capture: CaptureRecord): void {
  if (capture.status === 'PENDING') throw unprocessable('PENDING_CAPTURE');
  if (capture.status === 'DECLINED') throw unprocessable('TRANSACTION_REFUSED');
  if (capture.status === 'REFUNDED') throw unprocessable('CAPTURE_FULLY_REFUNDED');
  const ageSeconds = ctx.world.clock.virtualSeconds() - capture.createdVirtualSeconds;
  if (ageSeconds > REFUNDABLE_SECONDS) throw unprocessable('REFUND_TIME_LIMIT_EXCEEDED');
}

/** A chargeback decides by itself; an inquiry may be answered by giving everything back. */
function checkDispute(ctx: PaypalContext, capture: CaptureRecord, isWhole: boolean): void {
  const dispute = standingDispute(ctx, capture);
  if (!dispute) return;
  if (dispute.stage === 'CHARGEBACK' || dispute.status === 'RESOLVED') {
    throw unprocessable('REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK');
  }
  if (!isWhole) throw unprocessable('TRANSACTION_DISPUTED');
}

function refundAmount(body: JsonObject, capture: CaptureRecord, openMinor: number): number {
  if (body['amount'] === undefined) return openMinor;
  const amount = readAmount(body['amount'], '/amount');
  if (amount.currency !== capture.currency) {
    throw unprocessable('REFUND_CAPTURE_CURRENCY_MISMATCH', { field: '/amount/currency_code' });
  }
  if (amount.amountMinor <= openMinor) return amount.amountMinor;
  throw unprocessable('REFUND_AMOUNT_EXCEEDED', { field: '/amount/value' });
}

function setRefunded(ctx: PaypalContext, capture: CaptureRecord, refundedMinor: number): void {
  capture.refundedMinor = refundedMinor;
  if (refundedMinor === 0) capture.status = 'COMPLETED';
  else {
    capture.status = refundedMinor === capture.amountMinor ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  }
  save(ctx, capture);
}

function makeRefund(
  ctx: PaypalContext,
  capture: CaptureRecord,
  facts: { readonly amountMinor: number; readonly body: JsonObject; readonly isPending: boolean },
): RefundRecord {
  const { amountMinor, body } = facts;
  return {
    id: newId(ctx),
    kind: 'refund',
    ...stamps(ctx),
    orderId: capture.orderId,
    captureId: capture.id,
    status: facts.isPending ? 'PENDING' : 'COMPLETED',
    amountMinor,
    currency: capture.currency,
    totalRefundedMinor: capture.refundedMinor + amountMinor,
    customId: textAt(body, 'custom_id', { max: 127 }) ?? capture.customId,
    invoiceId: textAt(body, 'invoice_id', { max: 127 }),
    noteToPayer: textAt(body, 'note_to_payer', { max: 255 }),
  };
}

function write(ctx: PaypalContext, refund: RefundRecord): void {
  ctx.world.books.write({
    processor: PROCESSOR,
    id: refund.id,
    kind: 'refund',
    amountMinor: refund.amountMinor,
    currency: refund.currency.toLowerCase(),
    status: refund.status === 'PENDING' ? 'pending' : 'succeeded',
    of: refund.orderId,
    paymentId: refund.orderId,
  });
  recordMovement(ctx, {
    transactionId: refund.id,
    kind: 'refund',
    reference: { type: 'TXN', id: refund.captureId },
    amountMinor: -refund.amountMinor,
    currency: refund.currency,
    isPending: refund.status === 'PENDING',
    invoiceId: refund.invoiceId,
    customId: refund.customId,
  });
}

function announce(ctx: PaypalContext, refund: RefundRecord, type: string): void {
  const word = { COMPLETED: 'completed', PENDING: 'pending', FAILED: 'failed' }[refund.status];
  emit(ctx, type, {
    resource: showRefund(ctx, refund),
    objectId: refund.id,
    resourceType: 'refund',
    summary: `A refund of ${spoken(showAmount(refund))} is ${word}`,
  });
}
