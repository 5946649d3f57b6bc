/** What a coupon changes of a hold: whether it is let in, what it takes off, and what the hold remembers of it. Synchronous. */
import type { CouponVerdict } from '../contracts/promotion-rpc.ts';
import type { HoldCoupon } from '../domain/hold/hold.ts';
import type { CouponTerms } from '../domain/hold/coupon-terms.ts';
import { COUPON_INVALID } from '../domain/promotion/coupon.ts';
import type { Refusal } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';

/** What the coupon takes off the price; null where there is none. */
export function couponTermsOf(verdict: CouponVerdict | null): CouponTerms | null {
  const grant = verdict?.grant ?? null;
  if (grant === null) return null;
  const { discount, serviceIds, code } = grant;
  return {
    label: `Coupon ${code}`,
    discount: 'percent' in discount ? discount : { amountMinor: discount.amount.amount },
    serviceIds,
  };
}

/** The coupon does not fit: its object said so, or it takes nothing off of what is held. */
export function unfitCoupon(verdict: CouponVerdict | null, couponMinor: number): Refusal | null {
  if (verdict === null) return null;
  if (verdict.refusal?.code === 'coupon_invalid') return verdict.refusal;
  return verdict.grant !== null && couponMinor === 0 ? COUPON_INVALID : null;
}

/** The coupon fits and cannot be used: used up, or its use was reserved too long ago. */
export function unusableCoupon(verdict: CouponVerdict | null, nowMs: EpochMs): Refusal | null {
  if (verdict === null) return null;
  if (verdict.grant === null) return verdict.refusal;
  if (nowMs < verdict.grant.validUntilMs) return null;
  return {
    code: 'overloaded',
    detail: 'The call took too long on its way; try again.',
    extra: { retryAfterSeconds: 1 },
  };
}

/** The use as the hold keeps it. */
export function heldCoupon(verdict: CouponVerdict | null): HoldCoupon | null {
  const grant = verdict?.grant ?? null;
  const terms = couponTermsOf(verdict);
  if (grant === null || terms === null) return null;
  const { id, promotion, couponId, code } = grant;
  return { grantId: id, memberId: promotion, state: 'held', couponId, code, terms };
}
