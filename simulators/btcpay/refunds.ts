/**
 * Refunds: a pull payment that the payer has to claim, and the payouts of those claims, which the virtual clock
 * brings to their end. A refund is done when its payout is `Completed`, not when its link exists; BTCPay does not
 * compare it with what was received. Source: BTCPay Server, Greenfield API, "Invoices_Refund", "Pull payments".
 */
import type { JsonObject } from '../json.ts';
import { isRefundable, paidSatoshis, paymentsOf } from './accounting.ts';
import { lessPercentage, minorOf, parseAmount, satoshisOf } from './amounts.ts';
import {
  addressedInvoice,
  addressedPayout,
  addressedPullPayment,
  findKnown,
  insert,
  list,
  newId,
  now,
  PROCESSOR,
  save,
  type BtcpayContext,
} from './context.ts';
import { invalid, payoutNotFound, refused } from './errors.ts';
import { emitPayout } from './events.ts';
import { Fields } from './fields.ts';
import { PAYMENT_METHODS, type Invoice, type Payout, type PullPayment } from './shapes.ts';
import { payoutView, pullPaymentView } from './views.ts';

/** After a claim: approved by the store's people, sent, confirmed. Seconds of the virtual clock. */
const APPROVED_AFTER_SECONDS = 120;
const SENT_AFTER_SECONDS = 300;
const COMPLETED_AFTER_SECONDS = 600;

const REFUND_FIELDS = [
  'customAmount',
  'customCurrency',
  'description',
  'name',
  'payoutMethodId',
  'refundVariant',
  'subtractPercentage',
] as const;
const VARIANTS = ['RateThen', 'CurrentRate', 'OverpaidAmount', 'Fiat', 'Custom'] as const;

/** How much a refund is, in which currency. */
interface Sum {
  readonly amountMinor: number;
  readonly currency: string;
}

/** POST …/invoices/{id}/refund. Errors: 400 `non-refundable`, 422 for the amount. */
export function refundInvoice(ctx: BtcpayContext, id: string, body: JsonObject): JsonObject {
  const invoice = addressedInvoice(ctx, id);
  if (!isRefundable(invoice)) {
    throw refused(400, 'non-refundable', 'Cannot refund this invoice');
  }
  const fields = new Fields(body, REFUND_FIELDS);
  fields.oneOf('payoutMethodId', PAYMENT_METHODS);
  const sum = reduced(sumOf(ctx, invoice, fields), fields.decimal('subtractPercentage'));
  const pullPayment: PullPayment = {
    id: newId(ctx),
    invoiceId: invoice.id,
    name: fields.text('name') ?? `Refund ${invoice.id}`,
    description: fields.text('description'),
    ...sum,
    // A claim in another currency has a rate to be agreed on, so a person approves it.
    autoApproveClaims: sum.currency === 'BTC',
    isArchived: false,
  };
  insert(ctx, 'btcpay_pull_payment', { object: pullPayment, parentId: invoice.id });
  return pullPaymentView(ctx, pullPayment);
}

/** GET /stores/{storeId}/pull-payments, newest first. */
export function listPullPayments(ctx: BtcpayContext, query: URLSearchParams): JsonObject[] {
  const isArchivedShown = query.get('includeArchived') === 'true';
  return list(ctx, 'btcpay_pull_payment')
    .filter(({ isArchived }) => isArchivedShown || !isArchived)
    .map((pullPayment) => pullPaymentView(ctx, pullPayment));
}

/** DELETE /stores/{storeId}/pull-payments/{id}: takes the link back, and every claim that was not sent. */
export function archivePullPayment(ctx: BtcpayContext, id: string): null {
  const pullPayment = addressedPullPayment(ctx, id);
  pullPayment.isArchived = true;
  save(ctx, pullPayment);
  for (const payout of payoutsOf(ctx, id)) if (isCancellable(payout)) cancelPayout(ctx, payout);
  return null;
}

/** GET /pull-payments/{id}/payouts, newest first. */
export function listPayouts(ctx: BtcpayContext, id: string, query: URLSearchParams): JsonObject[] {
  const pullPayment = addressedPullPayment(ctx, id);
  const isCancelledShown = query.get('includeCancelled') === 'true';
  return payoutsOf(ctx, id)
    .filter(({ state }) => isCancelledShown || state !== 'Cancelled')
    .map((payout) => payoutView(payout, pullPayment));
}

/** GET /pull-payments/{id}/payouts/{payoutId}. */
export function retrievePayout(ctx: BtcpayContext, id: string, payoutId: string): JsonObject {
  const payout = addressedPayout(ctx, payoutId);
  if (payout.pullPaymentId !== id) throw payoutNotFound();
  return payoutView(payout, addressedPullPayment(ctx, id));
}

/** POST /pull-payments/{id}/payouts: the payer's own call, which needs no key. */
export function createPayout(ctx: BtcpayContext, id: string, body: JsonObject): JsonObject {
  const fields = new Fields(body, ['amount', 'destination', 'payoutMethodId']);
  const pullPayment = addressedPullPayment(ctx, id);
  const destination = fields.text('destination') ?? '';
  if (destination === '') throw invalid('destination', 'The destination is invalid.');
  const amount = fields.decimal('amount');
  const amountMinor = amount === null ? null : parseAmount(amount, pullPayment.currency);
  if (amount !== null && amountMinor === null) throw invalid('amount', 'The amount is invalid.');
  fields.oneOf('payoutMethodId', PAYMENT_METHODS);
  return payoutView(claim(ctx, pullPayment, { destination, amountMinor }), pullPayment);
}

/** A claim of all that is left, or of a part. Errors: `archived`, `duplicate-destination`, `overdraft`. */
export function claim(
  ctx: BtcpayContext,
  pullPayment: PullPayment,
  wish: { readonly destination: string; readonly amountMinor: number | null },
): Payout {
  const { destination } = wish;
  if (pullPayment.isArchived) {
    throw refused(400, 'archived', 'The pull payment has been archived');
  }
  const others = payoutsOf(ctx, pullPayment.id).filter(({ state }) => state !== 'Cancelled');
  if (others.some((payout) => payout.destination === destination)) {
    throw refused(400, 'duplicate-destination', 'This address is already used for another payout');
  }
  const leftMinor = pullPayment.amountMinor - sumMinor(others);
  const amountMinor = wish.amountMinor ?? leftMinor;
  if (amountMinor > leftMinor || leftMinor === 0) {
    throw refused(400, 'overdraft', "The payout amount overdrafts the pull payment's limit");
  }
  if (amountMinor === 0) throw refused(400, 'amount-too-low', 'The requested amount is too low');
  const isApproved = pullPayment.autoApproveClaims;
  const payout: Payout = {
    id: newId(ctx),
    pullPaymentId: pullPayment.id,
    methodId: 'BTC-CHAIN',
    destination,
    amountMinor,
    createdSeconds: now(ctx),
    satoshis: isApproved ? satoshisOf(amountMinor, pullPayment.currency) : null,
    state: isApproved ? 'AwaitingPayment' : 'AwaitingApproval',
  };
  insert(ctx, 'btcpay_payout', { object: payout, parentId: pullPayment.id });
  emitPayout(ctx, 'PayoutCreated', payout);
  const { deadlines } = ctx.world;
  // All steps are planned at once, so that one move of the clock past them takes them all.
  if (!isApproved) deadlines.set('btcpay:payout', payout.id, APPROVED_AFTER_SECONDS);
  deadlines.set('btcpay:payout', payout.id, SENT_AFTER_SECONDS);
  deadlines.set('btcpay:payout', payout.id, COMPLETED_AFTER_SECONDS);
  return payout;
}

/** The next step of a payout; called by the virtual clock, and until it ends by a payer who asks for it. */
export function advancePayout(ctx: BtcpayContext, payoutId: string): void {
  const payout = findKnown(ctx, 'btcpay_payout', payoutId);
  const pullPayment = findKnown(ctx, 'btcpay_pull_payment', payout.pullPaymentId);
  if (payout.state === 'AwaitingApproval') {
    payout.state = 'AwaitingPayment';
    payout.satoshis = satoshisOf(payout.amountMinor, pullPayment.currency);
    save(ctx, payout);
    emitPayout(ctx, 'PayoutApproved', payout);
    return;
  }
  if (payout.state === 'AwaitingPayment') payout.state = 'InProgress';
  else if (payout.state === 'InProgress') complete(ctx, payout, pullPayment);
  else return;
  save(ctx, payout);
  emitPayout(ctx, 'PayoutUpdated', payout);
}

/** The store refuses a claim that it has not sent; the pull payment may be claimed again. */
export function cancelPayout(ctx: BtcpayContext, payout: Payout): void {
  payout.state = 'Cancelled';
  save(ctx, payout);
  ctx.world.deadlines.clear(payout.id);
  emitPayout(ctx, 'PayoutUpdated', payout);
}

/** True until the money was sent. */
export function isCancellable(payout: Payout): boolean {
  return payout.state === 'AwaitingApproval' || payout.state === 'AwaitingPayment';
}

/** The claims of a pull payment, newest first. */
export function payoutsOf(ctx: BtcpayContext, pullPaymentId: string): Payout[] {
  return list(ctx, 'btcpay_payout', { parentId: pullPaymentId });
}

function complete(ctx: BtcpayContext, payout: Payout, pullPayment: PullPayment): void {
  const invoice = findKnown(ctx, 'btcpay_invoice', pullPayment.invoiceId);
  payout.state = 'Completed';
  ctx.world.deadlines.clear(payout.id);
  const isOwnCurrency = pullPayment.currency === invoice.currency;
  const satoshis = payout.satoshis ?? satoshisOf(payout.amountMinor, pullPayment.currency);
  ctx.world.books.write({
    processor: PROCESSOR,
    // The refund's name to the platform is that of the pull payment, which may be claimed in parts.
    id: pullPayment.id,
    kind: 'refund',
    amountMinor: isOwnCurrency ? payout.amountMinor : minorOf(satoshis, invoice.currency),
    currency: invoice.currency.toLowerCase(),
    status: 'succeeded',
    of: invoice.id,
    paymentId: invoice.id,
  });
}

function sumOf(ctx: BtcpayContext, invoice: Invoice, fields: Fields): Sum {
  const variant = fields.oneOf('refundVariant', VARIANTS);
  if (variant === null) throw invalid('refundVariant', '`refundVariant` is mandatory');
  if (variant === 'Custom') return customSum(fields);
  for (const name of ['customAmount', 'customCurrency']) {
    if (fields.decimal(name) === null) continue;
    throw invalid(name, `${name} should only be set if the refundVariant is Custom`);
  }
  const received = paidSatoshis(paymentsOf(ctx, invoice.id));
  const isMarked = invoice.status === 'Settled' && invoice.additionalStatus === 'Marked';
  // An invoice that was marked as settled without a payment counts as paid by other means.
  const paid = received === 0 && isMarked ? invoice.dueSatoshis : received;
  if (variant === 'Fiat') {
    return { amountMinor: minorOf(paid, invoice.currency), currency: invoice.currency };
  }
  if (variant !== 'OverpaidAmount') return { amountMinor: paid, currency: 'BTC' };
  if (invoice.additionalStatus !== 'PaidOver') {
    throw invalid('refundVariant', 'Invoice is not overpaid');
  }
  return { amountMinor: paid - invoice.dueSatoshis, currency: 'BTC' };
}

function customSum(fields: Fields): Sum {
  const currency = (fields.text('customCurrency') ?? '').toUpperCase();
  if (!/^[A-Z]{3}$/.test(currency)) throw invalid('customCurrency', 'Invalid currency');
  const amountMinor = parseAmount(fields.decimal('customAmount') ?? '', currency);
  if (amountMinor === null || amountMinor === 0) {
    throw invalid('customAmount', 'Amount must be greater than 0');
  }
  return { amountMinor, currency };
}

function reduced(sum: Sum, percentage: string | null): Sum {
  if (percentage === null) return sum;
  const amountMinor = lessPercentage(sum.amountMinor, percentage);
  if (amountMinor !== null) return { ...sum, amountMinor };
  const message = 'Percentage must be a numeric value between 0 and 100';
  throw invalid('subtractPercentage', message);
}

function sumMinor(payouts: readonly Payout[]): number {
  return payouts.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
}
