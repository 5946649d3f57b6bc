/** When a provider is paid out, and how much of what is owed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nextPeriodAtMs,
  periodAt,
  PAYOUT_INTERVALS,
  retryAtMs,
  TRIES_MAX,
  WEEKDAYS,
} from '../../src/domain/payout/payout-schedule.ts';
import { PAYOUT_SETTINGS_DEFAULT, shareOf } from '../../src/domain/payout/payout.ts';

const at = (text: string) => Date.parse(text);

describe('a period', () => {
  it.each([
    ['week', 'monday', '2026-11-23T00:00:00Z', '2026-11-23', '2026-11-30'],
    ['week', 'monday', '2026-11-22T23:59:59.999Z', '2026-11-16', '2026-11-23'],
    ['week', 'friday', '2027-01-01T08:00:00Z', '2027-01-01', '2027-01-08'],
    ['week', 'friday', '2026-12-31T08:00:00Z', '2026-12-25', '2027-01-01'],
    ['day', 'monday', '2028-02-29T12:00:00Z', '2028-02-29', '2028-03-01'],
    ['month', 'monday', '2028-02-29T12:00:00Z', '2028-02-01', '2028-03-01'],
    ['month', 'monday', '2026-12-31T23:59:59Z', '2026-12-01', '2027-01-01'],
  ] as const)('by the %s on %s at %s is %s, until %s', (...row) => {
    const [interval, weekday, now, name, next] = row;
    const schedule = { interval, weekday };
    expect(periodAt(at(now), schedule).name).toBe(name);
    expect(periodAt(at(now), schedule).startAtMs).toBe(at(`${name}T00:00:00Z`));
    expect(nextPeriodAtMs(at(now), schedule)).toBe(at(`${next}T00:00:00Z`));
  });

  it('has begun, is named for its first day, and the next one follows without a gap', () => {
    const schedule = fc.record({
      interval: fc.constantFrom(...PAYOUT_INTERVALS),
      weekday: fc.constantFrom(...WEEKDAYS),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: at('2100-01-01T00:00:00Z') }),
        schedule,
        (nowMs, by) => {
          const { name, startAtMs } = periodAt(nowMs, by);
          const nextAtMs = nextPeriodAtMs(nowMs, by);
          expect(startAtMs).toBeLessThanOrEqual(nowMs);
          expect(nextAtMs).toBeGreaterThan(nowMs);
          expect(new Date(startAtMs).toISOString()).toBe(`${name}T00:00:00.000Z`);
          expect(periodAt(nextAtMs, by).startAtMs).toBe(nextAtMs);
          expect(periodAt(nextAtMs - 1, by).startAtMs).toBe(startAtMs);
        },
      ),
    );
  });
});

describe('a payout that was refused', () => {
  it('is tried again, each time later, and not for ever', () => {
    const waits = [1, 2, 3, 4].map((tries) => retryAtMs(tries, 0) ?? 0);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits[0]).toBeGreaterThan(0);
    expect(retryAtMs(TRIES_MAX, 0)).toBeNull();
  });
});

describe('what is owed', () => {
  it.each([
    [0, 'nothing'],
    [-1, 'negative'],
    [99, 'below_minimum'],
    [100, 'pay'],
  ])('of %d is %s', (payableMinor, kind) => {
    expect(shareOf(payableMinor, PAYOUT_SETTINGS_DEFAULT, 'usd').kind).toBe(kind);
  });

  it.each([
    ['jpy', 100],
    ['usd', 100],
    ['kwd', 1_000],
  ])('is dust in %s below %d minor units', (currency, minimumMinor) => {
    const kindOf = (minor: number) => shareOf(minor, PAYOUT_SETTINGS_DEFAULT, currency).kind;
    expect([kindOf(minimumMinor - 1), kindOf(minimumMinor)]).toEqual(['below_minimum', 'pay']);
  });

  it('is paid less a reserve, to the cent', () => {
    const settings = { ...PAYOUT_SETTINGS_DEFAULT, reserveBps: 1_000 };
    const share = shareOf(9_999, settings, 'usd');
    expect(share).toEqual({ kind: 'pay', amountMinor: 9_000, reservedMinor: 999 });
  });

  it('has a minimum of its own in each currency, and nothing is never sent', () => {
    const settings = { ...PAYOUT_SETTINGS_DEFAULT, minimumsMinor: { jpy: 100, eur: 0 } };
    expect(shareOf(99, settings, 'jpy').kind).toBe('below_minimum');
    expect(shareOf(100, settings, 'jpy').kind).toBe('pay');
    expect(shareOf(1, settings, 'eur').kind).toBe('pay');
    const all = { ...settings, reserveBps: 10_000 };
    expect(shareOf(1, all, 'eur').kind).toBe('below_minimum');
  });
});
