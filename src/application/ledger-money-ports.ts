/** What the comparison of the ledger with the processors, and the operators' view of money, need of storage. */
import type { Processor } from '../domain/payment/processor-reply.ts';
import type { EpochMs } from '../domain/time.ts';
import type { BankMovement } from './bank-ports.ts';

/** What the ledger says of one payment. Amounts are minor units. */
export interface PaymentBooks {
  readonly ref: string;
  readonly currency: string;
  readonly capturedMinor: number;
  /** Given back, less what failed. */
  readonly refundedMinor: number;
  readonly hasFee: boolean;
}

/** A payment that the ledger has something of. */
export interface TouchedPayment {
  readonly ref: string;
  readonly bookingId: string | null;
  readonly subscriptionId: string | null;
}

/** A difference between a processor and the ledger. */
export interface UnmatchedMoney extends TouchedPayment {
  readonly processor: Processor;
  readonly kind: 'captured' | 'refunded';
  readonly ourMinor: number;
  readonly theirMinor: number;
  readonly currency: string;
  /** False while it may be on its way still. */
  readonly isCounted: boolean;
}

/** The same as it is kept. */
export interface KnownUnmatched extends UnmatchedMoney {
  readonly firstSeenAtMs: EpochMs;
  readonly lastSeenAtMs: EpochMs;
}

/** What one comparison found of payments: the differences, and every payment that was looked at. */
export interface Comparison {
  readonly processor: Processor;
  readonly refs: readonly string[];
  readonly unmatched: readonly UnmatchedMoney[];
  readonly nowMs: EpochMs;
}

/** Sums of a processor in one currency, over all time or over one day. */
export interface ProcessorSums {
  readonly processor: Processor;
  readonly currency: string;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  readonly feesMinor: number;
  /** Taken by disputes, less what came back. */
  readonly disputedMinor: number;
  /** Tax of bookings that came in, less what went back of it. */
  readonly taxMinor: number;
}

/** The money of one data region as the ledger has it. */
export interface MoneyStore {
  /** Payments without an entry are left out. */
  booksOf(processor: Processor, refs: readonly string[]): Promise<PaymentBooks[]>;
  /** Payments that something was posted of since an instant, the latest first. */
  touchedSince(query: {
    processor: Processor;
    sinceMs: EpochMs;
    limit: number;
  }): Promise<TouchedPayment[]>;
  /** Replaces what was known of the payments that were looked at. */
  recordComparison(comparison: Comparison): Promise<void>;
  /** Differences, the oldest first. */
  unmatchedOf(processor: Processor, limit: number): Promise<KnownUnmatched[]>;
  /** Counted differences: payments and absolute minor units, by processor and currency. */
  unmatchedSums(): Promise<
    {
      readonly processor: Processor;
      readonly currency: string;
      readonly amountMinor: number;
      readonly count: number;
    }[]
  >;
  /** What the ledger says of the platform's bank account, from an instant until before another. */
  bankMovements(interval: { fromMs: EpochMs; toMs: EpochMs }): Promise<BankMovement[]>;
  sums(): Promise<ProcessorSums[]>;
  /** By day (midnight UTC), of the days that begin in the interval. */
  sumsByDay(interval: {
    fromMs: EpochMs;
    toMs: EpochMs;
  }): Promise<(ProcessorSums & { readonly dayAtMs: EpochMs })[]>;
}
