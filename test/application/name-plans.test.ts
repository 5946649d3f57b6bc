/** Who is refused for want of a plan learns which plans on sale would do, and nothing else of any refusal is touched. */
import { describe, expect, test } from 'vitest';
import type { PlanRecord } from '../../src/application/billing-ports.ts';
import { namePlans } from '../../src/application/name-plans.ts';
import type { KeyedReply } from '../../src/contracts/calls.ts';
import type { RefusalCode } from '../../src/domain/codes.ts';
import type { Json } from '../../src/domain/result.ts';
import type { Features } from '../../src/domain/subscription/plan.ts';
import { SILENT } from '../support/node-shop.ts';

const MEMBERS = { 'access.members': true };

function plan(id: string, entitlements: Features): PlanRecord {
  return {
    id,
    code: id,
    terms: {
      planId: id,
      version: 1,
      group: 'membership',
      name: `The ${id}`,
      priceMinor: 1_900,
      currency: 'usd',
      interval: { unit: 'month', count: 1 },
      trialDays: 0,
      trialNeedsMethod: true,
      trialEnd: 'cancel',
      graceDays: 7,
      dunningDays: [],
      cancelAfterDays: 28,
      changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
      cancelRefund: 'none',
      tax: { rateBps: 0, inclusive: true },
      entitlements,
    },
    status: 'published',
    createdAtMs: 0,
  };
}

const ON_SALE = [
  plan('all', MEMBERS),
  plan('every', { ...MEMBERS, categories: null }),
  plan('sport', { ...MEMBERS, categories: ['sport'] }),
  plan('perks', { 'price.discountBps': 1_000 }),
];

function refused(code: RefusalCode, extra: { [member: string]: Json }): KeyedReply<never> {
  return { ok: false, refusal: { code, detail: '', extra }, replayed: true };
}

async function namesFor(extra: { [member: string]: Json }): Promise<Json | undefined> {
  const plans = { published: async () => ON_SALE };
  const reply = await namePlans({ plans, log: SILENT }, refused('subscription_required', extra));
  return reply.ok ? undefined : reply.refusal.extra?.['plans'];
}

function named(...ids: string[]) {
  return ids.map((id) => ({ id, name: `The ${id}` }));
}

describe('a hold that wants a plan', () => {
  test('names those that open members services of its category', async () => {
    expect(await namesFor({ planIds: [], category: 'sport' })).toEqual(
      named('all', 'every', 'sport'),
    );
    expect(await namesFor({ planIds: [], category: 'spa' })).toEqual(named('all', 'every'));
  });

  test('names of the plans that its service wants those that are on sale', async () => {
    expect(await namesFor({ planIds: ['sport', 'gone'], category: 'spa' })).toEqual(named('sport'));
    expect(await namesFor({ planIds: ['gone'], category: 'sport' })).toEqual([]);
  });

  test('tells the caller nothing of how the shard knows', async () => {
    const plans = { published: async () => ON_SALE };
    const reply = refused('subscription_required', { planIds: [], category: 'spa', slotId: 'slt' });
    expect(await namePlans({ plans, log: SILENT }, reply)).toEqual(
      refused('subscription_required', { slotId: 'slt', plans: named('all', 'every') }),
    );
  });

  test('is refused all the same when the plans cannot be read', async () => {
    const plans = { published: () => Promise.reject(new Error('down')) };
    const reply = refused('subscription_required', { planIds: [], category: 'spa' });
    expect(await namePlans({ plans, log: SILENT }, reply)).toEqual(
      refused('subscription_required', { plans: [] }),
    );
  });

  test('any other answer passes, and asks for no plan', async () => {
    const plans = { published: () => Promise.reject(new Error('nobody asks')) };
    const other = refused('quota_exhausted', { feature: 'bookings.perPeriod' });
    expect(await namePlans({ plans, log: SILENT }, other)).toBe(other);
    const held = { ok: true, status: 201, value: null, replayed: false } as const;
    expect(await namePlans({ plans, log: SILENT }, held)).toBe(held);
  });
});
