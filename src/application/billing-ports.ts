/** What plans and the push of entitlements need of storage. */
import type { Json } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';

/** One immutable version of a plan. */
export interface PlanRecord {
  readonly id: string;
  /** What stays the same over the versions of one plan. */
  readonly code: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly intervalUnit: 'day' | 'week' | 'month' | 'year';
  readonly intervalCount: number;
  readonly entitlements: { readonly [feature: string]: Json };
  readonly version: number;
  readonly status: 'draft' | 'published' | 'retired';
  readonly createdAtMs: EpochMs;
}

export type SubscriptionStatus =
  | 'incomplete'
  | 'trialing'
  | 'active'
  | 'past_due'
  | 'suspended'
  | 'paused'
  | 'cancelled'
  | 'expired';

/** A member's subscription. */
export interface SubscriptionRecord {
  readonly id: string;
  readonly userId: string;
  readonly planId: string;
  readonly status: SubscriptionStatus;
  readonly currentPeriodStartMs: EpochMs;
  readonly currentPeriodEndMs: EpochMs;
  /** The instant (ms) of the last change: it grows over all subscriptions of a member. */
  readonly entitlementVersion: number;
  /** The last version that the membership object acknowledged. */
  readonly pushedVersion: number;
  readonly createdAtMs: EpochMs;
}

/** Plans; all in the global database. */
export interface PlanStore {
  /** A repeat changes nothing: a plan's version is immutable. */
  insert(plan: PlanRecord): Promise<void>;
  byId(id: string): Promise<PlanRecord | null>;
  /** Plans on sale, oldest first. */
  published(): Promise<PlanRecord[]>;
  /** Names for the ids that exist, for a refusal that tells which plans would do. */
  namesOf(ids: readonly string[]): Promise<{ id: string; name: string }[]>;
}

/** Subscriptions of one data region. */
export interface SubscriptionStore {
  /** A repeat changes nothing. */
  insert(subscription: SubscriptionRecord): Promise<void>;
  byId(id: string): Promise<SubscriptionRecord | null>;
  /** The member's live subscription, of which there is at most one. */
  liveOf(userId: string): Promise<SubscriptionRecord | null>;
  markPushed(id: string, version: number): Promise<void>;
  /** Ids after `afterId` whose entitlements the membership object has not acknowledged. */
  unpushed(afterId: string, limit: number): Promise<string[]>;
}
