/** What a plan allows: each counted limit at its edge, what it gives when less is left, and which of several plans. */
import { describe, expect, it } from 'vitest';
import { NO_USES } from '../../src/domain/hold/quota.ts';
import {
  admission,
  benefitsOf,
  countedPeriodStartMs,
  isRunning,
  type Admission,
  type MemberPlan,
  type Standing,
} from '../../src/domain/membership/admission.ts';
import type { Features } from '../../src/domain/subscription/plan.ts';

const NOW_MS = 1_000_000;
const ASK = { shardKey: 'g00000001', slots: 1, guests: 0, minutes: null };
const UNUSED: Standing = { used: NO_USES, live: 0 };

function plan(features: Features, own: Partial<MemberPlan> = {}): MemberPlan {
  return {
    group: 'membership',
    planId: 'pln_1',
    features: { 'access.members': true, ...features },
    currency: 'usd',
    periodStartMs: NOW_MS - 100,
    periodEndMs: NOW_MS + 100,
    validUntilMs: NOW_MS + 200,
    ...own,
  };
}

function decide(
  features: Features,
  wish: { ask?: Partial<typeof ASK | { minutes: number }>; used?: object; live?: number } = {},
): Admission<MemberPlan> {
  const standing = { used: { ...NO_USES, ...wish.used }, live: wish.live ?? 0 };
  const ask = { ...ASK, ...wish.ask };
  return admission([plan(features)], { ask, nowMs: NOW_MS }, () => standing);
}

/** Nothing was used of any of them. */
function among(plans: MemberPlan[]): Admission<MemberPlan> {
  return admission(plans, { ask: ASK, nowMs: NOW_MS }, () => UNUSED);
}

describe('a member without a running plan', () => {
  it('has nothing, from the very instant at which paid time and grace are over', () => {
    expect(among([plan({}, { validUntilMs: NOW_MS + 1 })]).kind).toBe('allowed');
    expect(among([plan({}, { validUntilMs: NOW_MS })]).kind).toBe('none');
    expect(among([plan({}, { planId: null })]).kind).toBe('none');
    expect(isRunning(plan({}), NOW_MS)).toBe(true);
  });
});

describe('a plan without counted limits', () => {
  it.each([{}, { 'bookings.perPeriod': null, 'holds.concurrent': null, 'window.days': 30 }])(
    'reserves nothing: %o',
    (features) => {
      expect(decide(features)).toMatchObject({
        kind: 'allowed',
        isCounted: false,
        isGranted: false,
      });
    },
  );

  it('tells the shard that it pays for every slot, and counts none', () => {
    const decided = decide({ 'bookings.included': null }, { ask: { slots: 3 } });
    expect(decided).toMatchObject({ isCounted: false, isGranted: true, uses: { included: 3 } });
  });
});

describe('bookings per period', () => {
  const limit = { 'bookings.perPeriod': 5 };

  it('allows the last one and refuses the next', () => {
    expect(decide(limit, { used: { bookings: 4 } })).toMatchObject({
      isCounted: true,
      uses: { bookings: 1, overage: 0 },
    });
    expect(decide(limit, { used: { bookings: 5 } })).toMatchObject({
      kind: 'refused',
      shortage: {
        code: 'quota_exhausted',
        feature: 'bookings.perPeriod',
        limit: 5,
        used: 5,
      },
    });
  });

  it('counts every slot of the hold', () => {
    expect(decide(limit, { ask: { slots: 5 } }).kind).toBe('allowed');
    expect(decide(limit, { ask: { slots: 6 } }).kind).toBe('refused');
  });

  it('sells what goes beyond at the price of the plan', () => {
    const features = { ...limit, 'overage.price': 700 };
    expect(decide(features, { ask: { slots: 3 }, used: { bookings: 4 } })).toMatchObject({
      uses: { bookings: 1, overage: 2 },
      overagePrice: { amount: 700, currency: 'usd' },
      isShort: true,
    });
    expect(decide(features)).toMatchObject({ uses: { overage: 0 }, overagePrice: null });
  });

  it('allows nothing where the limit is zero', () => {
    expect(decide({ 'bookings.perPeriod': 0 }).kind).toBe('refused');
  });
});

describe('minutes per period', () => {
  const limit = { 'minutes.perPeriod': 120 };

  it('has the slots measured first', () => {
    expect(decide(limit)).toEqual({ kind: 'measure' });
  });

  it('allows the last minute and refuses the next', () => {
    const used = { minutes: 60 };
    expect(decide(limit, { ask: { minutes: 60 }, used })).toMatchObject({ uses: { minutes: 60 } });
    expect(decide(limit, { ask: { minutes: 61 }, used })).toMatchObject({
      shortage: { feature: 'minutes.perPeriod', limit: 120, used: 60 },
    });
  });

  it('measures nothing where bookings are used up already', () => {
    const features = { ...limit, 'bookings.perPeriod': 1 };
    expect(decide(features, { used: { bookings: 1 } })).toMatchObject({
      shortage: { feature: 'bookings.perPeriod' },
    });
  });
});

describe('holds at one time', () => {
  it('allows the last one and refuses the next', () => {
    const features = { 'holds.concurrent': 2 };
    expect(decide(features, { live: 1 })).toMatchObject({ kind: 'allowed', isCounted: true });
    expect(decide(features, { live: 2 })).toMatchObject({
      shortage: { code: 'hold_limit_reached', limit: 2 },
    });
  });
});

describe('what a plan gives as long as there is some', () => {
  it('pays for as many slots as are left, and refuses nobody', () => {
    const features = { 'bookings.included': 3 };
    const ask = { slots: 2 };
    expect(decide(features, { ask, used: { included: 1 } })).toMatchObject({
      uses: { included: 2 },
      isCounted: true,
      isShort: false,
    });
    expect(decide(features, { ask, used: { included: 2 } })).toMatchObject({
      uses: { included: 1 },
      isShort: true,
    });
    expect(decide(features, { ask, used: { included: 3 } })).toMatchObject({
      uses: { included: 0 },
      isCounted: false,
      isGranted: false,
    });
  });

  it('gives the guest passes that are left, and tells the shard that they are counted', () => {
    const features = { 'guestPasses.perPeriod': 4 };
    expect(decide(features, { ask: { guests: 3 }, used: { guestPasses: 2 } })).toMatchObject({
      uses: { guestPasses: 2 },
      countsGuests: true,
      isShort: true,
    });
    expect(decide(features, { ask: { guests: 1 }, used: { guestPasses: 4 } })).toMatchObject({
      uses: { guestPasses: 0 },
      countsGuests: true,
      isCounted: false,
      isGranted: true,
    });
    expect(decide({}, { ask: { guests: 3 } })).toMatchObject({ countsGuests: false });
  });
});

describe('several plans', () => {
  const used = { 'bookings.perPeriod': 0 };

  it('takes the first that allows the hold', () => {
    const a = plan(used, { group: 'a' });
    const b = plan({}, { group: 'b' });
    expect(among([b, a])).toMatchObject({ kind: 'allowed', plan: b });
  });

  it('prefers one that opens members’ services, and otherwise keeps one order', () => {
    const closed = plan({ 'access.members': false }, { group: 'a' });
    const open = plan({}, { group: 'c' });
    const other = plan({}, { group: 'b' });
    expect(among([closed, open])).toMatchObject({ plan: open });
    expect(among([open, other])).toMatchObject({ plan: other });
    expect(among([other, open])).toMatchObject({ plan: other });
  });

  it('gives the first refusal when all refuse', () => {
    const a = plan(used, { group: 'a' });
    const b = plan({ 'bookings.perPeriod': 0 }, { group: 'b' });
    expect(among([b, a])).toMatchObject({ kind: 'refused', plan: a });
  });
});

describe('what a plan changes beside its limits', () => {
  it('says nothing where the plan says nothing', () => {
    expect(benefitsOf(plan({}))).toEqual({
      windowDays: null,
      earlyAccessMinutes: 0,
      categories: null,
      discountBps: 0,
    });
  });

  it('gives numbers, lists and the lack of a limit', () => {
    const features = {
      'window.days': 30,
      'earlyAccess.minutes': 60,
      categories: ['tennis'],
      'price.discountBps': 1_500,
    };
    expect(benefitsOf(plan(features))).toEqual({
      windowDays: 30,
      earlyAccessMinutes: 60,
      categories: ['tennis'],
      discountBps: 1_500,
    });
    const unlimited = { 'window.days': null, 'earlyAccess.minutes': null, categories: null };
    expect(benefitsOf(plan(unlimited))).toMatchObject({
      windowDays: 'unlimited',
      earlyAccessMinutes: null,
      categories: null,
    });
  });
});

describe('the period that counts', () => {
  it('is the paid one until its end, and the next one from then on', () => {
    const paid = plan({});
    expect(countedPeriodStartMs(paid, paid.periodEndMs - 1)).toBe(paid.periodStartMs);
    expect(countedPeriodStartMs(paid, paid.periodEndMs)).toBe(paid.periodEndMs);
  });
});
