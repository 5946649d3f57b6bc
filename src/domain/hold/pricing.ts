/**
 * What a hold costs: the slots at their price, less what the holder's plan takes off or pays for, plus what it charges
 * beyond its limit. Pure; called when a hold is placed, and never again for it.
 */
import { portion, type Money } from '../money.ts';
import type { Quote, QuoteLine } from './hold.ts';

/** A slot to be priced; the price is for one unit. */
export interface SlotPrice {
  readonly label: string;
  readonly price: Money;
}

/** What the plan changes. */
export interface PriceTerms {
  readonly discountBps: number;
  /** Slots that the plan pays for, at most. */
  readonly included: number;
  /** Slots beyond the plan's limit. */
  readonly overage: number;
  /** In the currency of the slots; null for nothing. */
  readonly overagePrice: Money | null;
}

/** The price of somebody whose plan changes nothing. */
export const PLAIN_TERMS: PriceTerms = {
  discountBps: 0,
  included: 0,
  overage: 0,
  overagePrice: null,
};

/** What one slot comes to. */
export interface PricedSlot {
  /** For the whole quantity; the slots of a hold add up to its total. */
  readonly priceMinor: number;
  readonly isIncluded: boolean;
  readonly isOverage: boolean;
}

export interface HoldPrice {
  readonly quote: Quote;
  readonly slots: readonly PricedSlot[];
}

/**
 * Prices the slots of a hold, which share one currency. The discount is rounded down slot by slot; the plan pays for
 * the dearest slots that still cost something; the last slots are those beyond the limit, at the plan's full price.
 */
export function priceHold(
  slots: readonly SlotPrice[],
  quantity: number,
  terms: PriceTerms = PLAIN_TERMS,
): HoldPrice {
  const gross = slots.map(({ price }) => price.amount * quantity);
  const discounts = gross.map((amountMinor) => portion(amountMinor, terms.discountBps));
  const net = gross.map((amountMinor, index) => amountMinor - (discounts[index] ?? 0));
  const paidByPlan = dearest(net, terms.included);
  const overageMinor = terms.overagePrice?.amount ?? 0;
  const overageFrom = slots.length - terms.overage;
  const priced = net.map((amountMinor, index): PricedSlot => {
    const isIncluded = paidByPlan.has(index);
    const isOverage = index >= overageFrom;
    const priceMinor = (isIncluded ? 0 : amountMinor) + (isOverage ? overageMinor : 0);
    return { priceMinor, isIncluded, isOverage };
  });
  const extras = [
    { kind: 'discount', label: 'Member price', amount: -sum(discounts) },
    {
      kind: 'included',
      label: 'Included in the plan',
      amount: -sum(net.filter((_, index) => paidByPlan.has(index))),
    },
    {
      kind: 'overage',
      label: 'Beyond the limit of the plan',
      amount: priced.filter(({ isOverage }) => isOverage).length * overageMinor,
    },
  ].filter(({ amount }) => amount !== 0);
  return {
    quote: {
      totalMinor: sum(priced.map(({ priceMinor }) => priceMinor)),
      currency: slots[0]?.price.currency ?? 'usd',
      lines: [
        ...slots.map((slot, index) => slotLine(slot, quantity, gross[index] ?? 0)),
        ...extras,
      ],
    },
    slots: priced,
  };
}

function slotLine({ label }: SlotPrice, quantity: number, amount: number): QuoteLine {
  return { kind: 'slot', label: quantity === 1 ? label : `${label} × ${quantity}`, amount };
}

/** The indexes of the dearest amounts, of equal ones the earlier; nothing that is free already. */
function dearest(amounts: readonly number[], count: number): ReadonlySet<number> {
  const ranked = amounts
    .map((amountMinor, index) => ({ amountMinor, index }))
    .filter(({ amountMinor }) => amountMinor > 0)
    .toSorted((a, b) => b.amountMinor - a.amountMinor || a.index - b.index);
  return new Set(ranked.slice(0, count).map(({ index }) => index));
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
