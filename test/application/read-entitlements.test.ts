/** What a member reads about their plan is what holds are decided by: limits, what is used, what is left, until when. */
import { describe, expect, it } from 'vitest';
import { readEntitlements } from '../../src/application/billing/read-entitlements.ts';
import type { Entitlements } from '../../src/contracts/membership-rpc.ts';
import { FakeClock, NOON_MS } from '../support/fake-clock.ts';

const CLUB: Entitlements = {
  memberId: 'usr_m',
  subscriptionId: 'sub_club',
  group: 'membership',
  planId: 'pln_club',
  planName: 'Club',
  features: {
    'access.members': true,
    'bookings.perPeriod': 8,
    'minutes.perPeriod': null,
    'holds.concurrent': 4,
  },
  currency: 'usd',
  periodStartMs: NOON_MS - 1_000,
  periodEndMs: NOON_MS + 1_000,
  validUntilMs: NOON_MS + 2_000,
  version: 1,
};

function read(...memberships: { entitlements: Entitlements; used: Record<string, number> }[]) {
  return readEntitlements({
    clock: new FakeClock(),
    member: { usage: async () => ({ memberships }) },
  });
}

describe('what my plan allows', () => {
  it('is nothing without a plan', async () => {
    expect(await read()).toEqual({
      plan: null,
      limits: {},
      used: {},
      remaining: {},
      until: null,
      memberships: [],
    });
  });

  it('tells what is used and left of each counted feature, null for unlimited', async () => {
    const used = { 'bookings.perPeriod': 3, 'minutes.perPeriod': 180 };
    const mine = {
      plan: { id: 'pln_club', name: 'Club' },
      limits: CLUB.features,
      used: { ...used, 'holds.concurrent': 0 },
      remaining: { 'bookings.perPeriod': 5, 'minutes.perPeriod': null, 'holds.concurrent': 4 },
      until: '2026-11-21T12:00:02Z',
    };
    expect(await read({ entitlements: CLUB, used })).toEqual({
      ...mine,
      memberships: [
        {
          ...mine,
          group: 'membership',
          subscriptionId: 'sub_club',
          periodStart: '2026-11-21T11:59:59Z',
          periodEnd: '2026-11-21T12:00:01Z',
        },
      ],
    });
  });

  it('has nothing left, not less, when more was booked than the plan pays for', async () => {
    const seen = await read({ entitlements: CLUB, used: { 'bookings.perPeriod': 11 } });
    expect(seen.remaining['bookings.perPeriod']).toBe(0);
  });

  it('leaves out a plan from the instant on at which it has lapsed', async () => {
    const lapsed = { ...CLUB, validUntilMs: NOON_MS };
    const gym = { ...CLUB, group: 'gym', planId: 'pln_gym', validUntilMs: NOON_MS + 1 };
    const seen = await read({ entitlements: lapsed, used: {} }, { entitlements: gym, used: {} });
    expect(seen.plan?.id).toBe('pln_gym');
    expect(seen.memberships.map(({ group }) => group)).toEqual(['gym']);
    expect((await read({ entitlements: lapsed, used: {} })).plan).toBeNull();
  });
});
