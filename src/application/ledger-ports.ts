/** What the ledger needs of storage, and what others may ask of it. Amounts are minor units. */
import type { Processor } from '../domain/payment/processor-reply.ts';
import type { EpochMs } from '../domain/time.ts';

/** One side of a transaction: positive is a debit, negative a credit. */
export interface Posting {
  /** Such as `processor:stripe`, `provider:prv_…`, `platform:commission`, `platform:fees`, `payer:surplus`. */
  readonly account: string;
  readonly amountMinor: number;
}

/** Something that happened to money: its postings add up to zero, which the database checks. */
export interface LedgerTransaction {
  /** Made of what it tells of, so that telling it twice posts it once. */
  readonly id: string;
  readonly kind:
    | 'capture'
    | 'fee'
    | 'refund'
    | 'refund_failed'
    | 'dispute'
    | 'dispute_won'
    | 'transfer'
    | 'transfer_reversed'
    | 'credit'
    | 'bank';
  readonly currency: string;
  readonly postings: readonly Posting[];
  readonly processor: Processor | null;
  /** The processor's id of the payment, refund, dispute or transfer. */
  readonly processorRef: string | null;
  /** The processor's id of the payment that it belongs to. */
  readonly paymentRef?: string | null;
  readonly bookingId: string | null;
  readonly subscriptionId: string | null;
  readonly providerId: string | null;
  readonly payoutId: string | null;
  readonly atMs: EpochMs;
  /** From when on what it credits a provider with may be paid out, before the escrow days; at once for debits. */
  readonly availableFromMs: EpochMs;
}

/** The ledger of one data region. */
export interface LedgerStore {
  /** Posts each transaction once; a repeat changes nothing. */
  post(transactions: readonly LedgerTransaction[]): Promise<void>;
  /** Everything that touched a booking or a subscription, oldest first. */
  transactionsOf(
    subject: { bookingId: string } | { subscriptionId: string },
  ): Promise<LedgerTransaction[]>;
  /**
   * What a provider is owed (credits as a positive amount) of what is available at the instant, less the debits: a refund
   * or dispute counts from the instant from which its capture counts, all others at once. Negative when the provider owes.
   */
  payable(query: {
    providerId: string;
    currency: string;
    availableUntilMs: EpochMs;
  }): Promise<number>;
  /** Providers with anything owed to or by them, after an id. */
  providersWithBalance(
    afterProviderId: string,
    limit: number,
  ): Promise<{ providerId: string; currency: string }[]>;
}
