/**
 * Entries of the ledger and the accounts that they speak of. An entry is balanced: what one account gives another one
 * takes. Pure; called by the makers of entries in this folder and by storage, which keeps them.
 *
 * Accounts, by what a positive sum (a debit) means:
 * `processor:stripe` what a processor holds for us; `platform:bank` what our bank holds; `platform:fees` what the
 * processors kept;
 * and by what a negative sum (a credit) means:
 * `provider:prv_…` what a provider is owed; `platform:commission`, `platform:revenue` what the platform earned;
 * `platform:tax` tax to be passed on; `tax:prv_…` tax that a provider has to pay for what it sold, against `tax:stripe`, the
 * processor that it came in through: it is in what the provider is owed, and these two say how much; `member:credit` credit that members have; `payer:surplus` money on its way back.
 */
import { invariant } from '../assert.ts';
import type { Processor } from '../payment/processor-reply.ts';
import type { EpochMs } from '../time.ts';

export const LEDGER_KINDS = [
  'capture',
  'fee',
  'refund',
  'refund_failed',
  'dispute',
  'dispute_won',
  'transfer',
  'transfer_reversed',
  'credit',
  'bank',
] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** One side of an entry: positive is a debit, negative a credit; minor units. */
export interface Posting {
  readonly account: string;
  readonly amountMinor: number;
}

/** Something that happened to money. */
export interface LedgerEntry {
  /** Made of what it tells of, so that telling it twice posts it once. */
  readonly id: string;
  readonly kind: LedgerKind;
  readonly currency: string;
  readonly postings: readonly Posting[];
  readonly processor: Processor | null;
  /** The processor's id of the payment, refund, dispute or transfer. */
  readonly processorRef: string | null;
  /** The processor's id of the payment that it belongs to. */
  readonly paymentRef: string | null;
  readonly bookingId: string | null;
  readonly subscriptionId: string | null;
  readonly providerId: string | null;
  readonly payoutId: string | null;
  readonly atMs: EpochMs;
  /** From when on what it gives to or takes from a provider counts for a payout. */
  readonly availableFromMs: EpochMs;
}

export const BANK_ACCOUNT = 'platform:bank';
export const COMMISSION_ACCOUNT = 'platform:commission';
export const FEES_ACCOUNT = 'platform:fees';
export const REVENUE_ACCOUNT = 'platform:revenue';
export const TAX_ACCOUNT = 'platform:tax';
export const MEMBER_CREDIT_ACCOUNT = 'member:credit';
export const SURPLUS_ACCOUNT = 'payer:surplus';

/** What a processor holds for us. */
export function processorAccount(processor: Processor): string {
  return `processor:${processor}`;
}

/** What a provider is owed. */
export function providerAccount(providerId: string): string {
  return `provider:${providerId}`;
}

/** Tax that came in, by whoever has to pay it (a provider) or what it came in through (a processor). */
export function taxAccount(whose: string): string {
  return `tax:${whose}`;
}

/** The lines of an entry: one per account, without those that move nothing. Their sum has to be zero. */
export function balanced(lines: readonly Posting[]): Posting[] {
  const sums = new Map<string, number>();
  for (const { account, amountMinor } of lines) {
    invariant(Number.isSafeInteger(amountMinor), 'money is a whole number of minor units');
    sums.set(account, (sums.get(account) ?? 0) + amountMinor);
  }
  const postings = [...sums].map(([account, amountMinor]) => ({ account, amountMinor }));
  const moving = postings.filter(({ amountMinor }) => amountMinor !== 0);
  const sumMinor = moving.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  invariant(sumMinor === 0, `postings are off by ${sumMinor}`);
  return moving;
}

/** The same lines the other way round. */
export function reversed(lines: readonly Posting[]): Posting[] {
  return lines.map(({ account, amountMinor }) => ({ account, amountMinor: -amountMinor }));
}

/**
 * The share that a further piece of a whole takes of one part of it: 300 of tax in 1900, given back in pieces.
 * Rounded down over all pieces together, so that they never take more than the part, and all of them take all of it.
 */
export function shareOfPiece(
  part: { readonly partMinor: number; readonly wholeMinor: number },
  piece: { readonly beforeMinor: number; readonly amountMinor: number },
): number {
  const { partMinor, wholeMinor } = part;
  const throughMinor = piece.beforeMinor + piece.amountMinor;
  invariant(partMinor >= 0 && partMinor <= wholeMinor, 'a part is within its whole');
  const isWithin = piece.beforeMinor >= 0 && piece.amountMinor >= 0 && throughMinor <= wholeMinor;
  invariant(isWithin, 'pieces are within their whole');
  if (wholeMinor === 0) return 0;
  const upTo = (amountMinor: number) =>
    Number((BigInt(partMinor) * BigInt(amountMinor)) / BigInt(wholeMinor));
  return upTo(throughMinor) - upTo(piece.beforeMinor);
}
