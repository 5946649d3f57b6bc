/** A change of plan: at once with the difference paid, or from the next period on; and nothing at all when it is not paid. */
import { describe, expect, it } from 'vitest';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { changePlan } from '../../src/application/billing/change-plan.ts';
import {
  pauseSubscription,
  resumeSubscription,
} from '../../src/application/billing/end-subscription.ts';
import type { Subscription } from '../../src/domain/subscription/subscription.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import {
  booksOf,
  codeOf,
  makeBillingShop,
  subscribe,
  valueOf,
  type BillingShop,
} from '../support/billing-shop.ts';
import { METHODS } from '../support/fake-processor.ts';

/** November has thirty days, so that a day is a thirtieth of the price. */
const START_MS = Date.parse('2026-11-01T00:00:00Z');

function shopInNovember(): BillingShop {
  return makeBillingShop({ nowMs: START_MS });
}

function change(shop: BillingShop, { id }: Subscription, planId: string) {
  const order = { caller: shop.caller(), subscriptionId: id, planId, returnUrl: null };
  return changePlan(shop.deps, order);
}

function captures(shop: BillingShop): number[] {
  return [...shop.gateway.objects.values()].map(({ capturedMinor }) => capturedMinor);
}

describe('an upgrade', () => {
  it('charges the difference for the rest of the period and holds at once', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const gold = shop.plans.sell({
      name: 'Gold',
      priceMinor: 9_000,
      entitlements: { 'window.days': 60 },
    });
    shop.clock.advance(10 * DAY_MS);
    const { subscription } = valueOf(await change(shop, before, gold.planId));
    expect(subscription).toMatchObject({
      planId: gold.planId,
      state: 'active',
      currentPeriodStartMs: before.currentPeriodStartMs,
      currentPeriodEndMs: before.currentPeriodEndMs,
      pendingPlanId: null,
    });
    expect(captures(shop)).toEqual([3_000, 4_000]);
    const { invoices } = await booksOf(shop, before);
    expect(invoices[1]?.lines.map(({ kind, amountMinor }) => [kind, amountMinor])).toEqual([
      ['unused', -2_000],
      ['remaining', 6_000],
    ]);
    expect(shop.members.member(before.userId).grants(shop.clock.nowMs())?.features).toEqual({
      'window.days': 60,
    });
    shop.clock.set(before.currentPeriodEndMs);
    await shop.run();
    expect(captures(shop)).toEqual([3_000, 4_000, 9_000]);
  });

  it('to another interval begins a new period now, less what is left of the old one', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const yearly = shop.plans.sell({
      priceMinor: 30_000,
      interval: { unit: 'year', count: 1 },
    });
    shop.clock.advance(10 * DAY_MS);
    const { subscription } = valueOf(await change(shop, before, yearly.planId));
    expect(subscription).toMatchObject({
      anchorAtMs: shop.clock.nowMs(),
      periodIndex: 0,
      currentPeriodStartMs: shop.clock.nowMs(),
      currentPeriodEndMs: Date.parse('2027-11-11T00:00:00Z'),
    });
    expect(captures(shop)).toEqual([3_000, 28_000]);
  });

  it('that is declined leaves the plan, its period and its access as they were', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    shop.gateway.recurring.turn('pm_kept_1', METHODS.declines);
    shop.clock.advance(10 * DAY_MS);
    expect(codeOf(await change(shop, before, gold.planId))).toBe('payment_declined');
    const after = await booksOf(shop, before);
    expect(after.subscription).toMatchObject({
      planId: before.planId,
      state: 'active',
      currentPeriodEndMs: before.currentPeriodEndMs,
    });
    expect(after.invoices.map(({ state }) => state)).toEqual(['paid', 'void']);
    expect(shop.members.member(before.userId).grants(shop.clock.nowMs())?.planId).toBe(
      before.planId,
    );
    shop.gateway.recurring.turn('pm_kept_1', 'pm_good');
    expect(valueOf(await change(shop, before, gold.planId)).subscription.planId).toBe(gold.planId);
  });

  it('that the bank asks the payer about waits for them, and lapses when they do not answer', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    shop.gateway.recurring.turn('pm_kept_1', METHODS.asksPayer);
    shop.clock.advance(HOUR_MS);
    const asked = valueOf(await change(shop, before, gold.planId));
    expect(asked.subscription.planId).toBe(before.planId);
    expect(asked.charge?.state).toBe('action_required');
    expect(codeOf(await change(shop, before, gold.planId))).toBe('invalid_transition');
    await shop.pass(23 * HOUR_MS);
    const { invoices, open } = await booksOf(shop, before);
    expect(invoices.map(({ state }) => state)).toEqual(['paid', 'void']);
    expect(open).toEqual([]);
  });

  it('that its payer answers holds from then on', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    shop.gateway.recurring.turn('pm_kept_1', METHODS.asksPayer);
    valueOf(await change(shop, before, gold.planId));
    shop.gateway.payerApproves('stripe_2');
    const subscriptionId = before.id;
    await advanceSubscription(shop.deps, { subscriptionId, cause: 'confirm', look: true });
    expect((await booksOf(shop, before)).subscription.planId).toBe(gold.planId);
  });

  it('gives credit only for what was paid, though the plan became dearer meanwhile', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    shop.plans.sell({ planId: before.planId, priceMinor: 6_000 });
    shop.plans.migrate(before.planId);
    const subscriptionId = before.id;
    await advanceSubscription(shop.deps, { subscriptionId, cause: 'queue', look: false });
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    shop.clock.advance(10 * DAY_MS);
    valueOf(await change(shop, before, gold.planId));
    expect(captures(shop)).toEqual([3_000, 4_000]);
  });

  it('after a pause splits the price by the time that was paid', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const order = { caller: shop.caller(), subscriptionId: before.id };
    shop.clock.advance(10 * DAY_MS);
    valueOf(await pauseSubscription(shop.deps, order));
    shop.clock.advance(40 * DAY_MS);
    valueOf(await resumeSubscription(shop.deps, order));
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    valueOf(await change(shop, before, gold.planId));
    expect(captures(shop)).toEqual([3_000, 4_000]);
  });

  it('takes the place of a downgrade that was to come', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const basic = shop.plans.sell({ priceMinor: 1_000 });
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    valueOf(await change(shop, before, basic.planId));
    valueOf(await change(shop, before, gold.planId));
    shop.clock.set(before.currentPeriodEndMs);
    await shop.run();
    expect((await booksOf(shop, before)).subscription.planId).toBe(gold.planId);
  });
});

describe('a downgrade', () => {
  it('comes with the next period, and until then everything stays', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const basic = shop.plans.sell({ priceMinor: 1_000 });
    const { subscription } = valueOf(await change(shop, before, basic.planId));
    expect(subscription).toMatchObject({ planId: before.planId, pendingPlanId: basic.planId });
    expect(captures(shop)).toEqual([3_000]);
    const member = shop.members.member(before.userId);
    expect(member.grants(shop.clock.nowMs())?.planId).toBe(before.planId);
    shop.clock.set(before.currentPeriodEndMs);
    await shop.run();
    expect((await booksOf(shop, before)).subscription).toMatchObject({
      planId: basic.planId,
      pendingPlanId: null,
    });
    expect(captures(shop)).toEqual([3_000, 1_000]);
    expect(member.grants(shop.clock.nowMs())?.planId).toBe(basic.planId);
  });

  it('to a shorter interval counts from the end of the paid period', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const weekly = shop.plans.sell({ priceMinor: 900, interval: { unit: 'week', count: 1 } });
    valueOf(await change(shop, before, weekly.planId));
    shop.clock.set(before.currentPeriodEndMs + 7 * DAY_MS);
    await shop.run();
    expect((await booksOf(shop, before)).subscription).toMatchObject({
      periodIndex: 1,
      currentPeriodStartMs: before.currentPeriodEndMs + 7 * DAY_MS,
      currentPeriodEndMs: before.currentPeriodEndMs + 14 * DAY_MS,
    });
    expect(captures(shop)).toEqual([3_000, 900, 900]);
  });

  it('is taken back by asking for the plan that one has', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const basic = shop.plans.sell({ priceMinor: 1_000 });
    valueOf(await change(shop, before, basic.planId));
    const back = valueOf(await change(shop, before, before.planId));
    expect(back.subscription.pendingPlanId).toBeNull();
    expect(codeOf(await change(shop, before, before.planId))).toBe('invalid_transition');
  });

  it('to a plan that goes off sale before it comes stays on the old one', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const basic = shop.plans.sell({ priceMinor: 1_000 });
    valueOf(await change(shop, before, basic.planId));
    shop.plans.retire(basic.planId);
    shop.clock.set(before.currentPeriodEndMs);
    await shop.run();
    expect((await booksOf(shop, before)).subscription).toMatchObject({
      planId: before.planId,
      pendingPlanId: null,
    });
    expect(captures(shop)).toEqual([3_000, 3_000]);
  });

  it('that holds at once gives credit, which the next invoices use up', async () => {
    const shop = shopInNovember();
    const changePolicy = { upgrade: 'now', downgrade: 'now', trial: 'now' } as const;
    const before = await subscribe(shop, { priceMinor: 9_000, changePolicy });
    const basic = shop.plans.sell({ priceMinor: 1_500 });
    shop.clock.advance(10 * DAY_MS);
    const { subscription } = valueOf(await change(shop, before, basic.planId));
    expect(subscription).toMatchObject({ planId: basic.planId, creditMinor: 5_000 });
    for (const [dueAt, creditMinor] of [
      ['2026-12-01', 3_500],
      ['2027-01-01', 2_000],
      ['2027-02-01', 500],
      ['2027-03-01', 0],
      ['2027-04-01', 0],
    ] as const) {
      shop.clock.set(Date.parse(`${dueAt}T00:00:00Z`));
      await shop.run();
      expect((await booksOf(shop, before)).subscription).toMatchObject({
        state: 'active',
        creditMinor,
      });
    }
    expect(captures(shop)).toEqual([9_000, 1_000, 1_500]);
  });
});

describe('a change while the trial runs', () => {
  it('holds at once, costs nothing, and is billed at the end of the trial', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, { trialDays: 14 });
    const gold = shop.plans.sell({ priceMinor: 30_000, interval: { unit: 'year', count: 1 } });
    const { subscription } = valueOf(await change(shop, before, gold.planId));
    expect(subscription).toMatchObject({ state: 'trialing', planId: gold.planId });
    await shop.pass(14 * DAY_MS);
    expect((await booksOf(shop, before)).subscription).toMatchObject({
      state: 'active',
      currentPeriodStartMs: START_MS + 14 * DAY_MS,
      currentPeriodEndMs: Date.parse('2027-11-15T00:00:00Z'),
    });
    expect(captures(shop)).toEqual([30_000]);
  });
});

describe('a change that cannot be', () => {
  it('to another group or currency is refused', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const parking = shop.plans.sell({ group: 'parking' });
    const euros = shop.plans.sell({ currency: 'eur' });
    expect(codeOf(await change(shop, before, parking.planId))).toBe('invalid_transition');
    expect(codeOf(await change(shop, before, euros.planId))).toBe('invalid_transition');
  });

  it('of somebody else is not found', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    const caller = shop.caller('bob');
    const order = { caller, subscriptionId: before.id, planId: gold.planId, returnUrl: null };
    expect(codeOf(await changePlan(shop.deps, order))).toBe('not_found');
  });

  it('from a free plan to a paid one needs a way to pay', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, { priceMinor: 0 }, { payment: null });
    const gold = shop.plans.sell({ priceMinor: 9_000 });
    expect(codeOf(await change(shop, before, gold.planId))).toBe('payment_required');
    expect((await booksOf(shop, before)).invoices).toHaveLength(1);
  });
});
