/** What a hold costs: lines that say why, shares that add up, and no cent that nobody agreed to. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLAIN_TERMS, priceHold, type PriceTerms } from '../../src/domain/hold/pricing.ts';

function slots(...amounts: number[]) {
  return amounts.map((amount, index) => ({
    label: `Slot ${index + 1}`,
    price: { amount, currency: 'usd' },
  }));
}

function shares(amounts: number[], terms: Partial<PriceTerms>, quantity = 1): number[] {
  const priced = priceHold(slots(...amounts), quantity, { ...PLAIN_TERMS, ...terms });
  return priced.slots.map(({ priceMinor }) => priceMinor);
}

function slotsUsed(terms: Partial<PriceTerms>, ...amounts: number[]): number {
  const priced = priceHold(slots(...amounts), 1, { ...PLAIN_TERMS, ...terms });
  return priced.slots.filter(({ isIncluded }) => isIncluded).length;
}

function sum(parts: readonly number[]): number {
  return parts.reduce((total, part) => total + part, 0);
}

const USD_500 = { amount: 500, currency: 'usd' };

describe('the price of a hold', () => {
  test('is that of its slots for somebody without a plan, by the quantity', () => {
    expect(priceHold(slots(2_500, 999), 2)).toEqual({
      quote: {
        totalMinor: 6_998,
        currency: 'usd',
        lines: [
          { kind: 'slot', label: 'Slot 1 × 2', amount: 5_000 },
          { kind: 'slot', label: 'Slot 2 × 2', amount: 1_998 },
        ],
      },
      slots: [
        { priceMinor: 5_000, isIncluded: false, isOverage: false },
        { priceMinor: 1_998, isIncluded: false, isOverage: false },
      ],
    });
  });

  test('names what the plan takes off, pays for and adds, each on a line of its own', () => {
    const terms = { discountBps: 1_000, included: 1, overage: 1, overagePrice: USD_500 };
    expect(priceHold(slots(2_500, 1_000), 1, terms).quote).toEqual({
      totalMinor: 900 + 500,
      currency: 'usd',
      lines: [
        { kind: 'slot', label: 'Slot 1', amount: 2_500 },
        { kind: 'slot', label: 'Slot 2', amount: 1_000 },
        { kind: 'discount', label: 'Member price', amount: -350 },
        { kind: 'included', label: 'Included in the plan', amount: -2_250 },
        { kind: 'overage', label: 'Beyond the limit of the plan', amount: 500 },
      ],
    });
  });

  test.each([
    [999, 1_000, 900],
    [9, 1_000, 9],
    [10, 1_000, 9],
    [1, 9_999, 1],
    [1, 10_000, 0],
    [0, 5_000, 0],
  ])('%i less %i basis points is %i: the discount is rounded down', (amount, discountBps, net) => {
    expect(shares([amount], { discountBps })).toEqual([net]);
  });

  test('rounds the discount slot by slot, not over the sum', () => {
    expect(shares([9, 9, 9], { discountBps: 1_000 })).toEqual([9, 9, 9]);
  });

  test('takes the discount off the whole quantity of a slot', () => {
    expect(shares([999], { discountBps: 1_000 }, 3)).toEqual([2_997 - 299]);
  });

  test.each([
    [1, [1_000, 3_000, 2_000], [1_000, 0, 2_000]],
    [2, [1_000, 3_000, 2_000], [1_000, 0, 0]],
    [9, [1_000, 3_000, 2_000], [0, 0, 0]],
    [1, [2_000, 2_000], [0, 2_000]],
    [0, [2_000], [2_000]],
  ])('with %i slots included pays for the dearest of %j', (included, amounts, left) => {
    expect(shares(amounts, { included })).toEqual(left);
  });

  test('uses up no included slot on what costs nothing, with or without the discount', () => {
    expect(slotsUsed({ included: 2 }, 0, 0)).toBe(0);
    expect(slotsUsed({ included: 2 }, 0, 100)).toBe(1);
    expect(slotsUsed({ included: 2, discountBps: 10_000 }, 100)).toBe(0);
  });

  test('adds the price of the plan for each slot beyond its limit, the last of the hold', () => {
    expect(shares([100, 100, 100], { overage: 2, overagePrice: USD_500 })).toEqual([100, 600, 600]);
    expect(shares([0], { overage: 1, overagePrice: USD_500 })).toEqual([500]);
    expect(shares([100], { overage: 1, overagePrice: null })).toEqual([100]);
  });

  test('discounts and included slots never touch what lies beyond the limit', () => {
    const terms = { discountBps: 10_000, included: 9, overage: 1, overagePrice: USD_500 };
    expect(shares([2_500], terms)).toEqual([500]);
  });

  test('has no line that says nothing', () => {
    const terms = { discountBps: 1_000, included: 1, overage: 1, overagePrice: null };
    const { lines } = priceHold(slots(0), 1, terms).quote;
    expect(lines).toEqual([{ kind: 'slot', label: 'Slot 1', amount: 0 }]);
  });

  test('always adds up: lines to the total, shares to the total, and nothing below nothing', () => {
    const terms = fc.record({
      discountBps: fc.integer({ min: 0, max: 10_000 }),
      included: fc.integer({ min: 0, max: 6 }),
      overage: fc.integer({ min: 0, max: 6 }),
      overagePrice: fc.option(fc.record({ amount: fc.nat(10_000), currency: fc.constant('usd') })),
    });
    const amounts = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 9 }), terms, (given, quantity, plan) => {
        const { quote, slots: priced } = priceHold(slots(...given), quantity, plan);
        expect(sum(quote.lines.map(({ amount }) => amount))).toBe(quote.totalMinor);
        expect(sum(priced.map(({ priceMinor }) => priceMinor))).toBe(quote.totalMinor);
        expect(Math.min(...priced.map(({ priceMinor }) => priceMinor))).toBeGreaterThanOrEqual(0);
        const included = priced.filter(({ isIncluded }) => isIncluded);
        expect(included.length).toBeLessThanOrEqual(plan.included);
      }),
    );
  });
});
