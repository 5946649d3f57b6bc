/** What the platform's commissions need of storage. Rates are basis points; null is "not set here". */
import type { EpochMs } from '../../domain/time.ts';

/** The rates of one scope. */
export interface CommissionRates {
  readonly anyBps: number | null;
  /** For whoever pays without an account. */
  readonly guestBps: number | null;
  /** For whoever has one. */
  readonly memberBps: number | null;
}

export type CommissionScope =
  | { readonly scope: 'global' }
  | { readonly scope: 'provider' | 'venue'; readonly id: string };

/** A service that is sold at another rate than it should be. */
export interface StaleService {
  readonly serviceId: string;
  readonly commissionBps: number;
}

/** The commissions of one data region; the global rates are in the global one alone. */
export interface CommissionStore {
  rates(scope: CommissionScope): Promise<CommissionRates | null>;
  /** Writes the rates of a scope; false when there is no such provider or venue. */
  save(
    scope: CommissionScope,
    rates: CommissionRates,
    change: { readonly actor: string; readonly atMs: EpochMs },
  ): Promise<boolean>;
  /**
   * Active services after an id whose card has another rate than the venue's, else the provider's, else the platform's;
   * of everybody where the scope is global.
   */
  staleServices(query: {
    readonly scope: CommissionScope;
    readonly platformBps: number;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<StaleService[]>;
}
