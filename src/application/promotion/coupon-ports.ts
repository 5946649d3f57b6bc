/** What the coupons' use cases need of storage. */
import type { Coupon } from '../../domain/promotion/coupon.ts';

/** What of a coupon may change; its code and what it takes off never do. */
export type CouponPatch = Partial<
  Pick<
    Coupon,
    | 'isActive'
    | 'maxUses'
    | 'maxUsesPerCustomer'
    | 'validFromMs'
    | 'validUntilMs'
    | 'serviceIds'
    | 'customerIds'
    | 'segment'
  >
>;

/** The coupons of one data region. */
export interface CouponStore {
  /** Writes those whose id and code are free, and answers those that stand under the ids, in order of id. */
  insert(coupons: readonly Coupon[]): Promise<Coupon[]>;
  byId(id: string): Promise<Coupon | null>;
  byCode(named: { providerId: string; code: string }): Promise<Coupon | null>;
  /** In order of id. */
  list(query: { providerId: string; afterId: string; limit: number }): Promise<Coupon[]>;
  /** Raises the version; null when there is no such coupon. */
  change(id: string, patch: CouponPatch): Promise<Coupon | null>;
}
