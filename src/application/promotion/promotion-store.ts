/** What a promotion's object keeps: the coupon as it knows it, and its uses. Synchronous, so that nobody comes in between. */
import type { Coupon } from '../../domain/promotion/coupon.ts';
import type { Redemption } from '../../domain/promotion/redemption.ts';

export interface PromotionStore {
  coupon(): Coupon | null;
  /** Replaces what was known. The first call makes the schema. */
  saveCoupon(coupon: Coupon): void;
  /** In the order in which they were first made. */
  redemptions(): Redemption[];
  saveRedemptions(redemptions: readonly Redemption[]): void;
  forgetRedemptions(ids: readonly string[]): void;
}
