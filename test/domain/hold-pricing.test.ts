/** What a hold costs: lines that say why, shares that add up, and no cent that nobody agreed to. */
import { describe, expect, test } from 'vitest';
import { PLAIN_TERMS, priceHold, type PriceTerms } from '../../src/domain/hold/pricing.ts';
import type { PricedThing } from '../../src/domain/hold/slot-price.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';

function slots(...amounts: number[]): PricedThing[] {
  return amounts.map((amount, index) => thing(amount, { label: `Slot ${index + 1}` }));
}

function thing(amount: number, overrides: Partial<PricedThing> = {}): PricedThing {
  return {
    serviceId: 'svc_hour',
    label: 'Slot',
    price: { amount, currency: 'usd' },
    priceType: 'fixed',
    lengthMs: HOUR_MS,
    tax: null,
    ...overrides,
  };
}

/** Slots of a service that is sold by the hour. */
function hours(amount: number, ...minutes: number[]): PricedThing[] {
  return minutes.map((length) =>
    thing(amount, { priceType: 'hourly', lengthMs: length * MINUTE_MS }),
  );
}

function shares(amounts: number[], terms: Partial<PriceTerms>, quantity = 1): number[] {
  const priced = priceHold(slots(...amounts), quantity, { ...PLAIN_TERMS, ...terms });
  return priced.slots.map(({ priceMinor }) => priceMinor);
}

function slotsUsed(terms: Partial<PriceTerms>, ...amounts: number[]): number {
  const priced = priceHold(slots(...amounts), 1, { ...PLAIN_TERMS, ...terms });
  return priced.slots.filter(({ isIncluded }) => isIncluded).length;
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
        { priceMinor: 5_000, taxMinor: 0, isIncluded: false, isOverage: false },
        { priceMinor: 1_998, taxMinor: 0, isIncluded: false, isOverage: false },
      ],
      couponMinor: 0,
    });
  });

  test('names what the plan takes off, pays for and adds, each on a line of its own', () => {
    const terms = {
      ...PLAIN_TERMS,
      discountBps: 1_000,
      included: 1,
      overage: 1,
      overagePrice: USD_500,
    };
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
    const terms = { ...PLAIN_TERMS, discountBps: 1_000, included: 1, overage: 1 };
    const { lines } = priceHold(slots(0), 1, terms).quote;
    expect(lines).toEqual([{ kind: 'slot', label: 'Slot 1', amount: 0 }]);
  });

  test.each([
    [2_000, [60], [2_000]],
    [2_500, [30], [1_250]],
    [2_501, [30], [1_251]],
    [1_000, [20, 20, 20], [334, 333, 333]],
    [1_000, [90, 30], [1_500, 500]],
    [1, [29], [0]],
    [1, [30], [1]],
    [999, [60, 60, 60], [999, 999, 999]],
  ])(
    'at %i an hour, %j minutes come to %j: rounded once, a half up',
    (price, minutes, expected) => {
      const priced = priceHold(hours(price, ...minutes), 1);
      expect(priced.slots.map(({ priceMinor }) => priceMinor)).toEqual(expected);
    },
  );

  test('of hours is by the quantity, and apart for each price', () => {
    const priced = priceHold([...hours(1_001, 30), ...hours(999, 30)], 2);
    expect(priced.slots.map(({ priceMinor }) => priceMinor)).toEqual([1_001, 999]);
  });

  test('says that what is quoted later costs nothing yet', () => {
    expect(priceHold([thing(9_900, { priceType: 'custom', label: 'A wedding' })], 1).quote).toEqual(
      {
        totalMinor: 0,
        currency: 'usd',
        lines: [{ kind: 'quoted_later', label: 'A wedding', amount: 0 }],
      },
    );
  });

  test('puts tax on top, slot by slot, with one line for each rate', () => {
    const tax = { rateBps: 825, inclusive: false };
    const priced = priceHold([thing(999, { tax }), thing(999, { tax })], 1);
    expect(priced.slots.map(({ priceMinor, taxMinor }) => [priceMinor, taxMinor])).toEqual([
      [1_081, 82],
      [1_081, 82],
    ]);
    expect(priced.quote.lines.slice(2)).toEqual([{ kind: 'tax', label: 'Tax 8.25%', amount: 164 }]);
  });

  test('takes a tax that is in the price out of it before it is shown', () => {
    const tax = { rateBps: 2_000, inclusive: true };
    const priced = priceHold([thing(1_200, { tax })], 1);
    expect(priced).toMatchObject({ slots: [{ priceMinor: 1_200, taxMinor: 200 }] });
    expect(priced.quote.lines.slice(1)).toEqual([
      { kind: 'tax_included', label: 'Less tax in the prices above', amount: -200 },
      { kind: 'tax', label: 'Tax 20%', amount: 200 },
    ]);
  });

  test.each([
    ['a percentage', { percent: 10 }, [900, 450, 500], 149],
    ['an amount', { amountMinor: 300 }, [799, 400, 500], 300],
    ['more than there is', { amountMinor: 9_999 }, [0, 0, 500], 1_499],
  ])('takes %s off the services of a coupon alone', (...[, discount, expected, off]) => {
    const things = [thing(999), thing(500), thing(500, { serviceId: 'svc_other' })];
    const coupon = { label: 'Coupon', discount, serviceIds: ['svc_hour'] };
    const priced = priceHold(things, 1, { ...PLAIN_TERMS, coupon });
    expect(priced.slots.map(({ priceMinor }) => priceMinor)).toEqual(expected);
    expect(priced.couponMinor).toBe(off);
  });

  test('takes a coupon off after the plan, and before what lies beyond its limit and the tax', () => {
    const coupon = { label: 'Half', discount: { percent: 50 }, serviceIds: null };
    const terms = { discountBps: 1_000, included: 0, overage: 1, overagePrice: USD_500, coupon };
    const priced = priceHold(
      [thing(1_000, { tax: { rateBps: 1_000, inclusive: false } })],
      1,
      terms,
    );
    expect(priced.quote).toEqual({
      totalMinor: 1_045,
      currency: 'usd',
      lines: [
        { kind: 'slot', label: 'Slot', amount: 1_000 },
        { kind: 'discount', label: 'Member price', amount: -100 },
        { kind: 'coupon', label: 'Half', amount: -450 },
        { kind: 'overage', label: 'Beyond the limit of the plan', amount: 500 },
        { kind: 'tax', label: 'Tax 10%', amount: 95 },
      ],
    });
  });
});
