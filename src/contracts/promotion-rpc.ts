/**
 * What a coupon's object is asked and what it answers, and what crosses between it and the shards. Plain data; additions are
 * backward compatible, because a new Worker may for a while call an object that runs older code.
 */
import type { Booker } from '../domain/inventory/cards.ts';
import type { Coupon, CouponDiscount } from '../domain/promotion/coupon.ts';
import type { Refusal } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import type { GrantOutcome } from './membership-rpc.ts';

/** Somebody is about to hold with a coupon. */
export interface RedeemCommand {
  readonly providerId: string;
  /** In its normal form. */
  readonly code: string;
  readonly customerId: string;
  readonly booker: Booker;
  /** hash(caller, shard, key): names the call, so that a repeat meets the same use. */
  readonly callId: string;
  readonly shardKey: string;
}

/** A use of a coupon that is reserved for one hold. */
export interface CouponGrant {
  readonly id: string;
  /** The object that gave it and is told what became of it. */
  readonly promotion: string;
  readonly couponId: string;
  readonly code: string;
  readonly discount: CouponDiscount;
  /** What the coupon is for; null for everything of its provider. */
  readonly serviceIds: readonly string[] | null;
  /** The shard refuses the grant from this instant on, so that the coupon's object may then ask what came of it. */
  readonly validUntilMs: EpochMs;
}

/** The verdict on a coupon. The shard looks its key up first, then applies the verdict, and records a refusal as its own. */
export type CouponVerdict =
  | { readonly grant: CouponGrant; readonly refusal: null }
  | { readonly grant: null; readonly refusal: Refusal };

/** The methods of a coupon's object. */
export interface PromotionRpc {
  redeem(command: RedeemCommand): Promise<CouponVerdict>;
  /** Takes a changed coupon; an older version never replaces a newer one. */
  putCoupon(coupon: Coupon): Promise<void>;
  /** Learns what became of grants; a repeat changes nothing. */
  settle(outcomes: readonly GrantOutcome[]): Promise<void>;
  /** How often it is used now: held and booked. */
  usage(): Promise<{ readonly used: number }>;
}
