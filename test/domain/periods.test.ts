/**
 * Periods of subscriptions in every zone: counted from the anchor, one after the other, none skipped and none twice. The
 * calendar here is a second one, written as plainly as can be.
 */
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import type { Calendar } from '../../src/domain/calendar.ts';
import { isSameInterval, nextPeriod, periodAt } from '../../src/domain/subscription/period.ts';
import type { Interval } from '../../src/domain/subscription/plan.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { plan } from './billing-fixture.ts';

const calendar: Calendar = {
  advance: ({ atMs, timeZone }, { unit, count }) =>
    Temporal.Instant.fromEpochMilliseconds(atMs)
      .toZonedDateTimeISO(timeZone)
      .add({ [`${unit}s`]: count }).epochMilliseconds,
};

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'America/Sao_Paulo',
] as const;

const MONTH: Interval = { unit: 'month', count: 1 };

const zone = fc.constantFrom(...ZONES);
const interval = fc.record({
  unit: fc.constantFrom('day', 'week', 'month', 'year'),
  count: fc.integer({ min: 1, max: 13 }),
});
const anchorAtMs = fc.integer({
  min: Date.parse('2024-01-01T00:00:00Z'),
  max: Date.parse('2032-01-01T00:00:00Z'),
});

/** The local dates on which the first periods from an anchor begin. */
function startsFrom(local: string, timeZone: string, by: Interval): string[] {
  const atMs = Temporal.ZonedDateTime.from(`${local}[${timeZone}]`).epochMilliseconds;
  return Array.from({ length: 6 }, (_, index) => {
    const { startMs } = periodAt(calendar, { atMs, timeZone, interval: by }, index);
    const at = Temporal.Instant.fromEpochMilliseconds(startMs).toZonedDateTimeISO(timeZone);
    return at.toPlainDateTime().toString({ smallestUnit: 'minute' });
  });
}

describe('a period', () => {
  it('ends where the next one begins, and never before it began', () => {
    fc.assert(
      fc.property(anchorAtMs, zone, interval, (atMs, timeZone, by) => {
        const anchor = { atMs, timeZone, interval: by };
        for (let index = 0; index < 30; index += 1) {
          const period = periodAt(calendar, anchor, index);
          expect(period.endMs).toBeGreaterThan(period.startMs);
          expect(periodAt(calendar, anchor, index + 1).startMs).toBe(period.endMs);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('begins at the anchor with number zero', () => {
    fc.assert(
      fc.property(anchorAtMs, zone, interval, (atMs, timeZone, by) => {
        expect(periodAt(calendar, { atMs, timeZone, interval: by }, 0).startMs).toBe(atMs);
      }),
    );
  });

  it.each([
    ['the 31st', '2026-01-31T10:00', ['01-31', '02-28', '03-31', '04-30', '05-31', '06-30']],
    ['the 30th', '2026-01-30T10:00', ['01-30', '02-28', '03-30', '04-30', '05-30', '06-30']],
    ['the 29th', '2026-01-29T10:00', ['01-29', '02-28', '03-29', '04-29', '05-29', '06-29']],
    [
      'the 31st of a leap year',
      '2028-01-31T10:00',
      ['01-31', '02-29', '03-31', '04-30', '05-31', '06-30'],
    ],
  ])('from %s keeps its day wherever the month has one', (_, local, dates) => {
    const year = local.slice(0, 4);
    for (const timeZone of ['UTC', 'Asia/Kathmandu', 'America/New_York']) {
      expect(startsFrom(local, timeZone, MONTH)).toEqual(
        dates.map((date) => `${year}-${date}T10:00`),
      );
    }
  });

  it('of a year from 29 February falls on the 28th and comes back', () => {
    const by = { unit: 'year', count: 1 } as const;
    expect(startsFrom('2024-02-29T12:00', 'Europe/Berlin', by)).toEqual([
      '2024-02-29T12:00',
      '2025-02-28T12:00',
      '2026-02-28T12:00',
      '2027-02-28T12:00',
      '2028-02-29T12:00',
      '2029-02-28T12:00',
    ]);
  });

  it('keeps its local time when the clocks change', () => {
    const by = { unit: 'week', count: 1 } as const;
    expect(startsFrom('2026-03-01T09:00', 'America/New_York', by)).toEqual([
      '2026-03-01T09:00',
      '2026-03-08T09:00',
      '2026-03-15T09:00',
      '2026-03-22T09:00',
      '2026-03-29T09:00',
      '2026-04-05T09:00',
    ]);
    const anchor = { atMs: Date.parse('2026-03-28T08:00:00Z'), timeZone: 'Europe/Berlin' };
    const { startMs, endMs } = periodAt(
      calendar,
      { ...anchor, interval: { unit: 'day', count: 1 } },
      0,
    );
    expect(endMs - startMs).toBe(23 * HOUR_MS);
  });
});

describe('the next period', () => {
  const monthly = plan({ interval: MONTH });
  const yearly = plan({ interval: { unit: 'year', count: 1 } });

  it('goes on without a gap for as long as one likes, whatever was paid when', () => {
    fc.assert(
      fc.property(anchorAtMs, zone, interval, (atMs, timeZone, by) => {
        const terms = { current: plan({ interval: by }), next: plan({ interval: by }) };
        const first = periodAt(calendar, { atMs, timeZone, interval: by }, 0);
        let current = { anchorAtMs: atMs, timeZone, periodIndex: 0, endMs: first.endMs };
        for (let count = 1; count < 25; count += 1) {
          const { endMs, ...rest } = current;
          const period = nextPeriod(calendar, { ...rest, currentPeriodEndMs: endMs }, terms);
          expect(period).toMatchObject({ startMs: current.endMs, index: count });
          current = { ...current, periodIndex: period.index, endMs: period.endMs };
        }
        const fromAnchor = calendar.advance(
          { atMs, timeZone },
          { unit: by.unit, count: by.count * 25 },
        );
        expect(current.endMs).toBe(fromAnchor);
      }),
      { numRuns: 60 },
    );
  });

  it('after a trial, or a rest that came back, is the first one from the anchor', () => {
    const anchor = Date.parse('2026-05-14T07:30:00Z');
    const subscription = {
      anchorAtMs: anchor,
      timeZone: 'UTC',
      periodIndex: -1,
      currentPeriodEndMs: anchor,
    };
    const period = nextPeriod(calendar, subscription, { current: monthly, next: monthly });
    expect(period).toEqual({
      anchorAtMs: anchor,
      index: 0,
      startMs: anchor,
      endMs: Date.parse('2026-06-14T07:30:00Z'),
    });
  });

  it('with another interval is counted from the end of the paid one', () => {
    const end = Date.parse('2026-02-28T10:00:00Z');
    const subscription = {
      anchorAtMs: Date.parse('2026-01-31T10:00:00Z'),
      timeZone: 'UTC',
      periodIndex: 0,
      currentPeriodEndMs: end,
    };
    const period = nextPeriod(calendar, subscription, { current: monthly, next: yearly });
    expect(period).toEqual({
      anchorAtMs: end,
      index: 0,
      startMs: end,
      endMs: Date.parse('2027-02-28T10:00:00Z'),
    });
  });

  it('of another plan with the same interval keeps the anchor', () => {
    const subscription = {
      anchorAtMs: Date.parse('2026-01-31T10:00:00Z'),
      timeZone: 'UTC',
      periodIndex: 0,
      currentPeriodEndMs: Date.parse('2026-02-28T10:00:00Z'),
    };
    const terms = { current: monthly, next: plan({ interval: MONTH, priceMinor: 1 }) };
    expect(nextPeriod(calendar, subscription, terms).endMs).toBe(
      Date.parse('2026-03-31T10:00:00Z'),
    );
  });
});

describe('two intervals', () => {
  it('are the same only by unit and count', () => {
    expect(isSameInterval(MONTH, { unit: 'month', count: 1 })).toBe(true);
    expect(isSameInterval(MONTH, { unit: 'month', count: 2 })).toBe(false);
    expect(isSameInterval({ unit: 'day', count: 7 }, { unit: 'week', count: 1 })).toBe(false);
  });

  it('of days and hours differ by the change of the clocks', () => {
    const atMs = Date.parse('2026-10-24T20:00:00Z');
    const endMs = calendar.advance({ atMs, timeZone: 'Europe/Berlin' }, { unit: 'day', count: 1 });
    expect(endMs - atMs).toBe(DAY_MS + HOUR_MS);
  });
});
