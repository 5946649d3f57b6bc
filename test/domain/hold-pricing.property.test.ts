/** Whatever is sold, to whom and with what tax: the lines of a price add up, and nobody pays less than nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refundDue } from '../../src/domain/booking/cancellation-policy.ts';
import type { HoldItem } from '../../src/domain/hold/hold.ts';
import { priceHold, quoteCustom, type HoldPrice } from '../../src/domain/hold/pricing.ts';
import type { PricedThing } from '../../src/domain/hold/slot-price.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';

const tax = fc.option(
  fc.record({ rateBps: fc.integer({ min: 0, max: 10_000 }), inclusive: fc.boolean() }),
);

const thing: fc.Arbitrary<PricedThing> = fc.record({
  serviceId: fc.constantFrom('svc_a', 'svc_b'),
  label: fc.constant('A slot'),
  price: fc.record({ amount: fc.nat(100_000), currency: fc.constant('usd') }),
  priceType: fc.constantFrom('fixed', 'hourly', 'custom'),
  lengthMs: fc.integer({ min: 1, max: 600 }).map((minutes) => minutes * MINUTE_MS),
  tax,
});

const coupon = fc.record({
  label: fc.constant('Coupon'),
  discount: fc.oneof(
    fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
    fc.record({ amountMinor: fc.nat(100_000) }),
  ),
  serviceIds: fc.option(fc.subarray(['svc_a', 'svc_b'])),
});

const terms = fc.record({
  discountBps: fc.integer({ min: 0, max: 10_000 }),
  included: fc.nat(6),
  overage: fc.nat(6),
  overagePrice: fc.option(fc.record({ amount: fc.nat(10_000), currency: fc.constant('usd') })),
  coupon: fc.option(coupon),
});

const things = fc.array(thing, { minLength: 1, maxLength: 6 });
const quantities = fc.integer({ min: 1, max: 9 });

function sum(parts: readonly number[]): number {
  return parts.reduce((total, part) => total + part, 0);
}

function expectWhole(
  priced: Pick<HoldPrice, 'quote'>,
  parts: readonly { priceMinor: number; taxMinor: number }[],
): void {
  const { totalMinor, lines } = priced.quote;
  expect(sum(lines.map(({ amount }) => amount))).toBe(totalMinor);
  expect(sum(parts.map(({ priceMinor }) => priceMinor))).toBe(totalMinor);
  const shown = lines.filter(({ kind }) => kind === 'tax').map(({ amount }) => amount);
  expect(sum(parts.map(({ taxMinor }) => taxMinor))).toBe(sum(shown));
  for (const { priceMinor, taxMinor } of parts) {
    expect(taxMinor).toBeGreaterThanOrEqual(0);
    expect(taxMinor).toBeLessThanOrEqual(priceMinor);
  }
}

/** What was sold of a hold, as far as its price goes. */
function itemsOf(sold: readonly PricedThing[], priced: HoldPrice): HoldItem[] {
  return sold.map((one, index) => ({
    slotId: `slt_${index}`,
    serviceId: one.serviceId,
    label: one.label,
    startAtMs: 0,
    endAtMs: one.lengthMs,
    fareId: null,
    priceMinor: priced.slots[index]?.priceMinor ?? 0,
    taxMinor: priced.slots[index]?.taxMinor ?? 0,
    tax: one.tax,
    awaitsQuote: one.priceType === 'custom',
    policy: [],
    noShowFeeMinor: null,
    commissionBps: 0,
    cancelled: null,
    resourceIds: [],
    units: [],
  }));
}

describe('a price', () => {
  test('always adds up: lines and shares to the total, taxes to their lines', () => {
    fc.assert(
      fc.property(things, quantities, terms, (sold, quantity, plan) => {
        const priced = priceHold(sold, quantity, plan);
        expectWhole(priced, priced.slots);
        const included = priced.slots.filter(({ isIncluded }) => isIncluded);
        expect(included.length).toBeLessThanOrEqual(plan.included);
        expect(priced.couponMinor).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('always adds up once its provider has quoted it, and keeps what was priced before', () => {
    fc.assert(
      fc.property(things, terms, fc.nat(100_000), (sold, plan, quotedMinor) => {
        const priced = priceHold(sold, 1, plan);
        const items = itemsOf(sold, priced);
        fc.pre(items.some(({ awaitsQuote }) => awaitsQuote));
        const quoted = quoteCustom({ items, quote: priced.quote }, quotedMinor);
        expect(quoted.items.some(({ awaitsQuote }) => awaitsQuote)).toBe(false);
        const settled = items.filter(({ awaitsQuote }) => !awaitsQuote);
        expect(quoted.items).toEqual(expect.arrayContaining(settled));
        if (plan.overagePrice === null) expectWhole(quoted, quoted.items);
      }),
    );
  });

  test('never gives back more of a slot than was paid for it, nor more tax than it had', () => {
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(things, terms, percent, (sold, plan, refundPercent) => {
        for (const { priceMinor } of priceHold(sold, 1, plan).slots) {
          const policy = [{ hoursBefore: 0, refundPercent }];
          const back = refundDue(priceMinor, { policy, startAtMs: 1, cancelledAtMs: 0 });
          expect(back).toBeLessThanOrEqual(priceMinor);
        }
      }),
    );
  });
});
