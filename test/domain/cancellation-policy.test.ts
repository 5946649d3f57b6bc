/** How much of the money goes back: the ladder that was agreed, counted in elapsed time, rounded for the seller. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DEFAULT_CANCELLATION_POLICY,
  refundDue,
} from '../../src/domain/booking/cancellation-policy.ts';
import { HOUR_MS } from '../../src/domain/time.ts';

const START_MS = Date.parse('2026-12-01T09:00:00Z');
const LADDER = [
  { hoursBefore: 48, refundPercent: 100 },
  { hoursBefore: 24, refundPercent: 50 },
  { hoursBefore: 2, refundPercent: 10 },
];

function refund(paid: number, noticeMs: number, policy = LADDER): number {
  return refundDue(paid, { policy, startAtMs: START_MS, cancelledAtMs: START_MS - noticeMs });
}

describe('cancellation', () => {
  test.each([
    ['well before all rungs', 72 * HOUR_MS, 2_500],
    ['exactly 48 hours before', 48 * HOUR_MS, 2_500],
    ['a millisecond later', 48 * HOUR_MS - 1, 1_250],
    ['exactly 24 hours before', 24 * HOUR_MS, 1_250],
    ['a millisecond later', 24 * HOUR_MS - 1, 250],
    ['exactly 2 hours before', 2 * HOUR_MS, 250],
    ['a millisecond later', 2 * HOUR_MS - 1, 0],
    ['at the start', 0, 0],
    ['after the start', -HOUR_MS, 0],
  ])('%s gives back what the best kept rung says', (_, noticeMs, expected) => {
    expect(refund(2_500, noticeMs)).toBe(expected);
  });

  test('rounds down, so that the seller keeps the odd unit', () => {
    expect(refund(999, 24 * HOUR_MS)).toBe(499);
    expect(refund(9, 2 * HOUR_MS)).toBe(0);
    expect(refund(1, 48 * HOUR_MS)).toBe(1);
  });

  test('the default gives all back until the start and nothing after it', () => {
    expect(refund(2_500, 0, [...DEFAULT_CANCELLATION_POLICY])).toBe(2_500);
    expect(refund(2_500, -1, [...DEFAULT_CANCELLATION_POLICY])).toBe(0);
  });

  test('an empty ladder gives nothing back', () => {
    expect(refund(2_500, 1_000 * HOUR_MS, [])).toBe(0);
  });

  test('the order of the rungs does not matter, and a better rung with less notice wins', () => {
    expect(refund(1_000, 24 * HOUR_MS, LADDER.toReversed())).toBe(500);
    const odd = [
      { hoursBefore: 48, refundPercent: 20 },
      { hoursBefore: 24, refundPercent: 80 },
    ];
    expect(refund(1_000, 50 * HOUR_MS, odd)).toBe(800);
  });

  test('notice is elapsed time, also over a night in which the clocks change', () => {
    const startAtMs = Date.parse('2026-03-29T12:00:00+02:00');
    const dayBefore = Date.parse('2026-03-28T12:00:00+01:00');
    const policy = [{ hoursBefore: 24, refundPercent: 100 }];
    expect(refundDue(100, { policy, startAtMs, cancelledAtMs: dayBefore })).toBe(0);
    expect(refundDue(100, { policy, startAtMs, cancelledAtMs: dayBefore - HOUR_MS })).toBe(100);
  });

  test('never gives back more than was paid, nor more for less notice on a falling ladder', () => {
    const paid = fc.integer({ min: 0, max: 10 ** 9 });
    const notice = fc.integer({ min: -HOUR_MS, max: 100 * HOUR_MS });
    fc.assert(
      fc.property(paid, notice, notice, (amount, a, b) => {
        const [little, much] = [refund(amount, Math.min(a, b)), refund(amount, Math.max(a, b))];
        expect(little).toBeLessThanOrEqual(much);
        expect(much).toBeLessThanOrEqual(amount);
      }),
    );
  });
});
