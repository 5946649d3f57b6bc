/** Which way a change of plan goes and when it holds: by price and length, and by the rules of the plan that is left. */
import { describe, expect, it } from 'vitest';
import { changeTime, isUpgrade } from '../../src/domain/subscription/plan-change.ts';
import type { ChangeTime, Interval } from '../../src/domain/subscription/plan.ts';
import { plan } from './billing-fixture.ts';

const DAY: Interval = { unit: 'day', count: 1 };
const WEEK: Interval = { unit: 'week', count: 1 };
const MONTH: Interval = { unit: 'month', count: 1 };
const QUARTER: Interval = { unit: 'month', count: 3 };
const YEAR: Interval = { unit: 'year', count: 1 };

describe('a change', () => {
  it.each([
    ['to the same length for more', MONTH, 3_000, MONTH, 3_001, true],
    ['to the same length for as much', MONTH, 3_000, MONTH, 3_000, true],
    ['to the same length for less', MONTH, 3_000, MONTH, 2_999, false],
    ['to a longer one, though it costs less', MONTH, 3_000, YEAR, 100, true],
    ['to a shorter one, though it costs more', YEAR, 3_000, MONTH, 9_000, false],
    ['from days to a week', DAY, 500, WEEK, 2_000, true],
    ['from a week to a month', WEEK, 900, MONTH, 3_000, true],
    ['from a month to a quarter', MONTH, 3_000, QUARTER, 8_000, true],
    ['from a quarter to a month', QUARTER, 8_000, MONTH, 9_000, false],
    ['from a free plan', MONTH, 0, MONTH, 1, true],
    ['to a free plan', MONTH, 1, MONTH, 0, false],
  ])('%s is told apart', (...[, fromInterval, fromMinor, toInterval, toMinor, isUp]) => {
    const from = plan({ interval: fromInterval, priceMinor: fromMinor });
    const to = plan({ interval: toInterval, priceMinor: toMinor });
    expect(isUpgrade(from, to)).toBe(isUp);
  });

  it.each(['now', 'period_end'] as const)('holds %s where its own case says so', (time) => {
    const other: ChangeTime = time === 'now' ? 'period_end' : 'now';
    const dearer = plan({ priceMinor: 9_000 });
    const cheaper = plan({ priceMinor: 1_000 });
    const from = (policy: object) =>
      plan({ changePolicy: { upgrade: other, downgrade: other, trial: other, ...policy } });
    expect(changeTime(from({ upgrade: time }), dearer, false)).toBe(time);
    expect(changeTime(from({ downgrade: time }), cheaper, false)).toBe(time);
    expect(changeTime(from({ trial: time }), dearer, true)).toBe(time);
    expect(changeTime(from({ trial: time }), cheaper, true)).toBe(time);
  });

  it('goes by the rules of the plan that is left', () => {
    const changePolicy = { upgrade: 'period_end', downgrade: 'now', trial: 'period_end' } as const;
    const to = plan({ priceMinor: 9_000, changePolicy });
    expect(changeTime(plan(), to, false)).toBe('now');
  });
});
