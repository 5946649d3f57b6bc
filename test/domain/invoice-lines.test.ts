/** What documents say they cost: lines that add up, no negative total, and no minor unit that comes or goes by itself. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  billChange,
  billPeriod,
  grossMinor,
  taxInside,
  unusedMinor,
  type Bill,
} from '../../src/domain/subscription/invoice-lines.ts';
import { DAY_MS, SECOND_MS } from '../../src/domain/time.ts';
import { plan } from './billing-fixture.ts';

const START_MS = Date.parse('2026-11-01T00:00:00Z');
const NOVEMBER = { startMs: START_MS, endMs: START_MS + 30 * DAY_MS };

const price = fc.integer({ min: 0, max: 10 ** 9 });
const credit = fc.integer({ min: 0, max: 10 ** 9 });
const tax = fc.record({ rateBps: fc.integer({ min: 0, max: 10_000 }), inclusive: fc.boolean() });
const interval = fc.constantFrom(
  { unit: 'month', count: 1 } as const,
  { unit: 'year', count: 1 } as const,
);
const terms = fc
  .record({ priceMinor: price, tax, interval })
  .map((values) => plan({ name: 'Club', ...values }));
const period = fc
  .record({
    startMs: fc.integer({ min: 0, max: 10 ** 12 }),
    lengthMs: fc.integer({ min: 1, max: 400 * DAY_MS }),
    // Before the beginning and after the end too: the clock may be anywhere.
    share: fc.double({ min: -0.2, max: 1.2, noNaN: true }),
  })
  .map(({ startMs, lengthMs, share }) => ({
    startMs,
    endMs: startMs + lengthMs,
    nowMs: startMs + Math.round(lengthMs * share),
  }));

function sumOf({ lines }: Bill): number {
  return lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
}

function expectSound(bill: Bill, creditMinor: number): void {
  expect(sumOf(bill)).toBe(bill.totalMinor);
  expect(bill.totalMinor).toBeGreaterThanOrEqual(0);
  expect(bill.creditUsedMinor).toBeLessThanOrEqual(creditMinor);
  expect(bill.creditUsedMinor).toBeGreaterThanOrEqual(0);
  expect(bill.taxMinor).toBeGreaterThanOrEqual(0);
  expect(bill.taxMinor).toBeLessThanOrEqual(bill.totalMinor);
  // Whatever the lines come to is paid, or taken from the credit, or given to it.
  const net = bill.lines
    .filter(({ kind }) => kind !== 'credit')
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  expect(bill.totalMinor + bill.creditUsedMinor - bill.creditGivenMinor).toBe(net);
  expect(Math.min(bill.creditUsedMinor, bill.creditGivenMinor)).toBe(0);
}

describe('any bill', () => {
  it('of a period adds up, is never negative, and uses no more credit than there is', () => {
    fc.assert(
      fc.property(terms, credit, (sold, creditMinor) => {
        const bill = billPeriod(sold, creditMinor);
        expectSound(bill, creditMinor);
        expect(bill.creditGivenMinor).toBe(0);
        expect(bill.creditUsedMinor).toBe(Math.min(creditMinor, grossMinor(sold)));
      }),
    );
  });

  it('of a change adds up, is never negative, and gives exactly what would be negative as credit', () => {
    fc.assert(
      fc.property(fc.record({ from: terms, to: terms }), period, credit, (change, when, owed) => {
        expectSound(billChange(change, when, owed), owed);
      }),
    );
  });
});

describe('the bill of a period', () => {
  it('is the price, where that holds the tax', () => {
    const sold = plan({ priceMinor: 11_900, tax: { rateBps: 1_900, inclusive: true } });
    expect(billPeriod(sold, 0)).toEqual({
      lines: [{ kind: 'period', label: 'Club', amountMinor: 11_900 }],
      taxMinor: 1_900,
      totalMinor: 11_900,
      creditUsedMinor: 0,
      creditGivenMinor: 0,
    });
  });

  it('is the price and the tax, where that comes on top', () => {
    const sold = plan({ priceMinor: 10_000, tax: { rateBps: 1_900, inclusive: false } });
    expect(billPeriod(sold, 0)).toMatchObject({
      lines: [
        { kind: 'period', amountMinor: 10_000 },
        { kind: 'tax', amountMinor: 1_900 },
      ],
      taxMinor: 1_900,
      totalMinor: 11_900,
    });
  });

  it('is nothing where the credit covers it, and the rest of the credit stays', () => {
    expect(billPeriod(plan({ priceMinor: 3_000 }), 5_000)).toMatchObject({
      totalMinor: 0,
      creditUsedMinor: 3_000,
    });
  });

  it('of a free plan is nothing and uses no credit', () => {
    expect(billPeriod(plan({ priceMinor: 0 }), 5_000)).toMatchObject({
      totalMinor: 0,
      creditUsedMinor: 0,
    });
  });
});

describe('the bill of a change', () => {
  const monthly = plan({ priceMinor: 3_000 });
  const dearer = plan({ name: 'Gold', priceMinor: 9_000 });
  const yearly = plan({ priceMinor: 30_000, interval: { unit: 'year', count: 1 } });
  const nowMs = START_MS + 10 * DAY_MS;

  it('to a dearer plan is the difference for the days that are left', () => {
    const bill = billChange({ from: monthly, to: dearer }, { ...NOVEMBER, nowMs }, 0);
    expect(bill).toMatchObject({
      lines: [
        { kind: 'unused', label: 'Unused time of Club', amountMinor: -2_000 },
        { kind: 'remaining', label: 'Gold from now on', amountMinor: 6_000 },
      ],
      totalMinor: 4_000,
    });
  });

  it('to a cheaper plan is nothing, and the difference is credit', () => {
    const bill = billChange({ from: dearer, to: monthly }, { ...NOVEMBER, nowMs }, 100);
    expect(bill).toMatchObject({ totalMinor: 0, creditUsedMinor: 0, creditGivenMinor: 4_000 });
  });

  it('to another interval is a whole new period less what is left of the old one', () => {
    const bill = billChange({ from: monthly, to: yearly }, { ...NOVEMBER, nowMs }, 0);
    expect(bill.totalMinor).toBe(28_000);
  });

  it('takes credit off before it asks for money', () => {
    const bill = billChange({ from: monthly, to: dearer }, { ...NOVEMBER, nowMs }, 1_500);
    expect(bill).toMatchObject({ totalMinor: 2_500, creditUsedMinor: 1_500 });
  });

  it('to the same price costs nothing at any moment', () => {
    fc.assert(
      fc.property(price, period, (priceMinor, when) => {
        const from = plan({ priceMinor });
        const to = plan({ priceMinor, name: 'Other' });
        expect(billChange({ from, to }, when, 0).totalMinor).toBe(0);
      }),
    );
  });

  it('there and back gives back what it took', () => {
    fc.assert(
      fc.property(price, price, period, (one, two, when) => {
        const [from, to] = [plan({ priceMinor: one }), plan({ priceMinor: two })];
        const there = billChange({ from, to }, when, 0);
        const back = billChange({ from: to, to: from }, when, there.creditGivenMinor);
        const paid = there.totalMinor + back.totalMinor;
        const kept = there.creditGivenMinor - back.creditUsedMinor + back.creditGivenMinor;
        expect(paid - kept).toBe(0);
      }),
    );
  });
});

describe('the unused part of a price', () => {
  it('and the used part are the price, at every moment', () => {
    fc.assert(
      fc.property(price, period, (priceMinor, when) => {
        const unused = unusedMinor(priceMinor, when);
        expect(unused).toBeGreaterThanOrEqual(0);
        expect(unused).toBeLessThanOrEqual(priceMinor);
        expect(Number.isSafeInteger(unused)).toBe(true);
      }),
    );
  });

  it('never grows while time goes on', () => {
    fc.assert(
      fc.property(price, period, fc.nat({ max: 30 * DAY_MS }), (priceMinor, when, laterMs) => {
        const later = { ...when, nowMs: when.nowMs + laterMs };
        expect(unusedMinor(priceMinor, later)).toBeLessThanOrEqual(unusedMinor(priceMinor, when));
      }),
    );
  });

  it('is all of it at the beginning and before, and nothing at the end and after', () => {
    const at = (nowMs: number) => unusedMinor(3_000, { ...NOVEMBER, nowMs });
    expect(at(NOVEMBER.startMs - DAY_MS)).toBe(3_000);
    expect(at(NOVEMBER.startMs)).toBe(3_000);
    expect(at(NOVEMBER.endMs - SECOND_MS + 1)).toBe(0);
    expect(at(NOVEMBER.endMs)).toBe(0);
    expect(at(NOVEMBER.endMs + DAY_MS)).toBe(0);
  });

  it('is right to the minor unit for prices that a number cannot multiply', () => {
    const priceMinor = Number.MAX_SAFE_INTEGER - 1;
    const nowMs = START_MS + 15 * DAY_MS;
    expect(unusedMinor(priceMinor, { ...NOVEMBER, nowMs })).toBe(priceMinor / 2);
  });
});

describe('the tax', () => {
  it('inside a price with the tax on top is the tax that came on top', () => {
    fc.assert(
      fc.property(price, fc.integer({ min: 0, max: 10_000 }), (priceMinor, rateBps) => {
        const sold = plan({ priceMinor, tax: { rateBps, inclusive: false } });
        const gross = grossMinor(sold);
        expect(taxInside(gross, rateBps)).toBe(gross - priceMinor);
      }),
    );
  });

  it('is nothing at a rate of nothing', () => {
    expect(taxInside(3_000, 0)).toBe(0);
    expect(grossMinor(plan({ tax: { rateBps: 0, inclusive: false } }))).toBe(3_000);
  });
});
