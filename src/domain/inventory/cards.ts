/**
 * Rules cards: the versioned copies of the catalogue that an inventory shard decides by.
 * The shard's copy is the truth for resources and services; D1 follows it for search.
 */
import type { Money } from '../money.ts';
import type { EpochMs } from '../time.ts';

/** One rung of a cancellation ladder: at least so many hours before the start, so many percent come back. */
export interface CancellationRung {
  readonly hoursBefore: number;
  readonly refundPercent: number;
}

/** What is added to a price, or is in it already, for the state. `rateBps` is in basis points. */
export interface TaxRule {
  readonly rateBps: number;
  /** True where the price holds the tax, false where it comes on top. */
  readonly inclusive: boolean;
}

/** A session that takes place only once enough is pledged; until then nobody is charged. */
export interface PledgeRule {
  /** Units that have to be pledged for a slot. */
  readonly minimumQuantity: number;
  /** When it is decided, before the slot's start. */
  readonly decideHoursBefore: number;
}

/** A part of a slot's capacity with a price of its own. */
export interface Fare {
  readonly id: string;
  readonly name: string;
  /** For one unit. */
  readonly price: Money;
  /** Units of the slot that are sold at this fare. */
  readonly quota: number;
}

/** Who a shard belongs to. `owners` are the user ids that may manage what it sells: owners and staff. */
export interface ProviderCard {
  readonly providerId: string;
  readonly name: string;
  readonly currency: string;
  readonly owners: readonly string[];
}

/** Something that can be claimed: exclusive (capacity 1), pooled (more), or with named units (seats). */
export interface ResourceCard {
  readonly id: string;
  readonly providerId: string;
  readonly venueId: string | null;
  readonly name: string;
  readonly kind: string;
  readonly capacity: number;
  readonly units: readonly string[] | null;
  readonly active: boolean;
  readonly version: number;
}

/** The platform's share of what is sold, in basis points, by who books; null where the rate is everybody's. */
export interface CommissionTerms {
  readonly commissionBps: number;
  /** For whoever books without an account. */
  readonly guestCommissionBps: number | null;
  /** For whoever has a plan that runs. */
  readonly memberCommissionBps: number | null;
}

/** Who books, as far as the platform's share depends on it. */
export type Booker = 'guest' | 'member' | 'customer';

/** Who books, by role and plan. A plan that opens no members' services makes a member, too: what counts is that one runs. */
export function bookerOf(roles: readonly string[], planId: string | null): Booker {
  if (roles.includes('guest')) return 'guest';
  return planId === null ? 'customer' : 'member';
}

/** The share of what this booker books. */
export function commissionFor(terms: CommissionTerms, booker: Booker): number {
  const own = {
    guest: terms.guestCommissionBps,
    member: terms.memberCommissionBps,
    customer: null,
  };
  return own[booker] ?? terms.commissionBps;
}

/** What is sold and by which rules. The nearest scope with a rate says the shares. Minutes, days and seconds are as the provider wrote them. */
export interface ServiceCard extends CommissionTerms {
  readonly id: string;
  readonly providerId: string;
  readonly venueId: string;
  readonly name: string;
  readonly description: string | null;
  readonly category: string;
  readonly subcategory: string | null;
  /** What a customer has to bring or be; for people to read. */
  readonly requirements: string | null;
  readonly tags: readonly string[];
  readonly active: boolean;
  readonly resourceIds: readonly string[];
  readonly allocation: 'any' | 'all';
  readonly durationMinutes: number;
  /** The least and the most that may be held at a time, over adjoining slots; null for no bound. */
  readonly minimumDurationMinutes: number | null;
  readonly maximumDurationMinutes: number | null;
  /** For a slot, for an hour, or none before somebody has quoted it. */
  readonly price: Money;
  readonly priceType: 'fixed' | 'hourly' | 'custom';
  /** The venue's IANA zone. */
  readonly timeZone: string;
  readonly bufferBeforeMinutes: number;
  readonly bufferAfterMinutes: number;
  readonly minimumNoticeMinutes: number;
  readonly bookingWindowDays: number;
  readonly holdTtlSeconds: number;
  readonly access: 'open' | 'subscribers';
  readonly planIds: readonly string[];
  readonly maxQuantity: number;
  readonly maxPerCustomer: number | null;
  /** Units that a customer may have of one day, by the venue's clock; null for any number. */
  readonly maxPerCustomerPerDay: number | null;
  readonly saleStartsAtMs: EpochMs | null;
  /** A booking waits for its provider's yes. */
  readonly requiresApproval: boolean;
  readonly pledge: PledgeRule | null;
  readonly cancellationPolicy: readonly CancellationRung[];
  /** What is kept of somebody who does not come; null for all that was paid. */
  readonly noShowFee: Money | null;
  /** The venue's. */
  readonly tax: TaxRule | null;
  readonly version: number;
}

/** A bookable interval. `resourceId` pins one resource; without it the service's allocation chooses. */
export interface Slot {
  readonly id: string;
  readonly serviceId: string;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly resourceId: string | null;
  /** A second, smaller limit than the resource's own; null for none. */
  readonly capacity: number | null;
  /** Overrides the service's price; null for none. */
  readonly price: Money | null;
  /** Parts of the capacity with prices of their own; null where all of it is sold at one price. */
  readonly fares: readonly Fare[] | null;
  /** The availability rule that it was made by; null where somebody published it. */
  readonly ruleId: string | null;
  readonly blockedReason: string | null;
  readonly version: number;
}
