/**
 * The calls about invoices: find, make, read, end, list. BTCPay keeps no idempotency keys, so everything that makes
 * something looks first for what an earlier call may have made. Owns no state. Called by gateway.ts and recurring.ts.
 */
import type { ListedPayment, PaymentGateway, PaymentReference } from '../../application/ports.ts';
import type { Money } from '../../domain/money.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { BtcpayClient, BtcpaySession } from './client.ts';
import { fromMinor, toMinor } from './decimal.ts';
import { CallFailure, misconfigured } from './errors.ts';
import {
  amountOf,
  dependsOnPayments,
  exponentOf,
  metadataOf,
  NOTHING_RECEIVED,
  receivedFor,
  referenceOf,
  toForeignRow,
  toListedPayment,
  toPayment,
  type InvoiceView,
} from './mapping.ts';
import { promisedMinor, pullPaymentsOf, readAllPullPayments } from './pull-payments.ts';
import {
  readInvoice,
  readInvoices,
  readPaymentMethods,
  type Invoice,
  type PullPayment,
} from './shapes.ts';

/** What the calls of one gateway run on. */
export interface BtcpayCalls {
  readonly client: BtcpayClient;
  /** Where the payer goes from BTCPay's page when the caller named no page. */
  readonly returnUrl: string;
  readonly speedPolicy: SpeedPolicy;
}

/** How many confirmations make money certain: none, one, two, six. */
export type SpeedPolicy = 'HighSpeed' | 'MediumSpeed' | 'LowMediumSpeed' | 'LowSpeed';

/** For so long an invoice keeps its rate and can be paid: BTCPay's own default, and longer than most holds. */
const EXPIRATION_MINUTES = 15;

/** For so long after that BTCPay still waits for confirmations: BTCPay's own default, a day. */
const MONITORING_MINUTES = 1_440;

/** Rows of a page of the list; each page costs one call, and one more where an invoice of it was paid. */
const LIST_PAGE_COUNT = 100;

const INVOICE_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** A text that is no id of an invoice names no object; it must not become part of a path either. */
export function isInvoiceId(ref: string): boolean {
  return INVOICE_ID.test(ref);
}

/** What an invoice is made of. `returnUrl`: where the payer goes from BTCPay's page, where the caller named one. */
export interface InvoiceRequest {
  readonly amount: Money;
  readonly reference: PaymentReference;
  readonly returnUrl?: string | null;
}

/**
 * The invoice of a reference: the one that there is, or a new one. One for another sum is `misconfigured`.
 * Two calls at once may make two, because BTCPay has no key to tell them by; the caller makes one at a time.
 */
export async function openInvoice(
  calls: BtcpayCalls,
  request: InvoiceRequest,
): Promise<ProcessorReply> {
  const session = calls.client.session();
  const { amount, reference } = request;
  const exponent = exponentOf(amount.currency);
  const metadata = metadataOf(reference);
  const known = await findInvoice(calls, session, metadata);
  if (known !== null) {
    const isSame = known.currency === amount.currency && amountOf(known) === amount.amount;
    return isSame
      ? paymentReply(await viewOf(calls, session, known))
      : { kind: 'misconfigured', reason: 'another_amount_under_a_used_reference' };
  }
  const made = readInvoice(
    await session.post(`${calls.client.store}/invoices`, {
      amount: fromMinor(amount.amount, exponent),
      currency: amount.currency.toUpperCase(),
      metadata,
      checkout: {
        speedPolicy: calls.speedPolicy,
        expirationMinutes: EXPIRATION_MINUTES,
        monitoringMinutes: MONITORING_MINUTES,
        paymentTolerance: 0,
        redirectURL: request.returnUrl ?? calls.returnUrl,
        redirectAutomatically: true,
      },
    }),
  );
  return paymentReply(await viewOf(calls, session, made));
}

/** The invoice that carries our reference. Of several, one with money, then the oldest: the same for every call. */
async function findInvoice(
  calls: BtcpayCalls,
  session: BtcpaySession,
  metadata: Readonly<Record<string, string>>,
): Promise<Invoice | null> {
  const { orderId = '' } = metadata;
  const query = new URLSearchParams({ orderId, includeArchived: 'true' });
  const found = readInvoices(
    await session.get(`${calls.client.store}/invoices?${query.toString()}`),
  );
  const ours = found.filter((invoice) =>
    Object.entries(metadata).every(([name, value]) => invoice.metadata[name] === value),
  );
  const [first] = ours.toSorted(
    (a, b) => Number(hasMoney(b)) - Number(hasMoney(a)) || a.createdSeconds - b.createdSeconds,
  );
  return first ?? null;
}

function hasMoney({ status, additionalStatus }: Invoice): boolean {
  return status === 'Processing' || status === 'Settled' || additionalStatus.startsWith('Paid');
}

export async function fetchInvoice(calls: BtcpayCalls, ref: string): Promise<ProcessorReply> {
  if (!isInvoiceId(ref)) return { kind: 'missing' };
  const session = calls.client.session();
  return paymentReply(await viewOf(calls, session, await getInvoice(calls, session, ref)));
}

/** For calls that push money never needs: there is nothing to do, and the payment shows where it stands. */
export async function nothingToDo(calls: BtcpayCalls, ref: string): Promise<ProcessorReply> {
  if (!isInvoiceId(ref)) return { kind: 'missing' };
  await getInvoice(calls, calls.client.session(), ref);
  return { kind: 'already_done' };
}

/**
 * Ends an invoice that waits for money. One that has been paid in full is left alone, because ending it would only hide
 * the money; one that is over has nothing to end.
 */
export async function voidInvoice(calls: BtcpayCalls, ref: string): Promise<ProcessorReply> {
  if (!isInvoiceId(ref)) return { kind: 'missing' };
  const session = calls.client.session();
  const { status } = await getInvoice(calls, session, ref);
  if (status !== 'New') return { kind: 'already_done' };
  try {
    const path = `${calls.client.store}/invoices/${ref}/status`;
    const ended = readInvoice(await session.post(path, { status: 'Invalid' }));
    return paymentReply(await viewOf(calls, session, ended));
  } catch (error) {
    // It moved on between the two calls; what it is now is for the next look to tell.
    if (error instanceof CallFailure && (error.status === 400 || error.status === 422)) {
      return { kind: 'already_done' };
    }
    throw error;
  }
}

export async function getInvoice(
  calls: BtcpayCalls,
  session: BtcpaySession,
  ref: string,
): Promise<Invoice> {
  const invoice = readInvoice(await session.get(`${calls.client.store}/invoices/${ref}`));
  if (invoice.id !== ref) throw misconfigured('unexpected_object');
  return invoice;
}

/** An invoice with its money: its payments are read where they count, and its refunds where something came in. */
export async function viewOf(
  calls: BtcpayCalls,
  session: BtcpaySession,
  invoice: Invoice,
): Promise<InvoiceView> {
  if (!dependsOnPayments(invoice)) {
    return { invoice, received: NOTHING_RECEIVED, refundedMinor: 0 };
  }
  const path = `${calls.client.store}/invoices/${invoice.id}/payment-methods`;
  const methods = readPaymentMethods(await session.get(path));
  const received = receivedFor(invoice, methods);
  const hasCaptured = received.settledMinor > 0 || invoice.status === 'Settled';
  if (!hasCaptured) return { invoice, received, refundedMinor: 0 };
  const pullPayments = pullPaymentsOf(invoice.id, await readAllPullPayments(calls.client, session));
  const refundedMinor = await promisedMinor(session, { invoice, methods, pullPayments });
  return { invoice, received, refundedMinor };
}

/**
 * A page of invoices, newest first. The cursor is how many rows were read; invoices that are made meanwhile shift rows
 * to a later page, so that one may come twice and none is left out.
 */
export async function listInvoices(
  calls: BtcpayCalls,
  request: Parameters<PaymentGateway['listSince']>[0],
): Promise<{ payments: readonly ListedPayment[]; next: string | null }> {
  const session = calls.client.session();
  const skip = request.cursor === null ? 0 : Number(request.cursor);
  if (!Number.isSafeInteger(skip) || skip < 0) throw misconfigured('cursor');
  const query = new URLSearchParams({
    startDate: String(Math.floor(request.sinceMs / SECOND_MS)),
    skip: String(skip),
    take: String(LIST_PAGE_COUNT),
    includeArchived: 'true',
  });
  const invoices = readInvoices(
    await session.get(`${calls.client.store}/invoices?${query.toString()}`),
  );
  const isAnyPaid = invoices.some((invoice) => isOurs(invoice) && wasPaid(invoice));
  const pullPayments = isAnyPaid ? await readAllPullPayments(calls.client, session) : [];
  const payments: ListedPayment[] = [];
  for (const invoice of invoices) {
    // Another shop's invoice may be in a currency that is not on sale here; its sums are nobody's business.
    const view = isOurs(invoice) ? await listedView(session, invoice, pullPayments) : null;
    payments.push(view === null ? toForeignRow(invoice) : toListedPayment(view));
  }
  const isLast = invoices.length < LIST_PAGE_COUNT;
  return { payments, next: isLast ? null : String(skip + invoices.length) };
}

function isOurs({ metadata }: Invoice): boolean {
  return referenceOf(metadata) !== null;
}

function wasPaid(invoice: Invoice): boolean {
  const { status, paidAmount } = invoice;
  if (!dependsOnPayments(invoice)) return false;
  return status === 'Settled' || (paidAmount !== null && paidAmount.units > 0n);
}

async function listedView(
  session: BtcpaySession,
  invoice: Invoice,
  all: readonly PullPayment[],
): Promise<InvoiceView> {
  const pullPayments = pullPaymentsOf(invoice.id, all);
  const refundedMinor = await promisedMinor(session, { invoice, methods: [], pullPayments });
  return { invoice, received: saidToBeReceived(invoice), refundedMinor };
}

/**
 * What the invoice itself says it was sent. Money that is not certain yet is in it: whoever acts on a row of the list is
 * stopped by the refund's own look at the payments.
 */
function saidToBeReceived(invoice: Invoice): InvoiceView['received'] {
  const { paidAmount } = invoice;
  if (paidAmount === null || !dependsOnPayments(invoice)) return NOTHING_RECEIVED;
  return { settledMinor: toMinor(paidAmount, exponentOf(invoice.currency)), isInFlight: false };
}

export function paymentReply(view: InvoiceView): ProcessorReply {
  return { kind: 'payment', payment: toPayment(view) };
}
