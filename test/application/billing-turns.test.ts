/**
 * Who is first, twice or late makes no difference: commands meet calls under way, money comes after the end, and the
 * member's object learns of every change in an order that nobody can turn around.
 */
import { describe, expect, it } from 'vitest';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { changePlan } from '../../src/application/billing/change-plan.ts';
import {
  cancelSubscription,
  pauseSubscription,
  resumeSubscription,
} from '../../src/application/billing/end-subscription.ts';
import { setOverrides } from '../../src/application/billing/set-overrides.ts';
import { CHAIN_START, verifyChain, type ChainState } from '../../src/domain/chain.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/time.ts';
import {
  ask,
  booksOf,
  card,
  codeOf,
  makeBillingShop,
  subscribe,
  valueOf,
  type BillingShop,
} from '../support/billing-shop.ts';
import { METHODS } from '../support/fake-processor.ts';

/** Does something once, while the processor is at work on the next confirmation. */
function during(shop: BillingShop, act: () => Promise<unknown>): void {
  const { recurring } = shop.gateway;
  const original = recurring.confirmCharge.bind(recurring);
  recurring.confirmCharge = async (request) => {
    recurring.confirmCharge = original;
    await act();
    return original(request);
  };
}

describe('money that comes late', () => {
  it('for a sign-up that expired goes back once, however often it is told', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const { subscription } = valueOf(await ask(shop, planId, { payment: card(METHODS.asksPayer) }));
    await shop.pass(23 * HOUR_MS);
    const { charges } = await booksOf(shop, subscription);
    const [charge] = charges;
    expect(charge?.state).toBe('cancelled');
    Object.assign(shop.gateway.objectOf('stripe_1'), { state: 'captured', capturedMinor: 3_000 });
    const told = {
      subscriptionId: subscription.id,
      chargeId: charge?.id ?? '',
      cause: 'webhook',
      look: true,
    } as const;
    await Promise.all([
      advanceSubscription(shop.deps, told),
      advanceSubscription(shop.deps, told),
      advanceSubscription(shop.deps, told),
    ]);
    await shop.pass(MINUTE_MS);
    await advanceSubscription(shop.deps, told);
    expect(shop.gateway.objectOf('stripe_1')).toMatchObject({ refundedMinor: 3_000 });
    const after = await booksOf(shop, subscription);
    expect(after.subscription.state).toBe('expired');
    expect(after.charges.map(({ purpose, state }) => [purpose, state])).toEqual([
      ['payment', 'succeeded'],
      ['refund', 'succeeded'],
    ]);
    expect(shop.members.member(shop.caller().id).grants(shop.clock.nowMs())).toBeNull();
  });

  it('for a try that had failed pays the invoice that is still open, and the other try is ended', async () => {
    const shop = makeBillingShop();
    const { id, currentPeriodEndMs } = await subscribe(shop);
    shop.gateway.recurring.turn('pm_kept_1', METHODS.declines);
    shop.clock.set(currentPeriodEndMs);
    await shop.run();
    const failed = (await booksOf(shop, { id })).charges.at(-1);
    shop.gateway.recurring.turn('pm_kept_1', METHODS.takesTime);
    await shop.pass(DAY_MS);
    Object.assign(shop.gateway.objectOf('stripe_2'), { state: 'captured', capturedMinor: 3_000 });
    const chargeId = failed?.id ?? '';
    await advanceSubscription(shop.deps, {
      subscriptionId: id,
      chargeId,
      cause: 'webhook',
      look: true,
    });
    expect((await booksOf(shop, { id })).subscription).toMatchObject({
      state: 'active',
      currentPeriodStartMs: currentPeriodEndMs,
    });
    Object.assign(shop.gateway.objectOf('stripe_3'), { state: 'captured', capturedMinor: 3_000 });
    for (let hour = 0; hour < 3; hour += 1) await shop.pass(HOUR_MS);
    const paid = [...shop.gateway.objects.values()].map(
      ({ capturedMinor, refundedMinor }) => capturedMinor - refundedMinor,
    );
    expect(paid).toEqual([3_000, 3_000, 0]);
    const { subscription, open } = await booksOf(shop, { id });
    expect(open).toEqual([]);
    expect(subscription.dueAtMs).toBe(subscription.currentPeriodEndMs);
  });

  it('that is not what was asked for goes back, and the invoice stays unpaid', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const { subscription } = valueOf(await ask(shop, planId, { payment: card(METHODS.asksPayer) }));
    Object.assign(shop.gateway.objectOf('stripe_1'), { state: 'captured', capturedMinor: 2_000 });
    const subscriptionId = subscription.id;
    await advanceSubscription(shop.deps, { subscriptionId, cause: 'webhook', look: true });
    expect((await booksOf(shop, subscription)).subscription.state).toBe('expired');
    expect(shop.gateway.objectOf('stripe_1').refundedMinor).toBe(2_000);
  });
});

describe('an invoice that was paid by two tries', () => {
  it('gives back of the payment that was kept, not of the one that went back already', async () => {
    const shop = makeBillingShop();
    const { id, currentPeriodEndMs } = await subscribe(shop, { cancelRefund: 'prorated' });
    shop.gateway.recurring.turn('pm_kept_1', METHODS.declines);
    shop.clock.set(currentPeriodEndMs);
    await shop.run();
    const failed = (await booksOf(shop, { id })).charges.at(-1);
    shop.gateway.recurring.turn('pm_kept_1', 'pm_good');
    await shop.pass(DAY_MS);
    Object.assign(shop.gateway.objectOf('stripe_2'), { state: 'captured', capturedMinor: 3_000 });
    const chargeId = failed?.id ?? '';
    await advanceSubscription(shop.deps, {
      subscriptionId: id,
      chargeId,
      cause: 'webhook',
      look: true,
    });
    const order = { caller: shop.caller(), subscriptionId: id, atPeriodEnd: false };
    valueOf(await cancelSubscription(shop.deps, order));
    const [, late, kept] = [...shop.gateway.objects.values()];
    expect(late).toMatchObject({ capturedMinor: 3_000, refundedMinor: 3_000 });
    // 30 of the 31 days from 21 December on are left.
    expect(kept).toMatchObject({ capturedMinor: 3_000, refundedMinor: 2_903 });
    expect((await booksOf(shop, { id })).open).toEqual([]);
  });
});

describe('a command while a call is under way', () => {
  it('is not lost: a cancelled renewal gives its money back', async () => {
    const shop = makeBillingShop();
    const { id, currentPeriodEndMs, userId } = await subscribe(shop);
    shop.clock.set(currentPeriodEndMs);
    const order = { caller: shop.caller(), subscriptionId: id, atPeriodEnd: false };
    let answer: Promise<unknown> = Promise.resolve();
    during(shop, () => {
      answer = cancelSubscription(shop.deps, order);
      return answer;
    });
    await shop.run();
    expect(await answer).toMatchObject({
      ok: true,
      value: { subscription: { state: 'cancelled' } },
    });
    const { subscription, open } = await booksOf(shop, { id });
    expect(subscription.state).toBe('cancelled');
    expect(open).toEqual([]);
    expect(shop.gateway.objectOf('stripe_2')).toMatchObject({
      capturedMinor: 3_000,
      refundedMinor: 3_000,
    });
    expect(shop.members.member(userId).grants(shop.clock.nowMs())).toBeNull();
  });

  it('takes effect before it answers, though the call goes on', async () => {
    const shop = makeBillingShop();
    const { id, currentPeriodEndMs, userId } = await subscribe(shop);
    shop.clock.set(currentPeriodEndMs);
    const caller = { id: shop.caller('op').id, roles: ['operator'] } as const;
    during(shop, async () => {
      await setOverrides(shop.deps, {
        caller,
        subscriptionId: id,
        overrides: { 'window.days': 90 },
        removals: [],
      });
      expect(shop.members.member(userId).grants(shop.clock.nowMs())?.features).toMatchObject({
        'window.days': 90,
      });
    });
    await shop.run();
    const { subscription } = await booksOf(shop, { id });
    expect(subscription).toMatchObject({ state: 'active', overrides: { 'window.days': 90 } });
    expect(shop.members.member(userId).grants(shop.clock.nowMs())).toMatchObject({
      features: { 'window.days': 90 },
      periodStartMs: currentPeriodEndMs,
    });
  });

  it('that comes twice at the same time is obeyed once', async () => {
    const shop = makeBillingShop();
    const { id } = await subscribe(shop, { cancelRefund: 'prorated' });
    const order = { caller: shop.caller(), subscriptionId: id, atPeriodEnd: false };
    const answers = await Promise.all([
      cancelSubscription(shop.deps, order),
      cancelSubscription(shop.deps, order),
    ]);
    expect(answers.map((answer) => codeOf(answer)).toSorted()).toEqual([
      'accepted',
      'invalid_transition',
    ]);
    await shop.pass(MINUTE_MS);
    expect(shop.gateway.objectOf('stripe_1').refundedMinor).toBe(3_000);
  });
});

describe('an answer that comes after the lease of its caller', () => {
  it('finds the payment counted already, and gives nothing back', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    let isFirst = true;
    const { recurring } = shop.gateway;
    const original = recurring.confirmCharge.bind(recurring);
    recurring.confirmCharge = async (request) => {
      const reply = await original(request);
      if (!isFirst) return reply;
      isFirst = false;
      shop.clock.advance(16 * SECOND_MS);
      await shop.run();
      return reply;
    };
    const { subscription } = valueOf(await ask(shop, planId));
    expect(subscription.state).toBe('active');
    expect(shop.gateway.objectOf('stripe_1')).toMatchObject({
      capturedMinor: 3_000,
      refundedMinor: 0,
    });
    expect((await booksOf(shop, subscription)).charges).toHaveLength(1);
  });
});

/** A life with every command; each of them is answered only when the member's object knows. */
async function live(shop: BillingShop) {
  const before = await subscribe(shop);
  const { id } = before;
  const gold = shop.plans.sell({ name: 'Gold', priceMinor: 9_000 });
  const order = { caller: shop.caller(), subscriptionId: id };
  const operator = { id: shop.caller('op').id, roles: ['operator'] } as const;
  const steps: (() => Promise<unknown>)[] = [
    () => changePlan(shop.deps, { ...order, planId: gold.planId, returnUrl: null }),
    () => cancelSubscription(shop.deps, { ...order, atPeriodEnd: true }),
    () => resumeSubscription(shop.deps, order),
    () => pauseSubscription(shop.deps, order),
    () => resumeSubscription(shop.deps, order),
    () =>
      setOverrides(shop.deps, {
        caller: operator,
        subscriptionId: id,
        overrides: { 'window.days': 90 },
        removals: ['access.members'],
      }),
    () => shop.pass(31 * DAY_MS),
    () => cancelSubscription(shop.deps, { ...order, atPeriodEnd: false }),
  ];
  return { before, steps };
}

describe('what a member may do', () => {
  it('is known to the member before any command answers', async () => {
    const shop = makeBillingShop();
    const { before, steps } = await live(shop);
    const member = shop.members.member(before.userId);
    for (const take of steps) {
      await take();
      const { subscription } = await booksOf(shop, before);
      expect(member.pushes.at(-1)?.version).toBe(subscription.entitlementVersion);
      expect(await shop.store().unpushed('', 10)).toEqual([]);
    }
  });

  it('is not touched any more by a subscription that is over', async () => {
    const shop = makeBillingShop();
    const before = await subscribe(shop);
    const order = { caller: shop.caller(), subscriptionId: before.id };
    valueOf(await cancelSubscription(shop.deps, { ...order, atPeriodEnd: false }));
    shop.clock.advance(HOUR_MS);
    const next = await subscribe(shop);
    shop.clock.advance(HOUR_MS);
    const caller = { id: shop.caller('op').id, roles: ['operator'] } as const;
    const change = { caller, subscriptionId: before.id, overrides: {}, removals: ['window.days'] };
    await setOverrides(shop.deps, change);
    const granted = shop.members.member(next.userId).grants(shop.clock.nowMs());
    expect(granted?.subscriptionId).toBe(next.id);
  });

  it('gets a newer version with every change, though the clock stands still', async () => {
    const shop = makeBillingShop();
    const { before, steps } = await live(shop);
    for (const take of steps) await take();
    const versions = shop.members.member(before.userId).pushes.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    expect(versions.length).toBeGreaterThan(steps.length);
  });

  it('keeps its version where nothing of it changed', async () => {
    const shop = makeBillingShop();
    const { id, userId, entitlementVersion } = await subscribe(shop);
    const basic = shop.plans.sell({ priceMinor: 1_000 });
    const order = { caller: shop.caller(), subscriptionId: id };
    valueOf(await changePlan(shop.deps, { ...order, planId: basic.planId, returnUrl: null }));
    await shop.pass(DAY_MS);
    expect((await booksOf(shop, { id })).subscription.entitlementVersion).toBe(entitlementVersion);
    expect(shop.members.member(userId).pushes.at(-1)?.version).toBe(entitlementVersion);
  });

  it('is the plan with the own values over it and without what was taken away', async () => {
    const shop = makeBillingShop();
    const entitlements = { 'access.members': true, 'window.days': 30 };
    const { id, userId } = await subscribe(shop, { entitlements });
    const caller = { id: shop.caller('op').id, roles: ['operator'] } as const;
    const change = { caller, subscriptionId: id, overrides: { 'holds.concurrent': 5 } };
    valueOf(await setOverrides(shop.deps, { ...change, removals: ['window.days'] }));
    expect(shop.members.member(userId).grants(shop.clock.nowMs())?.features).toEqual({
      'access.members': true,
      'holds.concurrent': 5,
    });
  });

  it('is on the record, link by link', async () => {
    const shop = makeBillingShop();
    const { before, steps } = await live(shop);
    for (const take of steps) await take();
    const { subscription } = await booksOf(shop, before);
    const trail = shop.store().trail(before.id);
    const { digest } = shop.deps;
    const state = trail.reduce<ChainState>(
      (chain, link) => verifyChain(digest, chain, link),
      CHAIN_START,
    );
    expect(state).toEqual({ rows: trail.length, head: subscription.chainHash, firstBad: null });
    expect(new Set(trail.map(({ actor }) => actor.split(':')[0]))).toEqual(
      new Set(['customer', 'operator', 'system']),
    );
  });
});
