/**
 * Slots of rules in local time, over zones and both changes of a year. What is expected is read off the platform's own
 * zone data, minute by minute; the generator and the library behind it have no part in it.
 */
import { describe, expect, it } from 'vitest';
import { wantedSlots, type AvailabilityRule } from '../../src/domain/availability/rule.ts';
import { platformZones } from '../../src/platform/calendar.ts';
import { platformRecurrence } from '../../src/platform/recurrence.ts';
import { makeRule } from '../support/availability.ts';
import { changeDates, readings, shown } from '../support/wall-time.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const CALENDARS = { recurrence: platformRecurrence, zones: platformZones };

/** Zones with the year that is looked at and how often their clocks change in it. */
const ZONES = [
  { timeZone: 'America/New_York', year: 2027, changes: 2 },
  { timeZone: 'Europe/London', year: 2027, changes: 2 },
  { timeZone: 'Australia/Sydney', year: 2027, changes: 2 },
  { timeZone: 'Australia/Lord_Howe', year: 2027, changes: 2 },
  { timeZone: 'Asia/Kathmandu', year: 2027, changes: 0 },
  { timeZone: 'America/Sao_Paulo', year: 2018, changes: 2 },
  { timeZone: 'America/Sao_Paulo', year: 2027, changes: 0 },
  { timeZone: 'UTC', year: 2027, changes: 0 },
] as const;

const RULES = [
  { name: 'office hours by the hour', from: 9 * 60, to: 17 * 60, minutes: 60 },
  { name: 'around the clock by the hour', from: 0, to: 24 * 60, minutes: 60 },
  { name: 'around the clock by 90 minutes', from: 0, to: 24 * 60, minutes: 90 },
  { name: 'a night by the half hour', from: 22 * 60 + 30, to: 5 * 60, minutes: 30 },
  { name: 'a window that opens at half past two', from: 150, to: 420, minutes: 45 },
  { name: 'a window that closes at half past one', from: 15, to: 90, minutes: 15 },
] as const;

type Hours = (typeof RULES)[number];

function generated(timeZone: string, hours: Hours, over: { fromMs: number; toMs: number }) {
  const rule: AvailabilityRule = makeRule({
    timeZone,
    startMinute: hours.from,
    endMinute: hours.to,
    validFrom: '2018-01-01',
  });
  const lengths = { durationMinutes: hours.minutes, bufferBeforeMinutes: 0, bufferAfterMinutes: 0 };
  const interval = { startAtMs: over.fromMs, endAtMs: over.toMs };
  return wantedSlots(CALENDARS, lengths, { rules: [rule], over: interval });
}

function timeText(minute: number): string {
  return new Date(minute * MINUTE_MS).toISOString().slice(11, 16);
}

function dateText(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The starts of a local day as its clock shows them: on the grid of the window, apart, and done before it closes. */
function expectedOn(timeZone: string, date: string, hours: Hours): number[] {
  const midnightMs = Date.parse(`${date}T00:00Z`);
  const clock = readings(timeZone, {
    fromMs: midnightMs - DAY_MS,
    toMs: midnightMs + 3 * DAY_MS,
  });
  const length = hours.to > hours.from ? hours.to - hours.from : hours.to + 1_440 - hours.from;
  const grid = Array.from({ length: Math.ceil(length / hours.minutes) }, (_, index) => {
    const minute = hours.from + index * hours.minutes;
    return `${dateText(date, Math.floor(minute / 1_440))}T${timeText(minute % 1_440)}`;
  });
  const end = hours.from + length;
  const close = `${dateText(date, Math.floor(end / 1_440))}T${timeText(end % 1_440)}`;
  const opensAtMs = clock.find(({ text }) => text >= (grid[0] ?? ''))?.atMs ?? 0;
  const closesAtMs = clock.find(({ text }) => text >= close)?.atMs ?? 0;
  const starts: number[] = [];
  for (const { atMs, text } of clock) {
    const isOpen = atMs >= opensAtMs && atMs + hours.minutes * MINUTE_MS <= closesAtMs;
    const isApart = atMs - (starts.at(-1) ?? 0) >= hours.minutes * MINUTE_MS;
    if (grid.includes(text) && isOpen && isApart) starts.push(atMs);
  }
  return starts;
}

describe.each(ZONES)('$timeZone in $year', ({ timeZone, year, changes }) => {
  const changed = changeDates(timeZone, year);
  const dates = [
    ...changed.flatMap((date) => [-1, 0, 1].map((days) => dateText(date, days))),
    `${year}-01-15`,
    `${year}-02-28`,
    `${year}-07-15`,
  ];

  it('has the changes of clocks that the table says', () => {
    expect(changed).toHaveLength(changes);
  });

  it.each(RULES)('sells what its clocks show: $name', (hours) => {
    for (const date of dates) {
      const midnightMs = Date.parse(`${date}T00:00Z`);
      const found = generated(timeZone, hours, {
        fromMs: midnightMs - 3 * DAY_MS,
        toMs: midnightMs + 3 * DAY_MS,
      });
      const expected = [-1, 0, 1].flatMap((days) =>
        expectedOn(timeZone, dateText(date, days), hours),
      );
      const own = found.filter(
        ({ startAtMs }) =>
          startAtMs >= (expected[0] ?? 0) && startAtMs <= (expected.at(-1) ?? Infinity),
      );
      expect(own.map(({ startAtMs }) => shown(startAtMs, timeZone))).toEqual(
        expected.map((atMs) => shown(atMs, timeZone)),
      );
      expect(own.map(({ startAtMs }) => startAtMs)).toEqual(expected);
      for (const slot of own) expect(slot.endAtMs - slot.startAtMs).toBe(hours.minutes * MINUTE_MS);
    }
  });

  it('opens at nine all year, whatever the clocks do', () => {
    const fromMs = Date.parse(`${year}-01-02T00:00Z`);
    const found = generated(timeZone, RULES[0], { fromMs, toMs: fromMs + 360 * DAY_MS });
    const perDay = Map.groupBy(found, ({ startAtMs }) => shown(startAtMs, timeZone).slice(0, 10));
    const whole = [...perDay.values()].slice(1, -1);
    expect(whole.length).toBeGreaterThanOrEqual(357);
    for (const slots of whole)
      expect(slots.map(({ startAtMs }) => shown(startAtMs, timeZone).slice(11))).toEqual([
        '09:00',
        '10:00',
        '11:00',
        '12:00',
        '13:00',
        '14:00',
        '15:00',
        '16:00',
      ]);
  });
});

describe('days that are not 24 hours long', () => {
  const byTheHour = RULES[1];

  it.each([
    { timeZone: 'America/New_York', date: '2027-03-14', count: 23 },
    { timeZone: 'America/New_York', date: '2027-11-07', count: 25 },
    { timeZone: 'Europe/London', date: '2027-03-28', count: 23 },
    { timeZone: 'Europe/London', date: '2027-10-31', count: 25 },
    { timeZone: 'Australia/Sydney', date: '2027-10-03', count: 23 },
    { timeZone: 'Australia/Sydney', date: '2027-04-04', count: 25 },
    { timeZone: 'America/Sao_Paulo', date: '2018-11-04', count: 23 },
    { timeZone: 'America/Sao_Paulo', date: '2018-02-17', count: 25 },
    // The clocks of Lord Howe move by half an hour: what does not fill an hour is not sold.
    { timeZone: 'Australia/Lord_Howe', date: '2027-10-03', count: 23 },
    { timeZone: 'Australia/Lord_Howe', date: '2027-04-04', count: 24 },
    { timeZone: 'Asia/Kathmandu', date: '2027-03-28', count: 24 },
    { timeZone: 'UTC', date: '2027-03-28', count: 24 },
  ])('$timeZone sells $count hours on $date', ({ timeZone, date, count }) => {
    const fromMs = Date.parse(`${date}T00:00Z`) - 2 * DAY_MS;
    const found = generated(timeZone, byTheHour, { fromMs, toMs: fromMs + 5 * DAY_MS });
    const own = found.filter(({ startAtMs }) => shown(startAtMs, timeZone).startsWith(date));
    expect(own).toHaveLength(count);
  });
});
