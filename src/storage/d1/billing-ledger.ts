/**
 * What a change of billing is in the ledger, for the batch that writes the change: a payment that succeeded, the credit
 * that its invoice used or gave, a refund that was taken on or failed, a dispute. A repeat of what was posted has the same id.
 * Reads what the ledger has of the payments that are given back; the version of the subscription keeps that true until
 * the batch is written. Called by the repository of billing alone.
 */
import type { BillingChange } from '../../application/billing-ports.ts';
import type { LedgerEntry } from '../../domain/ledger/entry.ts';
import {
  entriesOfDispute,
  entriesOfPayment,
  entriesOfRefund,
  entryOfCredit,
  type RefundedPayment,
} from '../../domain/ledger/subscription-money.ts';
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
    ...(await returnEntries(database, change, nowMs)),
  ];
}

/** Refunds and disputes: what goes back of a payment is told by what has gone back of it before. */
async function returnEntries(
  database: D1Database,
  { subscription, charges = [] }: BillingChange,
  nowMs: EpochMs,
): Promise<LedgerEntry[]> {
  const returning = charges.filter(
    ({ purpose, state, disputes }) =>
      (purpose === 'refund' && state !== 'created') || disputes.length > 0,
  );
  if (returning.length === 0) return [];
  const told = await new LedgerRepository(database).transactionsOf({
    subscriptionId: subscription.id,
  });
  const entries: LedgerEntry[] = [];
  for (const charge of returning) {
    const standing = (ofChargeId: string | null, own: string) =>
      standingOf({ ofChargeId, own }, [...told, ...entries]);
    if (charge.purpose === 'refund')
      entries.push(...entriesOfRefund(charge, standing(charge.ofChargeId, charge.id), nowMs));
    for (const dispute of charge.disputes) {
      const known = standing(charge.id, `${charge.id}:${dispute.ref}`);
      entries.push(...entriesOfDispute({ charge, dispute }, known, nowMs));
    }
  }
  return entries;
}

/** What the ledger has of a payment, and of what `own`, a refund or a dispute, took back of it. */
function standingOf(
  { ofChargeId, own }: { readonly ofChargeId: string | null; readonly own: string },
  told: readonly LedgerEntry[],
): RefundedPayment {
  const payment = told.find(({ id }) => id === `capture:${ofChargeId}`) ?? null;
  const paymentRef = payment?.paymentRef ?? null;
  const isOwn = ({ id }: LedgerEntry) => id.slice(id.indexOf(':') + 1).startsWith(`${own}:`);
  const returns = told.filter(
    (entry) =>
      RETURNS.has(entry.kind) &&
      (isOwn(entry) || (paymentRef !== null && entry.paymentRef === paymentRef)),
  );
  const byThis = returns.filter(isOwn);
  return {
    captured: payment?.postings ?? null,
    paymentRef,
    returnedMinor: sumOf(returns),
    returnedByThisMinor: sumOf(byThis),
    told: byThis.length,
  };
}

const RETURNS: ReadonlySet<LedgerEntry['kind']> = new Set([
  'refund',
  'refund_failed',
  'dispute',
  'dispute_won',
]);

/** Given back, less what failed: what left the processor's account. */
function sumOf(entries: readonly LedgerEntry[]): number {
  const lines = entries.flatMap(({ postings }) => postings);
  return lines
    .filter(({ account }) => account.startsWith('processor:'))
    .reduce((sum, { amountMinor }) => sum - amountMinor, 0);
}
