/**
 * What a hold costs: the slots at their price, less what the holder's plan takes off or pays for, less a coupon, plus what
 * the plan charges beyond its limit, with the tax of each slot. Pure; called when a hold is placed, and never again for
 * it. What is quoted by its provider is priced here too, once it is.
 */
import { allocate, portion, type Money } from '../money.ts';
import type { CouponTerms } from './coupon-terms.ts';
import type { HoldItem, Quote, QuoteLine } from './hold.ts';
import { grossOf, type PricedThing } from './slot-price.ts';
import { isTaxLine, taxed, taxLines, type TaxedPrice } from './tax.ts';

/** What the plan changes. */
export interface PriceTerms {
  readonly discountBps: number;
  /** Slots that the plan pays for, at most. */
  readonly included: number;
  /** Slots beyond the plan's limit. */
  readonly overage: number;
  /** In the currency of the slots; null for nothing. */
  readonly overagePrice: Money | null;
  readonly coupon: CouponTerms | null;
}

/** The price of somebody whose plan changes nothing. */
export const PLAIN_TERMS: PriceTerms = {
  discountBps: 0,
  included: 0,
  overage: 0,
  overagePrice: null,
  coupon: null,
};

/** What one slot comes to, for the whole quantity; the slots of a hold add up to its total. */
export interface PricedSlot extends TaxedPrice {
  readonly isIncluded: boolean;
  readonly isOverage: boolean;
}

export interface HoldPrice {
  readonly quote: Quote;
  readonly slots: readonly PricedSlot[];
  /** What the coupon took off. */
  readonly couponMinor: number;
}

/**
 * Prices the slots of a hold, which share one currency. The discount is rounded down slot by slot; the plan pays for
 * the dearest slots that still cost something; a coupon takes off what is left of the services that it is for; the last
 * slots are those beyond the limit, at the plan's full price; tax comes last.
 */
export function priceHold(
  things: readonly PricedThing[],
  quantity: number,
  terms: PriceTerms = PLAIN_TERMS,
): HoldPrice {
  const gross = grossOf(things, quantity);
  const discounts = gross.map((amountMinor) => portion(amountMinor, terms.discountBps));
  const net = minus(gross, discounts);
  const paidByPlan = dearest(net, terms.included);
  const included = net.map((amountMinor, index) => (paidByPlan.has(index) ? amountMinor : 0));
  const left = minus(net, included);
  const couponed = couponOff(things, left, terms.coupon);
  const overageMinor = terms.overagePrice?.amount ?? 0;
  const overageFrom = things.length - terms.overage;
  const slots = minus(left, couponed).map((amountMinor, index): PricedSlot => {
    const isOverage = index >= overageFrom;
    const dueMinor = amountMinor + (isOverage ? overageMinor : 0);
    const tax = things[index]?.tax ?? null;
    return { ...taxed(dueMinor, tax), isIncluded: paidByPlan.has(index), isOverage };
  });
  const couponMinor = sum(couponed);
  const extras = [
    { kind: 'discount', label: 'Member price', amount: -sum(discounts) },
    { kind: 'included', label: 'Included in the plan', amount: -sum(included) },
    { kind: 'coupon', label: terms.coupon?.label ?? '', amount: -couponMinor },
    {
      kind: 'overage',
      label: 'Beyond the limit of the plan',
      amount: slots.filter(({ isOverage }) => isOverage).length * overageMinor,
    },
  ].filter(({ amount }) => amount !== 0);
  const taxes = slots.map(({ taxMinor }, index) => ({ taxMinor, tax: things[index]?.tax ?? null }));
  const lines = things.map((thing, index) => slotLine(thing, quantity, gross[index] ?? 0));
  return {
    quote: {
      totalMinor: sum(slots.map(({ priceMinor }) => priceMinor)),
      currency: things[0]?.price.currency ?? 'usd',
      lines: [...lines, ...extras, ...taxLines(taxes)],
    },
    slots,
    couponMinor,
  };
}

/** What is sold, as far as its price goes. */
export type PricedSale = { readonly items: readonly HoldItem[]; readonly quote: Quote };

/**
 * The sale at the price that its provider asks for what was to be quoted, shared out by length; the tax of the venue comes
 * on top or is in it, as agreed when it was asked for. Everything else of the sale stays as it was priced.
 */
export function quoteCustom({ items, quote }: PricedSale, quotedMinor: number): PricedSale {
  const open = items.filter(({ awaitsQuote }) => awaitsQuote);
  const shares = allocate(
    quotedMinor,
    open.map(({ startAtMs, endAtMs }) => endAtMs - startAtMs),
  );
  const shareOf = new Map(open.map((item, index) => [item, shares[index] ?? 0]));
  const priced = items.map((item): HoldItem => {
    const share = shareOf.get(item);
    return share === undefined ? item : { ...item, ...taxed(share, item.tax), awaitsQuote: false };
  });
  let next = 0;
  const lines = quote.lines
    .filter((line) => !isTaxLine(line))
    .map((line): QuoteLine => {
      if (line.kind !== QUOTED_LATER) return line;
      return { kind: 'slot', label: line.label, amount: shares[next++] ?? 0 };
    });
  return {
    items: priced,
    quote: {
      ...quote,
      totalMinor: sum(priced.map(({ priceMinor }) => priceMinor)),
      lines: [...lines, ...taxLines(priced)],
    },
  };
}

/** The kind of a line whose price its provider has yet to name. */
const QUOTED_LATER = 'quoted_later';

function slotLine({ label, priceType }: PricedThing, quantity: number, amount: number): QuoteLine {
  const kind = priceType === 'custom' ? QUOTED_LATER : 'slot';
  return { kind, label: quantity === 1 ? label : `${label} × ${quantity}`, amount };
}

/** What a coupon takes off each: a percentage rounded down slot by slot, an amount shared out over what it is for. */
function couponOff(
  things: readonly PricedThing[],
  left: readonly number[],
  coupon: CouponTerms | null,
): number[] {
  const none = left.map(() => 0);
  if (coupon === null) return none;
  const { discount, serviceIds } = coupon;
  const open = left.map((amountMinor, index) =>
    serviceIds === null || serviceIds.includes(things[index]?.serviceId ?? '') ? amountMinor : 0,
  );
  if ('percent' in discount) return open.map((minor) => portion(minor, discount.percent * 100));
  const total = sum(open);
  return total === 0 ? none : allocate(Math.min(discount.amountMinor, total), open);
}

/** The indexes of the dearest amounts, of equal ones the earlier; nothing that is free already. */
function dearest(amounts: readonly number[], count: number): ReadonlySet<number> {
  const ranked = amounts
    .map((amountMinor, index) => ({ amountMinor, index }))
    .filter(({ amountMinor }) => amountMinor > 0)
    .toSorted((a, b) => b.amountMinor - a.amountMinor || a.index - b.index);
  return new Set(ranked.slice(0, count).map(({ index }) => index));
}

function minus(amounts: readonly number[], less: readonly number[]): number[] {
  return amounts.map((amount, index) => amount - (less[index] ?? 0));
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
