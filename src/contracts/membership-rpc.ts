/**
 * What a member's object is asked and what it answers, and what crosses between it, billing and the shards. Plain data;
 * additions are backward compatible, because a new Worker may for a while call an object that runs older code.
 */
import type { Money } from '../domain/money.ts';
import type { Json, Refusal } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';

/** How much of a member's counted limits a hold takes. */
export interface QuotaUses {
  /** Slots held, each of which counts against `bookings.perPeriod`. */
  readonly bookings: number;
  readonly minutes: number;
  /** Slots that the plan pays for. */
  readonly included: number;
  /** Slots beyond `bookings.perPeriod`, which cost `overage.price` each. */
  readonly overage: number;
  /** People beyond the member, over all slots of a members' service. */
  readonly guestPasses: number;
}

/** A durable reservation of counted limits at Membership: the most that the hold may take. */
export interface QuotaGrant {
  /** Begins with hash(caller, shard, key): a repeat of the call meets the same reservation. */
  readonly id: string;
  readonly memberId: string;
  /** The shard refuses the grant from this instant on, so that Membership may then ask what came of it. */
  readonly validUntilMs: EpochMs;
  readonly uses: QuotaUses;
  /** False where guest passes are not counted. */
  readonly countsGuests: boolean;
  /** What each slot beyond the limit costs; null where `uses.overage` is 0. */
  readonly overagePrice: Money | null;
}

/** What a member's plan changes about a hold, on open services too. */
export interface MemberBenefits {
  /** Replaces the service's booking window; null leaves it as it is. */
  readonly windowDays: number | 'unlimited' | null;
  /** How long before the general sale this member may hold; null for any time before. */
  readonly earlyAccessMinutes: number | null;
  /** Categories of members' services that the plan opens; null for all. */
  readonly categories: readonly string[] | null;
  readonly discountBps: number;
}

/** Membership's verdict on one hold. The shard looks its key up first, then applies the verdict. */
export interface AccessVerdict {
  /** `access.members` of a plan that runs now. */
  readonly isMember: boolean;
  readonly planId: string | null;
  readonly benefits: MemberBenefits | null;
  readonly grant: QuotaGrant | null;
  /** A limit that forbids the hold; the shard records it under the key as its own refusal. */
  readonly refusal: Refusal | null;
}

/** What became of a grant, as its shard knows: never used, held, kept by a booking, or given back. */
export interface GrantOutcome {
  readonly grantId: string;
  readonly state: 'unknown' | 'held' | 'kept' | 'returned';
  /** What was taken in the end, never more than was granted; null where the grant is unknown. */
  readonly uses: QuotaUses | null;
}

/** An outcome that a member's object has to learn. */
export interface QuotaNotice {
  /** Position in the shard's outbox of notices. */
  readonly seq: number;
  /** Whose object has to learn it: a member's id, or the name of a promotion. */
  readonly memberId: string;
  readonly outcome: GrantOutcome;
}

/** What one subscription lets a member do, pushed by billing. */
export interface Entitlements {
  readonly memberId: string;
  readonly subscriptionId: string;
  /** A member has at most one subscription per group; a newer one of the group takes the place of an older. */
  readonly group: string;
  readonly planId: string | null;
  readonly planName: string | null;
  readonly features: { readonly [feature: string]: Json };
  /** The currency of `overage.price`. */
  readonly currency: string;
  /** The period whose uses are counted together; after its end the next one begins. */
  readonly periodStartMs: EpochMs;
  readonly periodEndMs: EpochMs;
  /** The instant from which on the plan grants nothing: paid time and grace are over. */
  readonly validUntilMs: EpochMs;
  readonly version: number;
}

/** A signed-in customer is about to hold. */
export interface AdmitCommand {
  readonly memberId: string;
  /** hash(caller, shard, key): names the call. */
  readonly grantId: string;
  readonly shardKey: string;
  readonly slots: number;
  /** People beyond the first, over all slots. */
  readonly guests: number;
  /** Null until a plan that counts minutes asks for them. */
  readonly minutes: number | null;
  /** Live holds that one principal may have over all shards. */
  readonly holdBudget: number;
}

/** measure: ask the shard how many minutes the slots have, and come again. Nothing was reserved. */
export type AdmitReply =
  | { readonly kind: 'verdict'; readonly verdict: AccessVerdict }
  | { readonly kind: 'measure' };

/** What a member may do and has done, for `GET /v1/me/entitlements`. */
export interface MembershipUsage {
  readonly memberships: readonly {
    readonly entitlements: Entitlements;
    readonly used: { readonly [feature: string]: number };
  }[];
}

/** The methods of a membership object. */
export interface MembershipRpc {
  /** Takes what billing pushed; an older version never replaces a newer one. */
  putEntitlements(entitlements: Entitlements): Promise<void>;
  admit(command: AdmitCommand): Promise<AdmitReply>;
  /** What the member's plan changes about what takes nothing more of its limits; nothing is reserved. */
  standing(): Promise<AccessVerdict>;
  /** Learns what became of grants; a repeat changes nothing. */
  settle(outcomes: readonly GrantOutcome[]): Promise<void>;
  usage(): Promise<MembershipUsage>;
}
