/** What rules want of a stretch of time, with days that the test names: hours, grids, ends, exceptions, and who has a slot. */
import { describe, expect, it } from 'vitest';
import {
  lastDateOf,
  wantedSlots,
  type AvailabilityRule,
  type Calendars,
} from '../../src/domain/availability/rule.ts';
import { readRecurrenceRule } from '../../src/domain/availability/recurrence-rule.ts';
import type { OffsetStep } from '../../src/domain/availability/wall-clock.ts';
import { addDays, dateOfDay, dayOfDate, isLocalDate } from '../../src/domain/local-date.ts';
import { makeRule } from '../support/availability.ts';

const HOUR_MS = 3_600_000;
const LENGTHS = { durationMinutes: 60, bufferBeforeMinutes: 0, bufferAfterMinutes: 0 };

/** A zone whose clocks go on by an hour at two in the morning of 28 March 2027, and back at three of 31 October. */
const STEPS: readonly OffsetStep[] = [
  { fromMs: Number.NEGATIVE_INFINITY, offsetMs: HOUR_MS },
  { fromMs: Date.parse('2027-03-28T01:00Z'), offsetMs: 2 * HOUR_MS },
  { fromMs: Date.parse('2027-10-31T01:00Z'), offsetMs: HOUR_MS },
];

/** Every day is one of the pattern's. */
const CALENDARS: Calendars = {
  recurrence: {
    days: ({ firstDate }, { from, to }) => {
      const first = Math.max(dayOfDate(from), dayOfDate(firstDate));
      const count = Math.max(0, dayOfDate(to) - first + 1);
      return Array.from({ length: count }, (_, index) => dateOfDay(first + index));
    },
    nth: ({ firstDate }, n) => addDays(firstDate, n - 1),
  },
  zones: {
    offsets: (_zone, over) => {
      const first = STEPS.findLastIndex(({ fromMs }) => fromMs <= over.startAtMs);
      return STEPS.slice(first).filter(({ fromMs }) => fromMs < over.endAtMs);
    },
  },
};

function wanted(
  rules: readonly Partial<AvailabilityRule>[],
  range: readonly [string, string],
  lengths: Partial<typeof LENGTHS> = {},
) {
  const over = { startAtMs: Date.parse(range[0]), endAtMs: Date.parse(range[1]) };
  const whole = rules.map((rule, index) => makeRule({ id: `rul_${index}`, ...rule }));
  return wantedSlots(CALENDARS, { ...LENGTHS, ...lengths }, { rules: whole, over });
}

function starts(...asked: Parameters<typeof wanted>): string[] {
  return wanted(...asked).map(({ startAtMs }) => new Date(startAtMs).toISOString().slice(5, 16));
}

const TUESDAY = ['2026-12-01T00:00Z', '2026-12-02T00:00Z'] as const;

describe('the hours of a rule', () => {
  it('hold as many slots as end in them', () => {
    expect(starts([{ startMinute: 600, endMinute: 775 }], TUESDAY)).toEqual([
      '12-01T09:00',
      '12-01T10:00',
    ]);
    expect(starts([{ startMinute: 600, endMinute: 659 }], TUESDAY)).toEqual([]);
  });

  it('keep both buffers between slots, which may reach beyond the hours', () => {
    const lengths = { bufferBeforeMinutes: 10, bufferAfterMinutes: 20 };
    expect(starts([{ startMinute: 600, endMinute: 750 }], TUESDAY, lengths)).toEqual([
      '12-01T09:00',
      '12-01T10:30',
    ]);
  });

  it('may end on the following day, whichever day is asked for', () => {
    const night = [{ startMinute: 22 * 60, endMinute: 2 * 60 }];
    expect(starts(night, ['2026-12-02T00:00Z', '2026-12-02T12:00Z'])).toEqual(['12-02T00:00']);
    expect(starts(night, ['2026-12-01T12:00Z', '2026-12-02T12:00Z'])).toEqual([
      '12-01T21:00',
      '12-01T22:00',
      '12-01T23:00',
      '12-02T00:00',
    ]);
  });

  it('begin at the change when their start is skipped, and end at it when their end is', () => {
    const day = ['2027-03-28T00:00Z', '2027-03-28T06:00Z'] as const;
    expect(starts([{ startMinute: 150, endMinute: 300 }], day, { durationMinutes: 30 })).toEqual([
      '03-28T01:00',
      '03-28T01:30',
      '03-28T02:00',
      '03-28T02:30',
    ]);
    expect(starts([{ startMinute: 60, endMinute: 150 }], day, { durationMinutes: 30 })).toEqual([
      '03-28T00:00',
      '03-28T00:30',
    ]);
  });

  it('sell an hour that comes twice between them twice, and end with its first when they end in it', () => {
    const day = ['2027-10-30T22:00Z', '2027-10-31T06:00Z'] as const;
    expect(starts([{ startMinute: 60, endMinute: 240 }], day)).toEqual([
      '10-30T23:00',
      '10-31T00:00',
      '10-31T01:00',
      '10-31T02:00',
    ]);
    expect(starts([{ startMinute: 60, endMinute: 150 }], day, { durationMinutes: 30 })).toEqual([
      '10-30T23:00',
      '10-30T23:30',
      '10-31T00:00',
    ]);
  });
});

describe('the days of a rule', () => {
  const week = ['2026-12-01T00:00Z', '2026-12-08T00:00Z'] as const;
  const oneHour = { startMinute: 600, endMinute: 660 };

  it('leave out exceptions, both ends included', () => {
    const exceptions = [
      { from: '2026-12-02', to: '2026-12-02' },
      { from: '2026-12-04', to: '2026-12-06' },
    ];
    expect(starts([{ ...oneHour, exceptions }], week)).toEqual([
      '12-01T09:00',
      '12-03T09:00',
      '12-07T09:00',
    ]);
  });

  it('begin and end with its validity', () => {
    const rule = { ...oneHour, validFrom: '2026-12-03', lastDate: '2026-12-04' };
    expect(starts([rule], week)).toEqual(['12-03T09:00', '12-04T09:00']);
  });

  it.each([
    ['FREQ=DAILY', null, null],
    ['FREQ=DAILY', '2026-12-24', '2026-12-24'],
    ['FREQ=DAILY;COUNT=3', null, '2026-12-03'],
    ['FREQ=DAILY;COUNT=3', '2026-12-02', '2026-12-02'],
    ['FREQ=DAILY;UNTIL=20261210', null, '2026-12-10'],
    ['FREQ=DAILY;UNTIL=20261210T090000', null, '2026-12-10'],
    ['FREQ=DAILY;UNTIL=20261210T085959', null, '2026-12-09'],
    // Nine in this zone is eight in UTC.
    ['FREQ=DAILY;UNTIL=20261210T080000Z', null, '2026-12-10'],
    ['FREQ=DAILY;UNTIL=20261210T075959Z', null, '2026-12-09'],
    ['FREQ=DAILY;UNTIL=20270701T070000Z', null, '2027-07-01'],
    ['FREQ=DAILY;UNTIL=20270701T065959Z', null, '2027-06-30'],
  ])('of %s, valid until %s, end with %s', (text, validUntil, expected) => {
    const read = readRecurrenceRule(text);
    if (!read.ok) throw new Error(read.detail);
    const { pattern, count, until } = read.rule;
    const rule = { ...makeRule(), pattern };
    expect(lastDateOf(CALENDARS, rule, { validUntil, until, count })).toBe(expected);
  });
});

describe('several rules', () => {
  it('want a slot of the same interval and resource once; the first has it', () => {
    const dear = { price: { amount: 9_900, currency: 'eur' } };
    const found = wanted(
      [
        { startMinute: 600, endMinute: 720 },
        { ...dear, startMinute: 660, endMinute: 780 },
        { startMinute: 660, endMinute: 720, resourceId: 'res_one' },
      ],
      TUESDAY,
    );
    const seen = found.map(({ startAtMs, ruleId, resourceId, price }) => [
      new Date(startAtMs).toISOString().slice(11, 16),
      ruleId,
      resourceId,
      price?.amount ?? null,
    ]);
    expect(seen).toEqual([
      ['09:00', 'rul_0', null, null],
      ['10:00', 'rul_0', null, null],
      ['10:00', 'rul_2', 'res_one', null],
      ['11:00', 'rul_1', null, 9_900],
    ]);
  });
});

describe('dates', () => {
  it.each(['2026-12-31', '2028-02-29', '2000-02-29', '1970-01-01', '9999-12-31'])(
    'are what the calendar has: %s',
    (text) => {
      expect(isLocalDate(text)).toBe(true);
      expect(dateOfDay(dayOfDate(text))).toBe(text);
      expect(dayOfDate(text) * 24 * HOUR_MS).toBe(Date.parse(text));
    },
  );

  it.each(['2026-02-29', '2100-02-29', '2026-13-01', '2026-00-10', '2026-04-31', '26-01-01', ''])(
    'are nothing else: %s',
    (text) => {
      expect(isLocalDate(text)).toBe(false);
    },
  );
});
