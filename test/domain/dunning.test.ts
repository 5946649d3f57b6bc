/** What is promised to somebody who has not paid: when it is tried again, until when they have access, when it ends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  giveUpAtMs,
  grantedUntilMs,
  nextAttemptAtMs,
  suspendAtMs,
} from '../../src/domain/subscription/dunning.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { END_MS, NOW_MS, plan, subscription } from './billing-fixture.ts';

const DUE_MS = NOW_MS;
const SCHEDULE = { dunningDays: [1, 3, 5] };

describe('the next try', () => {
  it.each([
    [0, 1],
    [1 - 1 / DAY_MS, 1],
    [1, 3],
    [2.9, 3],
    [3, 5],
    [5 - 1 / DAY_MS, 5],
    [5, null],
    [100, null],
  ])('%d days after the due instant comes on day %s', (days, wanted) => {
    const nowMs = DUE_MS + Math.round(days * DAY_MS);
    const next = nextAttemptAtMs(SCHEDULE, { dueAtMs: DUE_MS, nowMs });
    expect(next).toBe(wanted === null ? null : DUE_MS + wanted * DAY_MS);
  });

  it('never comes where the plan names no days', () => {
    expect(nextAttemptAtMs({ dunningDays: [] }, { dueAtMs: DUE_MS, nowMs: DUE_MS })).toBeNull();
  });

  it('is always to come, and always of the schedule', () => {
    const days = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 8 });
    fc.assert(
      fc.property(days, fc.nat({ max: 90 * DAY_MS }), (unsorted, afterMs) => {
        const dunningDays = unsorted.toSorted((a, b) => a - b);
        const nowMs = DUE_MS + afterMs;
        const next = nextAttemptAtMs({ dunningDays }, { dueAtMs: DUE_MS, nowMs });
        const left = dunningDays.filter((day) => DUE_MS + day * DAY_MS > nowMs);
        expect(next).toBe(left[0] === undefined ? null : DUE_MS + left[0] * DAY_MS);
      }),
    );
  });
});

describe('the days of a plan', () => {
  it('are counted from the due instant', () => {
    expect(suspendAtMs({ graceDays: 7 }, DUE_MS)).toBe(DUE_MS + 7 * DAY_MS);
    expect(suspendAtMs({ graceDays: 0 }, DUE_MS)).toBe(DUE_MS);
    expect(giveUpAtMs({ cancelAfterDays: 28 }, DUE_MS)).toBe(DUE_MS + 28 * DAY_MS);
  });
});

describe('access', () => {
  const GRACE_END_MS = END_MS + 7 * DAY_MS;

  it.each([
    ['incomplete', null],
    ['trialing', GRACE_END_MS],
    ['active', GRACE_END_MS],
    ['past_due', GRACE_END_MS],
    ['suspended', GRACE_END_MS],
    ['paused', null],
    ['cancelled', null],
    ['expired', null],
  ] as const)('of a subscription that is %s lasts until %s', (state, wanted) => {
    expect(grantedUntilMs(subscription({ state }), plan())).toBe(wanted);
  });

  it('has no grace where nothing more is to come', () => {
    for (const state of ['trialing', 'active', 'past_due'] as const) {
      const ending = subscription({ state, cancelAtPeriodEnd: true });
      expect(grantedUntilMs(ending, plan())).toBe(END_MS);
      const withoutMethod = subscription({ state, method: null });
      expect(grantedUntilMs(withoutMethod, plan())).toBe(END_MS);
    }
  });

  it('of a free plan has its grace without a method', () => {
    const free = subscription({ method: null });
    expect(grantedUntilMs(free, plan({ priceMinor: 0 }))).toBe(GRACE_END_MS);
  });

  it('of a payer who pays each period by themselves has its grace', () => {
    const payer = subscription({ method: { processor: 'btcpay', ref: null } });
    expect(grantedUntilMs(payer, plan())).toBe(GRACE_END_MS);
  });
});
