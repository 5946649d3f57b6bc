/**
 * Coupons: what they take off, of what and for whom, and when one may be used. Pure; the single writer of a coupon's uses
 * asks here, and a hold's price is worked out elsewhere.
 */
import type { Booker } from '../inventory/cards.ts';
import type { Money } from '../money.ts';
import type { Refusal } from '../result.ts';
import type { EpochMs } from '../time.ts';

/** A whole percentage from 1 to 100, or an amount for the whole hold. */
export type CouponDiscount = { readonly percent: number } | { readonly amount: Money };

export interface Coupon {
  readonly id: string;
  readonly providerId: string;
  /** In its normal form; unique for its provider. */
  readonly code: string;
  readonly isActive: boolean;
  readonly discount: CouponDiscount;
  /** Uses at a time, held and booked; null for any number. */
  readonly maxUses: number | null;
  readonly maxUsesPerCustomer: number | null;
  readonly validFromMs: EpochMs | null;
  /** The first instant at which it may not be used any more. */
  readonly validUntilMs: EpochMs | null;
  readonly serviceIds: readonly string[] | null;
  /** The people that it is for; null for everybody of the segment. */
  readonly customerIds: readonly string[] | null;
  /** The kind of people that it is for; null for all. */
  readonly segment: Booker | null;
  readonly createdAtMs: EpochMs;
  readonly version: number;
}

/** How often a coupon is used, by everybody and by the one who asks. */
export interface CouponStanding {
  readonly used: number;
  readonly usedByCustomer: number;
}

const CODE = /^[A-Z0-9][A-Z0-9_-]{2,39}$/;

/** What the name of a promotion's object begins with, as no member's id does. */
const PROMOTION_PREFIX = 'cpn:';

/** A code as it is compared: in capitals, without blanks around it; null where no coupon could have it. */
export function normalCode(text: string): string | null {
  const code = text.trim().toUpperCase();
  return CODE.test(code) ? code : null;
}

/** The name of the object that counts a coupon's uses. */
export function promotionName({ providerId, code }: { providerId: string; code: string }): string {
  return `${PROMOTION_PREFIX}${providerId}:${code}`;
}

/** The provider that a promotion's object is of; null for the name of anything else. */
export function providerOfPromotion(name: string): string | null {
  if (!name.startsWith(PROMOTION_PREFIX)) return null;
  return name.slice(PROMOTION_PREFIX.length, name.indexOf(':', PROMOTION_PREFIX.length));
}

/** One answer for all that makes a coupon unfit, so that nobody learns which codes exist. */
export const COUPON_INVALID: Refusal = {
  code: 'coupon_invalid',
  detail: 'There is no such coupon, or it is not valid now, for this or for you.',
  extra: { errors: [{ pointer: '/couponCode', detail: 'is not valid here' }] },
};

/** Why a coupon cannot be used now; null where it can. */
export function couponRefusal(
  coupon: Coupon,
  asked: { readonly customerId: string; readonly booker: Booker; readonly nowMs: EpochMs },
  standing: CouponStanding,
): Refusal | null {
  const { customerId, booker, nowMs } = asked;
  const isNow =
    (coupon.validFromMs ?? nowMs) <= nowMs && nowMs < (coupon.validUntilMs ?? nowMs + 1);
  const isForThem =
    (coupon.customerIds?.includes(customerId) ?? true) && (coupon.segment ?? booker) === booker;
  if (!coupon.isActive || !isNow || !isForThem) return COUPON_INVALID;
  const { maxUses, maxUsesPerCustomer } = coupon;
  const isUsedUp =
    (maxUses !== null && standing.used >= maxUses) ||
    (maxUsesPerCustomer !== null && standing.usedByCustomer >= maxUsesPerCustomer);
  return isUsedUp
    ? { code: 'coupon_exhausted', detail: 'The coupon has been used as often as it may be.' }
    : null;
}
