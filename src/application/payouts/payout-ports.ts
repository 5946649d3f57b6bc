/**
 * What payouts need of storage, and what every use case of payouts runs on. A payout lives in the database of its
 * provider's region; a write names the version that it follows, so that of two writers one is told no.
 */
import type { DataRegion } from '../../domain/ids.ts';
import type { Processor } from '../../domain/payment/processor-reply.ts';
import type { Payout, PayoutSettings } from '../../domain/payout/payout.ts';
import type { PayoutState } from '../../domain/payout/payout-machine.ts';
import type { Recovery, StatedLine } from '../../domain/payout/recovery.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { CatalogueStores } from '../catalogue-ports.ts';
import type { LedgerStore, LedgerTransaction } from '../ledger-ports.ts';
import type { Clock, IdCodec, Logger, PayoutGateway } from '../ports.ts';

/** Where a provider is paid out to. */
export interface PayoutAccount {
  readonly providerId: string;
  readonly processor: Processor;
  /** The processor's id of the account; null while no answer has named it. */
  readonly ref: string | null;
  /** What was last asked for and may have been opened; null after a definite no. */
  readonly country: string | null;
  /** Counts the keys of openings; a new one only after a definite no. */
  readonly keySeq: number;
  readonly isReady: boolean;
  /** What the processor still wants, in its own words. */
  readonly missing: readonly string[];
  readonly checkedAtMs: EpochMs;
}

/** Who moved a payout from which state, for its history. */
export interface PayoutMove {
  readonly from: PayoutState | null;
  readonly actor: string;
  readonly atMs: EpochMs;
}

/** The payouts of one data region. */
export interface PayoutStore {
  /**
   * Writes it with the postings that it states. False when the period has a payout that did not come to nothing, or the
   * provider has a live one in the currency.
   */
  insert(payout: Payout, move: PayoutMove): Promise<boolean>;
  /**
   * Writes the next version; false when it is not the next one any more. `move` is null where the state stays. The recovery
   * that the payout's reversal is for moves with it, or not at all.
   */
  save(payout: Payout, move: PayoutMove | null, recovery?: Recovery | null): Promise<boolean>;
  byId(id: string): Promise<Payout | null>;
  /** The live payout of a provider in a currency. */
  live(providerId: string, currency: string): Promise<Payout | null>;
  /** All of a period, in their sequence. */
  ofPeriod(period: {
    readonly providerId: string;
    readonly currency: string;
    readonly name: string;
  }): Promise<Payout[]>;
  /** The newest of a provider in a currency. */
  latest(providerId: string, currency: string): Promise<Payout | null>;
  /** Payouts of which something is to be done, now or later, and that nobody is at work on, by id. */
  unsettled(query: {
    readonly nowMs: EpochMs;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<Payout[]>;
  /** A provider's payouts, newest first. */
  list(query: {
    readonly providerId: string;
    readonly before: { readonly createdAtMs: EpochMs; readonly id: string } | null;
    readonly limit: number;
  }): Promise<Payout[]>;
  /** Payouts that operators pay by bank, of a period, by id. */
  manualOf(query: {
    readonly period: string;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<Payout[]>;
  /** True while it is not known what a reversal of the provider's brought back. */
  isReversing(providerId: string, currency: string): Promise<boolean>;
  recovery(id: string): Promise<Recovery | null>;
  /** Recoveries that nothing was decided of, provider by provider. */
  openRecoveries(query: {
    readonly after: { readonly providerId: string; readonly id: string };
    readonly limit: number;
  }): Promise<Recovery[]>;
  /** Writes that an open recovery is carried; false when it is not open any more. */
  carryRecovery(recovery: Recovery): Promise<boolean>;
  /** What the ledger has of a booking on its provider's account, and which payouts state it. */
  statedOf(recovery: Pick<Recovery, 'bookingId' | 'providerId'>): Promise<StatedLine[]>;
  account(providerId: string): Promise<PayoutAccount | null>;
  saveAccount(account: PayoutAccount): Promise<void>;
  /** Null where nothing but the defaults was ever set. */
  settings(providerId: string): Promise<PayoutSettings | null>;
  saveSettings(providerId: string, settings: PayoutSettings): Promise<void>;
}

/** What a provider earned in one currency, since the beginning. Positive amounts, but for what is owed. */
export interface ProviderTotals {
  readonly currency: string;
  /** What customers paid for the provider's services, less what went back to them. */
  readonly earnedMinor: number;
  /** What the platform keeps of it. */
  readonly takenMinor: number;
  /** How much of what was earned is tax, which the provider has to pay. */
  readonly taxMinor: number;
  /** Transferred, less what was reversed. */
  readonly paidOutMinor: number;
  /** The rest; negative when the provider owes. */
  readonly owedMinor: number;
}

/** One transaction of the ledger as it touched a provider. */
export interface ProviderLine {
  readonly id: string;
  readonly kind: LedgerTransaction['kind'];
  readonly currency: string;
  /** Positive where it is owed to the provider. */
  readonly amountMinor: number;
  readonly bookingId: string | null;
  readonly payoutId: string | null;
  readonly atMs: EpochMs;
  readonly availableFromMs: EpochMs;
}

/** What statements read of the ledger of one region. */
export interface ProviderLedger {
  totals(providerId: string): Promise<ProviderTotals[]>;
  /** Newest first. */
  lines(query: ProviderLinesQuery): Promise<ProviderLine[]>;
  /** Those that a payout states, newest first. */
  linesOfPayout(query: ProviderLinesQuery & { readonly payoutId: string }): Promise<ProviderLine[]>;
  /** The sum of all that a payout states. */
  statedMinor(payoutId: string): Promise<number>;
}

export interface ProviderLinesQuery {
  readonly providerId: string;
  readonly before: { readonly atMs: EpochMs; readonly id: string } | null;
  readonly limit: number;
}

export interface PayoutDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly ids: IdCodec;
  /** Null where no processor pays out. */
  readonly gateway: PayoutGateway | null;
  payouts(region: DataRegion): PayoutStore;
  ledger(region: DataRegion): Pick<LedgerStore, 'post' | 'payable' | 'providersWithBalance'>;
  statements(region: DataRegion): ProviderLedger;
  catalogue(region: DataRegion): Pick<CatalogueStores, 'providers'>;
}
