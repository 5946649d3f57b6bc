/** The days of recurrences: what patterns name, and that a pattern which names none ends in bounded work. */
import { describe, expect, it } from 'vitest';
import { RecurrenceTooLong } from '../../src/domain/availability/rule.ts';
import { platformRecurrence } from '../../src/platform/recurrence.ts';

const YEAR = { from: '2027-01-01', to: '2027-12-31' };

/** The days of a pattern that counts from the first Tuesday of December 2026. */
function days(pattern: string, over = YEAR, firstDate = '2026-12-01'): readonly string[] {
  return platformRecurrence.days({ pattern, firstDate }, over);
}

describe('the days of a pattern', () => {
  it.each([
    ['FREQ=DAILY;INTERVAL=100', ['2027-03-11', '2027-06-19', '2027-09-27']],
    ['FREQ=WEEKLY;INTERVAL=20', ['2027-04-20', '2027-09-07']],
    [
      'FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR',
      ['2027-03-26', '2027-06-25', '2027-09-24', '2027-12-31'],
    ],
    ['FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=1,2,3', ['2027-01-31', '2027-03-31']],
    ['FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24,25', ['2027-12-24', '2027-12-25']],
    ['FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO', ['2027-01-04']],
  ])('are those of RFC 5545: %s', (pattern, expected) => {
    expect(days(pattern)).toEqual(expected);
  });

  it('are the same a hundred years on', () => {
    const over = { from: '2126-12-01', to: '2126-12-08' };
    expect(days('FREQ=WEEKLY;BYDAY=MO,WE', over)).toEqual(['2126-12-02', '2126-12-04']);
  });

  it('begin at the first date, and not before', () => {
    expect(days('FREQ=DAILY', { from: '2026-11-01', to: '2026-12-02' })).toEqual([
      '2026-12-01',
      '2026-12-02',
    ]);
    expect(days('FREQ=WEEKLY;BYDAY=MO', { from: '2026-11-01', to: '2026-12-08' })).toEqual([
      '2026-12-07',
    ]);
  });

  it('are counted', () => {
    const weekly = { pattern: 'FREQ=WEEKLY;BYDAY=MO,WE', firstDate: '2026-12-01' };
    expect(platformRecurrence.nth(weekly, 1)).toBe('2026-12-02');
    expect(platformRecurrence.nth(weekly, 1_000)).toBe('2036-06-30');
  });

  it.each([
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6',
    'FREQ=YEARLY;BYYEARDAY=366;BYWEEKNO=1;BYSETPOS=366',
  ])('that never comes round are given up: %s', (pattern) => {
    const never = { pattern, firstDate: '2026-12-01' };
    expect(() => platformRecurrence.nth(never, 1)).toThrow(RecurrenceTooLong);
    expect(days(pattern)).toEqual([]);
  });
});
