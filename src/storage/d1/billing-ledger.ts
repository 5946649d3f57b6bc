/**
 * What a change of billing is in the ledger, for the batch that writes the change: a payment that succeeded, the credit
 * that its invoice used or gave, a refund that was taken on or failed. A repeat of what was posted has the same id.
 * Reads what the ledger has of the payments that are given back; the version of the subscription keeps that true until
 * the batch is written. Called by the repository of billing alone.
 */
import type { BillingChange } from '../../application/billing-ports.ts';
import type { LedgerEntry } from '../../domain/ledger/entry.ts';
import {
  entriesOfPayment,
  entriesOfRefund,
  entryOfCredit,
  type RefundedPayment,
} from '../../domain/ledger/subscription-money.ts';
import type { Charge } from '../../domain/subscription/subscription.ts';
import type { EpochMs } from '../../domain/time.ts';
import { LedgerRepository } from './ledger-repository.ts';

/** The entries of a change, in the order in which they are posted. */
export async function billingEntries(
  database: D1Database,
  change: BillingChange,
  nowMs: EpochMs,
): Promise<LedgerEntry[]> {
  const { charges = [], invoices = [] } = change;
  // A number is given with the payment: a paid invoice without one is being paid by this change.
  const settled = invoices.filter(({ state, number }) => state === 'paid' && number === null);
  const payments = charges.filter(
    ({ purpose, state }) => purpose === 'payment' && state === 'succeeded',
  );
  return [
    ...payments.flatMap((charge) => {
      const invoice = settled.find(({ id }) => id === charge.invoiceId) ?? null;
      return entriesOfPayment(charge, invoice, nowMs);
    }),
    ...settled.flatMap((invoice) => entryOfCredit(invoice, nowMs)),
    ...(await refundEntries(database, change, nowMs)),
  ];
}

async function refundEntries(
  database: D1Database,
  { subscription, charges = [] }: BillingChange,
  nowMs: EpochMs,
): Promise<LedgerEntry[]> {
  const refunds = charges.filter(
    ({ purpose, state }) => purpose === 'refund' && state !== 'created',
  );
  if (refunds.length === 0) return [];
  const told = await new LedgerRepository(database).transactionsOf({
    subscriptionId: subscription.id,
  });
  const entries: LedgerEntry[] = [];
  for (const refund of refunds) {
    entries.push(...entriesOfRefund(refund, standingOf(refund, [...told, ...entries]), nowMs));
  }
  return entries;
}

/** What the ledger has of the payment that a refund gives back. */
function standingOf(refund: Charge, told: readonly LedgerEntry[]): RefundedPayment {
  const payment = told.find(({ id }) => id === `capture:${refund.ofChargeId}`) ?? null;
  const paymentRef = payment?.paymentRef ?? null;
  const returns = told.filter(
    (entry) =>
      isReturn(entry) &&
      (isOf(entry, refund) || (paymentRef !== null && entry.paymentRef === paymentRef)),
  );
  const own = returns.filter((entry) => isOf(entry, refund));
  return {
    captured: payment?.postings ?? null,
    paymentRef,
    returnedMinor: sumOf(returns),
    returnedByThisMinor: sumOf(own),
    told: own.length,
  };
}

function isReturn({ kind }: LedgerEntry): boolean {
  return kind === 'refund' || kind === 'refund_failed';
}

function isOf({ id }: LedgerEntry, refund: Charge): boolean {
  return id.split(':')[1] === refund.id;
}

/** Given back, less what failed: what left the processor's account. */
function sumOf(entries: readonly LedgerEntry[]): number {
  const lines = entries.flatMap(({ postings }) => postings);
  return lines
    .filter(({ account }) => account.startsWith('processor:'))
    .reduce((sum, { amountMinor }) => sum - amountMinor, 0);
}
