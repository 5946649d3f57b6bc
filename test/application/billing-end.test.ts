/** How a subscription ends or rests: what is given back, what stays, and what cannot be commanded. */
import { describe, expect, it } from 'vitest';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { changePlan } from '../../src/application/billing/change-plan.ts';
import {
  cancelSubscription,
  pauseSubscription,
  resumeSubscription,
} from '../../src/application/billing/end-subscription.ts';
import { setPaymentMethod } from '../../src/application/billing/payment-method.ts';
import type { Subscription } from '../../src/domain/subscription/subscription.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import {
  booksOf,
  card,
  codeOf,
  makeBillingShop,
  subscribe,
  valueOf,
  type BillingShop,
} from '../support/billing-shop.ts';
import { METHODS } from '../support/fake-processor.ts';

/** November has thirty days, so that a day is a thirtieth of the price. */
const START_MS = Date.parse('2026-11-01T00:00:00Z');
const PRORATED = { cancelRefund: 'prorated' } as const;

function shopInNovember(): BillingShop {
  return makeBillingShop({ nowMs: START_MS });
}

function order(shop: BillingShop, { id }: Subscription) {
  return { caller: shop.caller(), subscriptionId: id };
}

function cancel(shop: BillingShop, subscription: Subscription, atPeriodEnd: boolean) {
  return cancelSubscription(shop.deps, { ...order(shop, subscription), atPeriodEnd });
}

function refunds(shop: BillingShop): number[] {
  return [...shop.gateway.objects.values()].map(({ refundedMinor }) => refundedMinor);
}

describe('a cancellation at the end of the period', () => {
  it('keeps access for the paid time without a grace, takes no more money, and then ends', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const { subscription } = valueOf(await cancel(shop, before, true));
    expect(subscription).toMatchObject({ state: 'active', cancelAtPeriodEnd: true });
    const member = shop.members.member(before.userId);
    expect(member.grants(shop.clock.nowMs())?.validUntilMs).toBe(before.currentPeriodEndMs);
    shop.clock.set(before.currentPeriodEndMs);
    expect(member.grants(shop.clock.nowMs())).toBeNull();
    await shop.run();
    const after = await booksOf(shop, before);
    expect(after.subscription).toMatchObject({ state: 'cancelled', dueAtMs: null });
    expect(after.invoices).toHaveLength(1);
  });

  it('can be taken back while the period runs', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    valueOf(await cancel(shop, before, true));
    valueOf(await resumeSubscription(shop.deps, order(shop, before)));
    shop.clock.set(before.currentPeriodEndMs);
    await shop.run();
    expect((await booksOf(shop, before)).subscription).toMatchObject({
      state: 'active',
      periodIndex: 1,
    });
  });

  it('gives up a change that was to come, and is changed no more', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const basic = shop.plans.sell({ priceMinor: 1_000 });
    const wish = { ...order(shop, before), planId: basic.planId, returnUrl: null };
    valueOf(await changePlan(shop.deps, wish));
    expect(valueOf(await cancel(shop, before, true)).subscription.pendingPlanId).toBeNull();
    expect(codeOf(await changePlan(shop.deps, wish))).toBe('invalid_transition');
  });

  it('of a trial ends it with the trial and costs nothing', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, { trialDays: 14 });
    valueOf(await cancel(shop, before, true));
    await shop.pass(14 * DAY_MS);
    expect((await booksOf(shop, before)).subscription.state).toBe('cancelled');
    expect(shop.gateway.objects.size).toBe(0);
  });
});

describe('a cancellation at once', () => {
  it('gives back the unused part of what was paid, once, with a credit note', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, PRORATED);
    shop.clock.advance(10 * DAY_MS);
    const { subscription } = valueOf(await cancel(shop, before, false));
    expect(subscription).toMatchObject({ state: 'cancelled', endedAtMs: shop.clock.nowMs() });
    expect(refunds(shop)).toEqual([2_000]);
    const { invoices, charges, open } = await booksOf(shop, before);
    expect(invoices).toMatchObject([{ state: 'paid', refundedMinor: 2_000 }]);
    expect(charges.map(({ purpose, state }) => [purpose, state])).toEqual([
      ['payment', 'succeeded'],
      ['refund', 'succeeded'],
    ]);
    expect(open).toEqual([]);
    expect(await shop.store().creditNotesOf(invoices[0]?.id ?? '')).toMatchObject([
      { amountMinor: 2_000, number: 'HF-CN-000001' },
    ]);
    expect(shop.members.member(before.userId).grants(shop.clock.nowMs())).toBeNull();
    expect(codeOf(await cancel(shop, before, false))).toBe('invalid_transition');
    await shop.pass(HOUR_MS);
    expect(refunds(shop)).toEqual([2_000]);
  });

  it('gives back nothing where the plan says so', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    valueOf(await cancel(shop, before, false));
    expect(refunds(shop)).toEqual([0]);
  });

  it('gives back the newest payments first, and of each no more than came in', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, PRORATED);
    const gold = shop.plans.sell({ ...PRORATED, priceMinor: 9_000 });
    shop.clock.advance(10 * DAY_MS);
    valueOf(
      await changePlan(shop.deps, {
        ...order(shop, before),
        planId: gold.planId,
        returnUrl: null,
      }),
    );
    valueOf(await cancel(shop, before, false));
    expect(refunds(shop)).toEqual([2_000, 4_000]);
  });

  it('gives back the paid time that a pause had kept', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, PRORATED);
    shop.clock.advance(10 * DAY_MS);
    valueOf(await pauseSubscription(shop.deps, order(shop, before)));
    shop.clock.advance(60 * DAY_MS);
    valueOf(await resumeSubscription(shop.deps, order(shop, before)));
    shop.clock.advance(10 * DAY_MS);
    valueOf(await cancel(shop, before, false));
    expect(refunds(shop)).toEqual([1_000]);
  });

  it('waits for a refund that takes days, and is over all the same', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, PRORATED, { payment: card(METHODS.refundPending) });
    const { subscription } = valueOf(await cancel(shop, before, false));
    expect(subscription.state).toBe('cancelled');
    expect((await booksOf(shop, before)).open).toMatchObject([{ state: 'pending' }]);
    shop.gateway.finishPending('stripe_1');
    for (let day = 0; day < 2; day += 1) await shop.pass(DAY_MS);
    expect((await booksOf(shop, before)).open).toEqual([]);
    expect(refunds(shop)).toEqual([3_000]);
  });

  it('of a member who subscribes again leaves the new subscription alone', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop, PRORATED, { payment: card(METHODS.refundPending) });
    valueOf(await cancel(shop, before, false));
    shop.clock.advance(HOUR_MS);
    const next = await subscribe(shop);
    shop.gateway.finishPending('stripe_1');
    await shop.pass(DAY_MS);
    const granted = shop.members.member(next.userId).grants(shop.clock.nowMs());
    expect(granted?.subscriptionId).toBe(next.id);
  });

  it('ends a card that was being kept, and takes no notice of it afterwards', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const payment = card(METHODS.asksOnce);
    await setPaymentMethod(shop.deps, { ...order(shop, before), payment });
    shop.gateway.recurring.payerKeeps('stripe_setup_1');
    valueOf(await cancel(shop, before, false));
    shop.clock.advance(HOUR_MS);
    const next = await subscribe(shop);
    const subscriptionId = before.id;
    await advanceSubscription(shop.deps, { subscriptionId, cause: 'webhook', look: true });
    const granted = shop.members.member(next.userId).grants(shop.clock.nowMs());
    expect(granted?.subscriptionId).toBe(next.id);
  });
});

describe('a pause', () => {
  it('stops access and billing, and the paid time that was left comes back', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    const member = shop.members.member(before.userId);
    shop.clock.advance(10 * DAY_MS);
    const paused = valueOf(await pauseSubscription(shop.deps, order(shop, before)));
    expect(paused.subscription).toMatchObject({ state: 'paused', pausedRestMs: 20 * DAY_MS });
    expect(member.grants(shop.clock.nowMs())).toBeNull();
    for (let month = 0; month < 3; month += 1) await shop.pass(30 * DAY_MS);
    expect(shop.gateway.objects.size).toBe(1);
    const { subscription } = valueOf(await resumeSubscription(shop.deps, order(shop, before)));
    expect(subscription).toMatchObject({
      state: 'active',
      pausedRestMs: null,
      currentPeriodStartMs: START_MS,
      currentPeriodEndMs: shop.clock.nowMs() + 20 * DAY_MS,
    });
    expect(member.grants(shop.clock.nowMs())).not.toBeNull();
    expect(shop.gateway.objects.size).toBe(1);
    await shop.pass(20 * DAY_MS);
    const after = await booksOf(shop, before);
    expect(after.subscription).toMatchObject({
      state: 'active',
      periodIndex: 0,
      currentPeriodStartMs: subscription.currentPeriodEndMs,
      currentPeriodEndMs: Date.parse('2027-04-01T00:00:00Z'),
    });
    expect(after.invoices).toHaveLength(2);
  });

  it('of what is not paid or is to end is refused', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    valueOf(await cancel(shop, before, true));
    expect(codeOf(await pauseSubscription(shop.deps, order(shop, before)))).toBe(
      'invalid_transition',
    );
    valueOf(await resumeSubscription(shop.deps, order(shop, before)));
    shop.gateway.recurring.turn('pm_kept_1', METHODS.declines);
    shop.clock.set(before.currentPeriodEndMs);
    await shop.run();
    expect(codeOf(await pauseSubscription(shop.deps, order(shop, before)))).toBe(
      'invalid_transition',
    );
  });

  it('is not resumed twice, and not without having been paused', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    expect(codeOf(await resumeSubscription(shop.deps, order(shop, before)))).toBe(
      'invalid_transition',
    );
    valueOf(await pauseSubscription(shop.deps, order(shop, before)));
    valueOf(await resumeSubscription(shop.deps, order(shop, before)));
    expect(codeOf(await resumeSubscription(shop.deps, order(shop, before)))).toBe(
      'invalid_transition',
    );
  });

  it('can be cancelled', async () => {
    const shop = shopInNovember();
    const before = await subscribe(shop);
    valueOf(await pauseSubscription(shop.deps, order(shop, before)));
    expect(valueOf(await cancel(shop, before, true)).subscription.state).toBe('cancelled');
  });

  it('after a trial ends with a card and a payment', async () => {
    const shop = shopInNovember();
    const terms = { trialDays: 14, trialNeedsMethod: false, trialEnd: 'pause' } as const;
    const before = await subscribe(shop, terms, { payment: null });
    await shop.pass(60 * DAY_MS);
    const wish = order(shop, before);
    expect(codeOf(await resumeSubscription(shop.deps, wish))).toBe('payment_required');
    const asked = await setPaymentMethod(shop.deps, { ...wish, payment: card(METHODS.asksOnce) });
    expect(valueOf(asked).charge?.state).toBe('action_required');
    shop.gateway.recurring.payerKeeps('stripe_setup_1');
    const subscriptionId = before.id;
    await advanceSubscription(shop.deps, { subscriptionId, cause: 'confirm', look: true });
    const { subscription } = valueOf(await resumeSubscription(shop.deps, wish));
    expect(subscription).toMatchObject({
      state: 'active',
      currentPeriodStartMs: shop.clock.nowMs(),
    });
    expect(shop.gateway.objects.size).toBe(1);
  });
});
