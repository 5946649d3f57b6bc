/** What a coupon changes of a price. Pure; part of a hold and of its pricing. */
import { scaled } from '../money.ts';

/** What a coupon takes off, of some services or of all (null). */
export interface CouponTerms {
  readonly label: string;
  readonly discount: { readonly percent: number } | { readonly amountMinor: number };
  readonly serviceIds: readonly string[] | null;
}

/** The terms for a part of what was sold with a coupon, by price: of an amount its share, of a percentage the same. */
export function termsForPart(
  terms: CouponTerms,
  part: { readonly partMinor: number; readonly wholeMinor: number },
): CouponTerms {
  const { discount } = terms;
  if ('percent' in discount || part.wholeMinor === 0) return terms;
  const { amountMinor } = discount;
  const shareMinor = scaled(amountMinor, { by: part.partMinor, over: part.wholeMinor });
  return { ...terms, discount: { amountMinor: shareMinor } };
}
