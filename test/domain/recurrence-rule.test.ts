/** Reading recurrence rules: what RFC 5545 allows of days is taken, and everything else is named and refused. */
import { describe, expect, it } from 'vitest';
import { readRecurrenceRule } from '../../src/domain/availability/recurrence-rule.ts';

function detailOf(text: string): string | null {
  const read = readRecurrenceRule(text);
  return read.ok ? null : read.detail;
}

describe('a rule that names days', () => {
  it.each([
    'FREQ=DAILY',
    'FREQ=DAILY;INTERVAL=3',
    'freq=weekly;byday=mo,we',
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU',
    'FREQ=MONTHLY;BYDAY=-1FR',
    'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1',
    'FREQ=MONTHLY;BYMONTHDAY=1,15,-1',
    'FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24',
    'FREQ=YEARLY;BYWEEKNO=1,-53;BYDAY=MO',
    'FREQ=YEARLY;BYYEARDAY=1,366,-366',
    'FREQ=YEARLY;BYDAY=53MO',
    'FREQ=DAILY;COUNT=1000',
    'FREQ=DAILY;INTERVAL=1000',
    'FREQ=DAILY;UNTIL=20280229',
  ])('is read: %s', (text) => {
    expect(detailOf(text)).toBeNull();
  });

  it('keeps its bounds apart from its pattern', () => {
    expect(readRecurrenceRule('freq=daily;count=12;interval=2')).toEqual({
      ok: true,
      rule: { pattern: 'FREQ=DAILY;INTERVAL=2', count: 12, until: null },
    });
    expect(readRecurrenceRule('UNTIL=20261231T225959Z;FREQ=WEEKLY')).toEqual({
      ok: true,
      rule: {
        pattern: 'FREQ=WEEKLY',
        count: null,
        until: { date: '2026-12-31', timeMs: 82_799_000, isUtc: true },
      },
    });
    expect(readRecurrenceRule('FREQ=WEEKLY;UNTIL=20261231T090000')).toMatchObject({
      rule: { until: { date: '2026-12-31', timeMs: 32_400_000, isUtc: false } },
    });
    expect(readRecurrenceRule('FREQ=WEEKLY;UNTIL=20261231')).toMatchObject({
      rule: { until: { date: '2026-12-31', timeMs: null, isUtc: false } },
    });
  });
});

describe('a rule that is not one', () => {
  it.each([
    ['', 'parts of RFC 5545'],
    ['RRULE:FREQ=DAILY', 'without RRULE:'],
    ['FREQ=DAILY;', 'parts of RFC 5545'],
    ['FREQ=DAILY\nEXDATE:20260101', 'parts of RFC 5545'],
    ['FREQ==DAILY', 'parts of RFC 5545'],
    ['FREQ=DAILY;FREQ=WEEKLY', 'FREQ twice'],
    ['INTERVAL=2', 'FREQ must be one of'],
    ['FREQ=FORTNIGHTLY', 'FREQ must be one of'],
    ['FREQ=SECONDLY', 'finer than a day'],
    ['FREQ=SECONDLY;UNTIL=21261231T000000Z', 'finer than a day'],
    ['FREQ=MINUTELY;COUNT=5', 'finer than a day'],
    ['FREQ=HOURLY', 'finer than a day'],
    ['FREQ=DAILY;BYHOUR=9', 'BYHOUR has no place'],
    ['FREQ=DAILY;BYMINUTE=0', 'BYMINUTE has no place'],
    ['FREQ=DAILY;BYSECOND=99', 'BYSECOND has no place'],
    ['FREQ=DAILY;BYEASTER=1', 'BYEASTER is not a part'],
    ['FREQ=DAILY;RSCALE=GREGORIAN', 'RSCALE is not a part'],
    ['FREQ=DAILY;INTERVAL=0', 'INTERVAL must be'],
    ['FREQ=DAILY;INTERVAL=-1', 'INTERVAL must be'],
    ['FREQ=DAILY;INTERVAL=1001', 'INTERVAL must be'],
    ['FREQ=DAILY;INTERVAL=1E3', 'INTERVAL must be'],
    ['FREQ=DAILY;COUNT=0', 'COUNT must be'],
    ['FREQ=DAILY;COUNT=1001', 'COUNT must be'],
    ['FREQ=DAILY;COUNT=99999999999', 'COUNT must be'],
    ['FREQ=DAILY;COUNT=5;UNTIL=20261231', 'not both'],
    ['FREQ=DAILY;UNTIL=20260230', 'UNTIL must be a date'],
    ['FREQ=DAILY;UNTIL=20261231T250000Z', 'UNTIL must be a date'],
    ['FREQ=DAILY;UNTIL=tomorrow', 'UNTIL must be a date'],
    ['FREQ=WEEKLY;WKST=XX', 'WKST must be'],
    ['FREQ=WEEKLY;BYDAY=XX', 'BYDAY must be'],
    ['FREQ=WEEKLY;BYDAY=', 'parts of RFC 5545'],
    ['FREQ=WEEKLY;BYDAY=MO,', 'BYDAY must be'],
    ['FREQ=WEEKLY;BYDAY=1MO', 'within a month or year alone'],
    ['FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO', 'within a month or year alone'],
    ['FREQ=MONTHLY;BYDAY=6MO', 'from 1 to 5'],
    ['FREQ=MONTHLY;BYDAY=0MO', 'from 1 to 5'],
    ['FREQ=YEARLY;BYDAY=54MO', 'from 1 to 53'],
    ['FREQ=YEARLY;BYMONTH=13', 'BYMONTH must be'],
    ['FREQ=YEARLY;BYMONTH=0', 'BYMONTH must be'],
    ['FREQ=YEARLY;BYMONTH=-1', 'BYMONTH must be'],
    ['FREQ=MONTHLY;BYMONTHDAY=32', 'BYMONTHDAY must be'],
    ['FREQ=MONTHLY;BYMONTHDAY=0', 'BYMONTHDAY must be'],
    ['FREQ=WEEKLY;BYMONTHDAY=1', 'BYMONTHDAY goes with'],
    ['FREQ=MONTHLY;BYYEARDAY=1', 'BYYEARDAY goes with'],
    ['FREQ=YEARLY;BYYEARDAY=367', 'BYYEARDAY must be'],
    ['FREQ=MONTHLY;BYWEEKNO=1', 'BYWEEKNO goes with'],
    ['FREQ=YEARLY;BYWEEKNO=54', 'BYWEEKNO must be'],
    ['FREQ=MONTHLY;BYSETPOS=1', 'another BY part'],
    ['FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0', 'BYSETPOS must be'],
    ['FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367', 'BYSETPOS must be'],
    [`FREQ=YEARLY;BYYEARDAY=${Array(500).fill(1).join(',')}`, 'at most 500 letters'],
  ])('is refused: %s', (text, reason) => {
    expect(detailOf(text)).toContain(reason);
  });
});
