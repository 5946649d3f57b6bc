/**
 * What arrives for an invoice and what that makes of it: paid, partly, too much, too late, confirmed, spent
 * elsewhere, never confirmed. Runs inside the store's call; called by the payer's desk and the virtual clock.
 * Source: BTCPay Server, "Invoices" (states) and Greenfield API, "WebhookInvoiceEvent".
 */
import type { JsonObject } from '../json.ts';
import { paidMinor, paidSatoshis, paymentsOf } from './accounting.ts';
import { satoshisOf } from './amounts.ts';
import {
  findKnown,
  hashOf,
  insert,
  newId,
  now,
  PROCESSOR,
  save,
  type BtcpayContext,
} from './context.ts';
import { emitInvoice } from './events.ts';
import type { Invoice, Payment, PaymentMethodId, SpeedPolicy } from './shapes.ts';
import { paymentView } from './views.ts';

/** Confirmations that each policy waits for. */
const CONFIRMATIONS: Readonly<Record<SpeedPolicy, number>> = {
  HighSpeed: 0,
  MediumSpeed: 1,
  LowMediumSpeed: 2,
  LowSpeed: 6,
};

/** Money arrives. The invoice is being watched, which the caller has checked. */
export function receivePayment(
  ctx: BtcpayContext,
  invoice: Invoice,
  money: { readonly amountMinor: number; readonly methodId: PaymentMethodId },
): void {
  const beforeMinor = paidMinor(paymentsOf(ctx, invoice.id));
  const confirmations = CONFIRMATIONS[invoice.checkout.speedPolicy];
  const isSettled = money.methodId === 'BTC-LN' || confirmations === 0;
  const hash = hashOf(newId(ctx));
  const payment: Payment = {
    id: money.methodId === 'BTC-LN' ? hash : `${hash}-0`,
    invoiceId: invoice.id,
    methodId: money.methodId,
    amountMinor: money.amountMinor,
    // Counted from the sum, so that parts rounded up one by one do not make an invoice paid over.
    satoshis:
      satoshisOf(beforeMinor + money.amountMinor, invoice.currency) -
      satoshisOf(beforeMinor, invoice.currency),
    receivedSeconds: now(ctx),
    status: isSettled ? 'Settled' : 'Processing',
  };
  insert(ctx, 'btcpay_payment', { object: payment, parentId: invoice.id });
  ctx.world.books.write({
    processor: PROCESSOR,
    id: payment.id,
    kind: 'capture',
    amountMinor: payment.amountMinor,
    currency: invoice.currency.toLowerCase(),
    status: isSettled ? 'succeeded' : 'pending',
    of: invoice.id,
    paymentId: invoice.id,
  });
  emitInvoice(ctx, 'InvoiceReceivedPayment', { invoice, fields: paymentFields(invoice, payment) });
  if (isSettled) {
    emitInvoice(ctx, 'InvoicePaymentSettled', { invoice, fields: paymentFields(invoice, payment) });
  } else {
    const waitSeconds = confirmations * ctx.confirmationSeconds;
    ctx.world.deadlines.set('btcpay:confirmation', payment.id, waitSeconds);
  }
  advanceInvoice(ctx, invoice);
}

/** A payment has its confirmations; called by the virtual clock and by a payer who asks for it. */
export function confirmPayment(ctx: BtcpayContext, paymentId: string): void {
  const payment = findKnown(ctx, 'btcpay_payment', paymentId);
  if (payment.status !== 'Processing') return;
  const invoice = findKnown(ctx, 'btcpay_invoice', payment.invoiceId);
  payment.status = 'Settled';
  save(ctx, payment);
  ctx.world.deadlines.clear(payment.id);
  ctx.world.books.settle(payment.id, 'capture', 'succeeded');
  emitInvoice(ctx, 'InvoicePaymentSettled', { invoice, fields: paymentFields(invoice, payment) });
  advanceInvoice(ctx, invoice);
}

/** A payment that has no confirmation was spent elsewhere: it never happened. */
export function dropPayment(ctx: BtcpayContext, paymentId: string): void {
  const payment = findKnown(ctx, 'btcpay_payment', paymentId);
  if (payment.status !== 'Processing') return;
  payment.status = 'Invalid';
  save(ctx, payment);
  ctx.world.deadlines.clear(payment.id);
  ctx.world.books.settle(payment.id, 'capture', 'failed');
  advanceInvoice(ctx, findKnown(ctx, 'btcpay_invoice', payment.invoiceId));
}

/** The time to pay is over; called by the virtual clock. */
export function expireInvoice(ctx: BtcpayContext, invoiceId: string): void {
  advanceInvoice(ctx, findKnown(ctx, 'btcpay_invoice', invoiceId));
}

/** Nobody looks for payments any more: what is unconfirmed now never counts. Called by the virtual clock. */
export function stopWatching(ctx: BtcpayContext, invoiceId: string): void {
  const invoice = findKnown(ctx, 'btcpay_invoice', invoiceId);
  invoice.isWatched = false;
  save(ctx, invoice);
  advanceInvoice(ctx, invoice);
}

/** Brings the invoice to where its payments and the clock put it. */
function advanceInvoice(ctx: BtcpayContext, invoice: Invoice): void {
  const payments = paymentsOf(ctx, invoice.id);
  const paid = paidSatoshis(payments);
  if (invoice.status === 'Processing' && !isEnough(invoice, paid)) {
    invoice.status = 'New';
    invoice.additionalStatus = paid > 0 ? 'PaidPartial' : 'None';
  }
  const isOver = ctx.world.clock.virtualSeconds() >= invoice.expiresVirtualSeconds;
  if (invoice.status === 'New' && isOver && !isEnough(invoice, paid)) expire(ctx, invoice, paid);
  if (invoice.status === 'New' || invoice.status === 'Expired') count(ctx, invoice, paid);
  if (invoice.status === 'Processing') conclude(ctx, invoice, payments);
  save(ctx, invoice);
}

function expire(ctx: BtcpayContext, invoice: Invoice, paid: number): void {
  const partiallyPaid = paid > 0;
  invoice.status = 'Expired';
  emitInvoice(ctx, 'InvoiceExpired', { invoice, fields: { partiallyPaid } });
  if (!partiallyPaid) return;
  emitInvoice(ctx, 'InvoiceExpiredPaidPartial', { invoice, fields: { afterExpiration: true } });
}

/** Paid in full or not, in time or late. */
function count(ctx: BtcpayContext, invoice: Invoice, paid: number): void {
  const overPaid = paid > invoice.dueSatoshis;
  if (!isEnough(invoice, paid)) {
    invoice.additionalStatus = paid > 0 ? 'PaidPartial' : 'None';
    return;
  }
  if (invoice.status === 'New') {
    invoice.status = 'Processing';
    invoice.additionalStatus = overPaid ? 'PaidOver' : 'None';
    emitInvoice(ctx, 'InvoiceProcessing', { invoice, fields: { overPaid } });
    return;
  }
  if (invoice.additionalStatus === 'PaidLate') return;
  // BTCPay leaves a late payment for a person to decide: the invoice stays expired.
  invoice.additionalStatus = 'PaidLate';
  emitInvoice(ctx, 'InvoicePaidAfterExpiration', { invoice, fields: { afterExpiration: true } });
}

/** A paid invoice is settled by confirmed money, or invalid when that did not come in time. */
function conclude(ctx: BtcpayContext, invoice: Invoice, payments: readonly Payment[]): void {
  const overPaid = paidSatoshis(payments) > invoice.dueSatoshis;
  invoice.additionalStatus = overPaid ? 'PaidOver' : 'None';
  const confirmed = paidSatoshis(payments.filter(({ status }) => status === 'Settled'));
  if (isEnough(invoice, confirmed)) {
    invoice.status = 'Settled';
    const fields = { manuallyMarked: false, overPaid };
    emitInvoice(ctx, 'InvoiceSettled', { invoice, fields });
  } else if (!invoice.isWatched) {
    invoice.status = 'Invalid';
    emitInvoice(ctx, 'InvoiceInvalid', { invoice, fields: { manuallyMarked: false } });
  }
}

/** Whether that much pays the invoice, within the tolerance it was made with. */
function isEnough(invoice: Invoice, satoshis: number): boolean {
  const share = (100 - invoice.checkout.paymentTolerance) / 100;
  return satoshis > 0 && satoshis >= Math.ceil(invoice.dueSatoshis * share);
}

function paymentFields(invoice: Invoice, payment: Payment): JsonObject {
  return {
    afterExpiration: invoice.status === 'Expired' || invoice.status === 'Invalid',
    paymentMethodId: payment.methodId,
    payment: paymentView(payment),
  };
}
