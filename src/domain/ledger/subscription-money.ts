/**
 * What a subscription's charges, invoices and refunds are in the ledger. A payment that settles its invoice is revenue
 * and the tax inside it; one that nobody waited for is the payer's. Pure; called by storage, in the write that they
 * are part of.
 */
import { TAKEN_DISPUTE_STATES } from '../payment/dispute-machine.ts';
import type { Charge, ChargeDispute, Invoice } from '../subscription/subscription.ts';
import type { EpochMs } from '../time.ts';
import {
  balanced,
  FEES_ACCOUNT,
  MEMBER_CREDIT_ACCOUNT,
  processorAccount,
  REVENUE_ACCOUNT,
  reversed,
  shareOfPiece,
  SURPLUS_ACCOUNT,
  TAX_ACCOUNT,
  type LedgerEntry,
  type LedgerKind,
  type Posting,
} from './entry.ts';

/** The money of a payment; `invoice` is the one that it settles, null for money that nobody waited for. */
export function entriesOfPayment(
  charge: Charge,
  invoice: Pick<Invoice, 'totalMinor' | 'taxMinor'> | null,
  atMs: EpochMs,
): LedgerEntry[] {
  const amountMinor = charge.capturedMinor ?? charge.amountMinor;
  const held = { account: processorAccount(charge.processor), amountMinor };
  const isEarned = invoice !== null && invoice.totalMinor <= amountMinor;
  const { totalMinor, taxMinor } = isEarned ? invoice : { totalMinor: 0, taxMinor: 0 };
  const earned: Posting[] = [
    { account: REVENUE_ACCOUNT, amountMinor: taxMinor - totalMinor },
    { account: TAX_ACCOUNT, amountMinor: -taxMinor },
    { account: SURPLUS_ACCOUNT, amountMinor: totalMinor - amountMinor },
  ];
  return [
    ...entryOf(charge, { id: `capture:${charge.id}`, kind: 'capture', atMs }, [held, ...earned]),
    ...entryOfFee(charge, atMs),
  ];
}

/** What the processor kept of a payment. */
export function entryOfFee(charge: FeeCharge, atMs: EpochMs): LedgerEntry[] {
  const feeMinor = charge.feeMinor ?? 0;
  return entryOf(charge, { id: `fee:${charge.id}`, kind: 'fee', atMs }, [
    { account: FEES_ACCOUNT, amountMinor: feeMinor },
    { account: processorAccount(charge.processor), amountMinor: -feeMinor },
  ]);
}

/** What a fee is told of. */
export type FeeCharge = Pick<
  Charge,
  'id' | 'processor' | 'ref' | 'currency' | 'subscriptionId' | 'feeMinor'
>;

/** The credit that a paid invoice used up or gave: time that was bought, and not with new money. */
export function entryOfCredit(invoice: Invoice, atMs: EpochMs): LedgerEntry[] {
  const { creditUsedMinor, creditGivenMinor, currency, subscriptionId } = invoice;
  const subject = { processor: null, ref: null, currency, subscriptionId };
  return entryOf(subject, { id: `credit:${invoice.id}`, kind: 'credit', atMs }, [
    { account: MEMBER_CREDIT_ACCOUNT, amountMinor: creditUsedMinor - creditGivenMinor },
    { account: REVENUE_ACCOUNT, amountMinor: creditGivenMinor - creditUsedMinor },
  ]);
}

/** What the ledger has of a payment and of what was given back of it. */
export interface RefundedPayment {
  /** The lines of the payment; null where the ledger does not have it. */
  readonly captured: readonly Posting[] | null;
  /** The processor's id of the payment. */
  readonly paymentRef: string | null;
  /** Given back of the payment so far, by all refunds. */
  readonly returnedMinor: number;
  /** Of that, by this refund. */
  readonly returnedByThisMinor: number;
  /** Entries that there are of this refund: a number of the next. */
  readonly told: number;
}

/**
 * What has to be told so that the ledger says of a refund what the refund says of itself: given back from the moment
 * that the processor has taken it on, and not if it failed, however often that changes.
 */
export function entriesOfRefund(
  refund: Charge,
  payment: RefundedPayment,
  atMs: EpochMs,
): LedgerEntry[] {
  const isGiven =
    refund.state === 'succeeded' || (refund.state === 'pending' && refund.ref !== null);
  const wantedMinor = isGiven ? refund.amountMinor : 0;
  const changeMinor = wantedMinor - payment.returnedByThisMinor;
  if (changeMinor === 0) return [];
  const kind = changeMinor > 0 ? 'refund' : 'refund_failed';
  const amountMinor = Math.abs(changeMinor);
  const beforeMinor = payment.returnedMinor - (changeMinor > 0 ? 0 : amountMinor);
  const lines = linesOfReturn(refund, payment, { beforeMinor, amountMinor });
  const id = `${kind}:${refund.id}:${payment.told + 1}`;
  return entryOf(
    refund,
    { id, kind, atMs, paymentRef: payment.paymentRef },
    changeMinor > 0 ? lines : reversed(lines),
  );
}

/**
 * What has to be told so that the ledger says of a dispute what the dispute says of itself: taken while it is open and when
 * it is lost, and back when it is won.
 */
export function entriesOfDispute(
  { charge, dispute }: { readonly charge: Charge; readonly dispute: ChargeDispute },
  payment: RefundedPayment,
  atMs: EpochMs,
): LedgerEntry[] {
  const wantedMinor = TAKEN_DISPUTE_STATES.has(dispute.state) ? dispute.amountMinor : 0;
  const changeMinor = wantedMinor - payment.returnedByThisMinor;
  if (changeMinor === 0) return [];
  const isTaken = changeMinor > 0;
  const amountMinor = Math.abs(changeMinor);
  const beforeMinor = payment.returnedMinor - (isTaken ? 0 : amountMinor);
  const lines = linesOfReturn(charge, payment, { beforeMinor, amountMinor });
  const kind = isTaken ? 'dispute' : 'dispute_won';
  const id = `${kind}:${charge.id}:${dispute.ref}:${payment.told + 1}`;
  return entryOf(
    { ...charge, ref: dispute.ref, currency: dispute.currency },
    { id, kind, atMs, paymentRef: payment.paymentRef },
    isTaken ? lines : reversed(lines),
  );
}

/** What came besides its invoice goes back first; a piece of the rest in the shares in which it came. */
function linesOfReturn(
  { processor }: Charge,
  { captured }: RefundedPayment,
  piece: { beforeMinor: number; amountMinor: number },
): Posting[] {
  const { beforeMinor, amountMinor } = piece;
  const given = { account: processorAccount(processor), amountMinor: -amountMinor };
  const lineOf = (account: string) =>
    captured?.find((line) => line.account === account)?.amountMinor ?? 0;
  const wholeMinor = lineOf(processorAccount(processor));
  if (beforeMinor < 0) return [given, { account: SURPLUS_ACCOUNT, amountMinor }];
  // What is more than came was nobody's.
  const withinMinor = Math.min(amountMinor, Math.max(wholeMinor - beforeMinor, 0));
  const surplusMinor = -lineOf(SURPLUS_ACCOUNT);
  const surplusBackMinor = Math.min(Math.max(surplusMinor - beforeMinor, 0), withinMinor);
  const earnedBackMinor = withinMinor - surplusBackMinor;
  const taxBackMinor = shareOfPiece(
    { partMinor: -lineOf(TAX_ACCOUNT), wholeMinor: wholeMinor - surplusMinor },
    {
      beforeMinor: Math.min(Math.max(beforeMinor, surplusMinor), wholeMinor) - surplusMinor,
      amountMinor: earnedBackMinor,
    },
  );
  return [
    given,
    { account: SURPLUS_ACCOUNT, amountMinor: amountMinor - earnedBackMinor },
    { account: REVENUE_ACCOUNT, amountMinor: earnedBackMinor - taxBackMinor },
    { account: TAX_ACCOUNT, amountMinor: taxBackMinor },
  ];
}

interface EntrySubject {
  readonly processor: Charge['processor'] | null;
  readonly ref: string | null;
  readonly currency: string;
  readonly subscriptionId: string;
}

function entryOf(
  subject: EntrySubject,
  entry: { id: string; kind: LedgerKind; atMs: EpochMs; paymentRef?: string | null },
  lines: readonly Posting[],
): LedgerEntry[] {
  const postings = balanced(lines);
  if (postings.length === 0) return [];
  const { id, kind, atMs, paymentRef = subject.ref } = entry;
  return [
    {
      id,
      kind,
      currency: subject.currency,
      postings,
      processor: subject.processor,
      processorRef: subject.ref,
      paymentRef,
      bookingId: null,
      subscriptionId: subject.subscriptionId,
      providerId: null,
      payoutId: null,
      atMs,
      availableFromMs: atMs,
    },
  ];
}
