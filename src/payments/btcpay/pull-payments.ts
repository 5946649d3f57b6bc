/**
 * Pull payments: a refund that its payer fetches. BTCPay keeps no link from an invoice to them, so ours carry the
 * invoice in their description and our own id as their name. Owns no state. Called by invoices.ts and refunds.ts.
 */
import type { ProcessorRefund } from '../../domain/payment/processor-reply.ts';
import type { BtcpayClient, BtcpaySession } from './client.ts';
import { add, multiply, toMinor, ZERO, type Decimal } from './decimal.ts';
import { exponentOf } from './mapping.ts';
import {
  readPayouts,
  readPullPayments,
  type Invoice,
  type PaymentMethod,
  type Payout,
  type PullPayment,
} from './shapes.ts';

/** What we write on a pull payment, and what BTCPay writes on one that a person made of an invoice. */
export function descriptionOf(invoiceId: string): string {
  return `Refund of invoice ${invoiceId}`;
}

function handmadeName(invoiceId: string): string {
  return `Refund ${invoiceId}`;
}

/** All of the store, archived ones too: BTCPay gives them in one piece and cannot be asked for those of an invoice. */
export async function readAllPullPayments(
  client: BtcpayClient,
  session: BtcpaySession,
): Promise<PullPayment[]> {
  const path = `${client.store}/pull-payments?includeArchived=true`;
  return readPullPayments(await session.get(path));
}

/** Those that return money of an invoice, made by us or by a person. */
export function pullPaymentsOf(invoiceId: string, all: readonly PullPayment[]): PullPayment[] {
  return all.filter(
    ({ name, description }) =>
      description === descriptionOf(invoiceId) || name === handmadeName(invoiceId),
  );
}

/** The one that was made for a refund of ours. */
export function pullPaymentFor(
  refund: { readonly invoiceId: string; readonly refundId: string },
  all: readonly PullPayment[],
): PullPayment | null {
  const ofInvoice = pullPaymentsOf(refund.invoiceId, all);
  return ofInvoice.find(({ name }) => name === refund.refundId) ?? null;
}

/** An invoice with its payment methods and its pull payments. */
export interface Returned {
  readonly invoice: Invoice;
  readonly methods: readonly PaymentMethod[];
  readonly pullPayments: readonly PullPayment[];
}

/**
 * What of an invoice's money was given back or promised back, in minor units of its currency. What can still be claimed
 * counts whole, because it cannot be promised twice; what was archived counts as far as it was claimed.
 */
export async function promisedMinor(session: BtcpaySession, returned: Returned): Promise<number> {
  let promised = ZERO;
  for (const pullPayment of returned.pullPayments) {
    const rate = rateOf(pullPayment, returned);
    const amount = pullPayment.isArchived
      ? sumOf((await payoutsOf(session, pullPayment.id)).filter(isStanding))
      : pullPayment.amount;
    promised = add(promised, multiply(amount, rate));
  }
  return toMinor(promised, exponentOf(returned.invoice.currency));
}

const ONE: Decimal = { units: 1n, scale: 0 };

/** A person may refund in coins; they count at the invoice's rate. Coins that the invoice does not know count nothing. */
function rateOf({ currency }: PullPayment, { invoice, methods }: Returned): Decimal {
  if (currency === invoice.currency) return ONE;
  return methods.find((method) => method.currency === currency)?.rate ?? ZERO;
}

export async function payoutsOf(session: BtcpaySession, pullPaymentId: string): Promise<Payout[]> {
  const path = `/pull-payments/${encodeURIComponent(pullPaymentId)}/payouts?includeCancelled=true`;
  return readPayouts(await session.get(path));
}

/** Archiving cancels what waits for approval or payment; what is under way may still arrive. */
function isStanding({ state }: Payout): boolean {
  return state !== 'Cancelled';
}

function sumOf(payouts: readonly Payout[]): Decimal {
  return payouts.reduce((sum, { amount }) => add(sum, amount), ZERO);
}

/**
 * A pull payment as a refund. It has succeeded when all of it was paid out, and failed when it was archived and nothing
 * that was claimed can still arrive. One that was archived in between stays pending: a person has to settle it, and
 * nothing is returned twice.
 */
export function toRefund(pullPayment: PullPayment, payouts: readonly Payout[]): ProcessorRefund {
  const exponent = exponentOf(pullPayment.currency);
  const amountMinor = toMinor(pullPayment.amount, exponent);
  const completed = payouts.filter(({ state }) => state === 'Completed');
  const isPaidOut = toMinor(sumOf(completed), exponent) >= amountMinor;
  const isOver = pullPayment.isArchived && !payouts.some(isStanding);
  return {
    ref: pullPayment.id,
    claimUrl: pullPayment.viewLink,
    status: isPaidOut ? 'succeeded' : isOver ? 'failed' : 'pending',
    amountMinor,
  };
}
