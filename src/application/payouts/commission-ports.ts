/** What the platform's commissions need of storage. Rates are basis points; null is "not set here". */
import type { CommissionTerms } from '../../domain/inventory/cards.ts';
import type { EpochMs } from '../../domain/time.ts';

/** The rates of one scope. */
export interface CommissionRates {
  readonly anyBps: number | null;
  /** For whoever books without an account. */
  readonly guestBps: number | null;
  /** For whoever has a plan that runs. */
  readonly memberBps: number | null;
}

export type CommissionScope =
  | { readonly scope: 'global' }
  | { readonly scope: 'provider' | 'venue'; readonly id: string };

/** The rates of whoever has none of their own: each is set. */
export interface PlatformRates {
  readonly anyBps: number;
  readonly guestBps: number;
  readonly memberBps: number;
}

/** A service that is sold at other rates than these, which it should be sold at. */
export interface StaleService extends CommissionTerms {
  readonly serviceId: string;
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
   * What a venue's services are sold at, or null when there is no such venue. The venue's rates count, else the provider's,
   * else the platform's; a rate for some bookers beats the general one of its own scope, and yields to any of a nearer one.
   */
  termsOf(venueId: string, platform: PlatformRates): Promise<CommissionTerms | null>;
  /** Active services after an id whose card has other terms than their venue; of everybody where the scope is global. */
  staleServices(query: {
    readonly scope: CommissionScope;
    readonly platform: PlatformRates;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<StaleService[]>;
}
