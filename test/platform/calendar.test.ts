/**
 * Periods in local calendars. The expectations come from the platform's own zone data through Intl and from plain
 * arithmetic on dates, never from the library that is under test.
 */
import { describe, expect, it } from 'vitest';
import type { Interval } from '../../src/domain/subscription/plan.ts';
import { platformCalendar } from '../../src/platform/calendar.ts';

const ZONES = [
  'America/New_York',
  'Europe/London',
  'Australia/Sydney',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Sao_Paulo',
  'UTC',
];
const DAY_MS = 86_400_000;
const HALF_HOUR_MS = 30 * 60_000;

/** Local dates and times as fields; months from 1. */
interface Local {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function localOf(atMs: number, timeZone: string): Local {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  formats.set(timeZone, format);
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const field = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? Number.NaN;
  return {
    year: field('year'),
    month: field('month'),
    day: field('day'),
    hour: field('hour'),
    minute: field('minute'),
    second: field('second'),
  };
}

function asIfUtc({ year, month, day, hour, minute, second }: Local): number {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** What the clocks of a zone are ahead of UTC at an instant. */
function offsetMs(atMs: number, timeZone: string): number {
  return asIfUtc(localOf(atMs, timeZone)) - Math.floor(atMs / 1_000) * 1_000;
}

/** The first instant with this local time; where the clocks skip it, as far behind the gap as it would have been. */
function instantOf(local: Local, timeZone: string): number {
  const wallMs = asIfUtc(local);
  const before = offsetMs(wallMs - DAY_MS, timeZone);
  const after = offsetMs(wallMs + DAY_MS, timeZone);
  const genuine = [wallMs - before, wallMs - after].filter(
    (atMs) => asIfUtc(localOf(atMs, timeZone)) === wallMs,
  );
  return genuine.length > 0 ? Math.min(...genuine) : wallMs - before;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** The local date so many intervals on, a day that the month lacks being its last. */
function onBy(local: Local, { unit, count }: Interval): Local {
  if (unit === 'day' || unit === 'week') {
    const moved = new Date(asIfUtc(local) + (unit === 'day' ? 1 : 7) * count * DAY_MS);
    return {
      ...local,
      year: moved.getUTCFullYear(),
      month: moved.getUTCMonth() + 1,
      day: moved.getUTCDate(),
    };
  }
  const months = local.year * 12 + (local.month - 1) + (unit === 'month' ? 1 : 12) * count;
  const year = Math.floor(months / 12);
  const month = (months % 12) + 1;
  return { ...local, year, month, day: Math.min(local.day, daysIn(year, month)) };
}

function expected(atMs: number, timeZone: string, by: Interval): number {
  if (by.count === 0) return atMs;
  return instantOf(onBy(localOf(atMs, timeZone), by), timeZone) + (atMs % 1_000);
}

function advance(at: string, timeZone: string, by: Interval): string {
  const atMs = platformCalendar.advance({ atMs: Date.parse(at), timeZone }, by);
  return new Date(atMs).toISOString().replace('.000', '');
}

const months = (count: number): Interval => ({ unit: 'month', count });

describe('periods that are counted from an anchor', () => {
  it('come back to the 31st after every shorter month', () => {
    const days = Array.from({ length: 13 }, (_, index) =>
      advance('2026-01-31T12:00:00Z', 'UTC', months(index)).slice(0, 10),
    );
    expect(days).toEqual([
      '2026-01-31',
      '2026-02-28',
      '2026-03-31',
      '2026-04-30',
      '2026-05-31',
      '2026-06-30',
      '2026-07-31',
      '2026-08-31',
      '2026-09-30',
      '2026-10-31',
      '2026-11-30',
      '2026-12-31',
      '2027-01-31',
    ]);
  });

  it('know the leap day, for months and for years', () => {
    expect(advance('2028-01-30T12:00:00Z', 'UTC', months(1))).toBe('2028-02-29T12:00:00Z');
    expect(advance('2028-02-29T12:00:00Z', 'UTC', { unit: 'year', count: 1 })).toBe(
      '2029-02-28T12:00:00Z',
    );
    expect(advance('2028-02-29T12:00:00Z', 'UTC', { unit: 'year', count: 4 })).toBe(
      '2032-02-29T12:00:00Z',
    );
    expect(advance('2099-02-28T12:00:00Z', 'UTC', { unit: 'year', count: 1 })).toBe(
      '2100-02-28T12:00:00Z',
    );
    expect(advance('2096-02-29T12:00:00Z', 'UTC', { unit: 'year', count: 4 })).toBe(
      '2100-02-28T12:00:00Z',
    );
  });

  it('end on the day of the zone, where UTC has another one', () => {
    expect(advance('2026-02-01T02:00:00Z', 'America/New_York', months(1))).toBe(
      '2026-03-01T02:00:00Z',
    );
    expect(advance('2026-01-30T20:00:00Z', 'Australia/Sydney', months(1))).toBe(
      '2026-02-27T20:00:00Z',
    );
    expect(advance('2026-01-31T18:30:00Z', 'Asia/Kathmandu', months(1))).toBe(
      '2026-02-28T18:30:00Z',
    );
  });

  it('are nothing when they are none, and go back as well', () => {
    expect(advance('2026-10-25T01:30:00Z', 'Europe/London', months(0))).toBe(
      '2026-10-25T01:30:00Z',
    );
    expect(advance('2026-03-31T12:00:00Z', 'UTC', months(-1))).toBe('2026-02-28T12:00:00Z');
  });
});

describe('changes of the clocks', () => {
  it('move a local time that is skipped on by the gap', () => {
    // 02:30 does not exist on 8 March 2026 in New York: 03:30 does.
    expect(advance('2026-02-08T07:30:00Z', 'America/New_York', months(1))).toBe(
      '2026-03-08T07:30:00Z',
    );
    // 01:30 does not exist on 29 March 2026 in London.
    expect(advance('2026-03-28T01:30:00Z', 'Europe/London', { unit: 'day', count: 1 })).toBe(
      '2026-03-29T01:30:00Z',
    );
    // Lord Howe skips half an hour: 02:15 becomes 02:45.
    expect(advance('2026-09-03T15:45:00Z', 'Australia/Lord_Howe', months(1))).toBe(
      '2026-10-03T15:45:00Z',
    );
    // São Paulo used to skip midnight itself: 00:00 on 4 November 2018 is 01:00.
    expect(advance('2018-10-04T03:00:00Z', 'America/Sao_Paulo', months(1))).toBe(
      '2018-11-04T03:00:00Z',
    );
  });

  it('take the first of a local time that comes twice', () => {
    expect(advance('2026-10-01T05:30:00Z', 'America/New_York', months(1))).toBe(
      '2026-11-01T05:30:00Z',
    );
    expect(advance('2026-09-25T00:30:00Z', 'Europe/London', months(1))).toBe(
      '2026-10-25T00:30:00Z',
    );
    // Half an hour comes twice on 5 April 2026 on Lord Howe: 01:45 is first at +11:00.
    expect(advance('2026-03-04T14:45:00Z', 'Australia/Lord_Howe', months(1))).toBe(
      '2026-04-04T14:45:00Z',
    );
    expect(advance('2026-04-03T14:45:00Z', 'Australia/Lord_Howe', { unit: 'day', count: 1 })).toBe(
      '2026-04-04T14:45:00Z',
    );
  });

  it('keep the local time of day, however long the day is', () => {
    expect(advance('2026-03-07T17:00:00Z', 'America/New_York', { unit: 'day', count: 1 })).toBe(
      '2026-03-08T16:00:00Z',
    );
    expect(advance('2026-03-30T12:00:00Z', 'Australia/Sydney', { unit: 'week', count: 1 })).toBe(
      '2026-04-06T13:00:00Z',
    );
  });

  it('do not bring an anchor that fell into a gap off its own time of day', () => {
    // The month behind the one with the gap has 02:30 again.
    expect(advance('2026-02-08T07:30:00Z', 'America/New_York', months(2))).toBe(
      '2026-04-08T06:30:00Z',
    );
  });
});

describe('against the platform’s own zone data', () => {
  it.each(ZONES)('agrees in %s for every late anchor of two years, one a leap year', (timeZone) => {
    for (const anchor of anchorsOf(timeZone)) {
      for (let count = 0; count <= 24; count++) expectAgreement(anchor, timeZone, months(count));
    }
  });

  it.each(ZONES)('agrees in %s around every change of the clocks', (timeZone) => {
    const changes = changesIn(timeZone);
    expect(changes.length > 0).toBe(timeZone !== 'UTC' && timeZone !== 'Asia/Kathmandu');
    for (const change of changes) {
      for (let minutes = -180; minutes <= 180; minutes += 15) {
        const landing = change + minutes * 60_000;
        for (const unit of ['day', 'week', 'month', 'year'] as const) {
          const from = expected(landing, timeZone, { unit, count: -1 });
          expectAgreement(from, timeZone, { unit, count: 1 });
        }
      }
    }
  });

  it('takes less than a second for ten thousand periods', () => {
    const startedMs = performance.now();
    let atMs = Date.parse('2026-01-31T12:00:00Z');
    for (let i = 0; i < 10_000; i++) {
      const timeZone = ZONES[i % ZONES.length] ?? 'UTC';
      atMs = platformCalendar.advance({ atMs, timeZone }, { unit: 'day', count: i % 3 });
    }
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(atMs).toBeGreaterThan(Date.parse('2050-01-01T00:00:00Z'));
  });
});

function expectAgreement(atMs: number, timeZone: string, by: Interval): void {
  const seen = platformCalendar.advance({ atMs, timeZone }, by);
  if (seen === expected(atMs, timeZone, by)) return;
  const [from, got, want] = [atMs, seen, expected(atMs, timeZone, by)].map((ms) =>
    new Date(ms).toISOString(),
  );
  expect.fail(`${timeZone} ${from} + ${by.count} ${by.unit}: ${got}, and Intl says ${want}`);
}

/** The last days of every month of 2027 and 2028, early and late in the local day. */
function anchorsOf(timeZone: string): number[] {
  const allMonths = [2027, 2028].flatMap((year) =>
    Array.from({ length: 12 }, (_, index) => ({ year, month: index + 1 })),
  );
  return allMonths.flatMap(({ year, month }) => {
    const days = [28, 29, 30, 31].filter((day) => day <= daysIn(year, month));
    return days.flatMap((day) =>
      [0, 2, 23].map(
        (hour) => instantOf({ year, month, day, hour, minute: 30, second: 7 }, timeZone) + 89,
      ),
    );
  });
}

/** The instants in 2018 and 2026 at which the clocks change, to the half hour. */
function changesIn(timeZone: string): number[] {
  const changes: number[] = [];
  for (const year of [2018, 2026]) {
    const endMs = Date.UTC(year + 1, 0, 1);
    for (let atMs = Date.UTC(year, 0, 1); atMs < endMs; atMs += HALF_HOUR_MS) {
      if (offsetMs(atMs, timeZone) !== offsetMs(atMs + HALF_HOUR_MS, timeZone)) changes.push(atMs);
    }
  }
  return changes;
}
