/** How a subscription begins: what is paid, what is kept, what a refusal leaves behind, and who has access from when on. */
import { describe, expect, it } from 'vitest';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { cancelSubscription } from '../../src/application/billing/end-subscription.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import {
  ask,
  booksOf,
  card,
  codeOf,
  makeBillingShop,
  subscribe,
  valueOf,
} from '../support/billing-shop.ts';
import { METHODS } from '../support/fake-processor.ts';

describe('a sign-up', () => {
  it('takes the price once, starts the period, and gives access before it answers', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell({ priceMinor: 3_000 });
    const { subscription } = valueOf(await ask(shop, planId));
    expect(subscription).toMatchObject({
      state: 'active',
      planId,
      periodIndex: 0,
      currentPeriodStartMs: Date.parse('2026-11-21T12:00:00Z'),
      currentPeriodEndMs: Date.parse('2026-12-21T12:00:00Z'),
      leaseUntilMs: 0,
      dueAtMs: Date.parse('2026-12-21T12:00:00Z'),
    });
    const { invoices, charges } = await booksOf(shop, subscription);
    expect(invoices).toMatchObject([{ state: 'paid', number: 'HF-000001', totalMinor: 3_000 }]);
    expect(charges).toMatchObject([{ state: 'succeeded', amountMinor: 3_000 }]);
    expect([...shop.gateway.objects.values()]).toMatchObject([
      { state: 'captured', capturedMinor: 3_000 },
    ]);
    const granted = shop.members.member(shop.caller().id).grants(shop.clock.nowMs());
    expect(granted).toMatchObject({
      planId,
      subscriptionId: subscription.id,
      features: { 'access.members': true },
      validUntilMs: subscription.currentPeriodEndMs + 7 * DAY_MS,
    });
  });

  it('keeps what the payer paid with for later periods', async () => {
    const shop = makeBillingShop();
    const { method } = await subscribe(shop);
    expect(method).toEqual({ processor: 'stripe', ref: 'pm_kept_1' });
    expect(shop.gateway.recurring.kept.get('pm_kept_1')?.isSetUp).toBe(true);
  });

  it('for a free plan calls no processor', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell({ priceMinor: 0 });
    const { subscription } = valueOf(await ask(shop, planId, { payment: null }));
    expect(subscription.state).toBe('active');
    expect(shop.gateway.calls).toEqual([]);
    expect(shop.members.member(shop.caller().id).grants(shop.clock.nowMs())?.planId).toBe(planId);
  });

  it('is told to name a payment where money is due', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    expect(codeOf(await ask(shop, planId, { payment: null }))).toBe('payment_required');
    expect(shop.store().subscriptions).toEqual([]);
  });

  it('through a processor that this shop does not have is refused and writes nothing', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const payment = { ...card(), processor: 'paypal' } as const;
    expect(codeOf(await ask(shop, planId, { payment }))).toBe('processor_not_supported');
    expect(shop.store().subscriptions).toEqual([]);
  });

  it('finds only plans that are on sale, and only genuine ids', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    shop.plans.retire(planId);
    expect(codeOf(await ask(shop, planId))).toBe('not_found');
    expect(codeOf(await ask(shop, 'pln_g0000000000000000000000000000000'))).toBe('not_found');
  });

  it('that is declined keeps nothing, and the member may try again', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const declined = await ask(shop, planId, { payment: card(METHODS.declines) });
    expect(declined).toMatchObject({
      ok: false,
      refusal: { code: 'payment_declined', extra: { declineCode: 'card_declined' } },
    });
    const [subscription] = shop.store().subscriptions;
    expect(subscription).toMatchObject({ state: 'expired', method: null, dueAtMs: null });
    expect(await booksOf(shop, subscription ?? { id: '' })).toMatchObject({
      invoices: [{ state: 'void', number: null }],
      open: [],
    });
    const member = shop.members.member(shop.caller().id);
    expect(member.grants(shop.clock.nowMs())).toBeNull();
    shop.clock.advance(MINUTE_MS);
    expect(valueOf(await ask(shop, planId)).subscription.state).toBe('active');
    expect(member.grants(shop.clock.nowMs())?.planId).toBe(planId);
  });

  it('with the same key after a decline is declined again without a second charge', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const wish = { key: 'k1', payment: card(METHODS.declines) };
    expect(codeOf(await ask(shop, planId, wish))).toBe('payment_declined');
    expect(codeOf(await ask(shop, planId, wish))).toBe('payment_declined');
    expect(shop.gateway.objects.size).toBe(1);
  });

  it('waits for a payer whose bank asks them, and begins when they have answered', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const asked = valueOf(await ask(shop, planId, { payment: card(METHODS.asksPayer) }));
    expect(asked.subscription.state).toBe('incomplete');
    expect(asked.charge).toMatchObject({ state: 'action_required', action: { type: 'redirect' } });
    const member = shop.members.member(shop.caller().id);
    expect(member.grants(shop.clock.nowMs())).toBeNull();
    shop.gateway.payerApproves('stripe_1');
    const { id } = asked.subscription;
    await advanceSubscription(shop.deps, { subscriptionId: id, cause: 'confirm', look: true });
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
    expect(member.grants(shop.clock.nowMs())?.planId).toBe(planId);
  });

  it('whose payer never answers is given up after 23 hours and frees the place', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const { subscription } = valueOf(await ask(shop, planId, { payment: card(METHODS.asksPayer) }));
    await shop.pass(23 * HOUR_MS - 1);
    expect((await booksOf(shop, subscription)).subscription.state).toBe('incomplete');
    await shop.pass(1);
    const after = await booksOf(shop, subscription);
    expect(after.subscription).toMatchObject({ state: 'expired', dueAtMs: null });
    expect(after.charges).toMatchObject([{ state: 'cancelled' }]);
    expect(shop.gateway.objectOf('stripe_1').state).toBe('voided');
    expect(valueOf(await ask(shop, planId)).subscription.state).toBe('active');
  });

  it('without a chosen method shows the payer what the processor needs of them', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const { subscription, charge } = valueOf(await ask(shop, planId, { payment: card(null) }));
    expect(subscription.state).toBe('incomplete');
    expect(charge?.action).toEqual({ type: 'sdk', clientSecret: 'stripe_1_secret' });
    shop.gateway.payerApproves('stripe_1');
    const subscriptionId = subscription.id;
    await advanceSubscription(shop.deps, { subscriptionId, cause: 'webhook', look: true });
    expect((await booksOf(shop, subscription)).subscription.state).toBe('active');
  });

  it('can be cancelled while its payer is asked, and what they pay then goes back', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const asked = valueOf(await ask(shop, planId, { payment: card(METHODS.asksPayer) }));
    const subscriptionId = asked.subscription.id;
    shop.gateway.payerApproves('stripe_1');
    const order = { caller: shop.caller(), subscriptionId, atPeriodEnd: false };
    const ended = valueOf(await cancelSubscription(shop.deps, order));
    expect(ended.subscription.state).toBe('cancelled');
    expect(shop.gateway.objectOf('stripe_1')).toMatchObject({
      capturedMinor: 3_000,
      refundedMinor: 3_000,
    });
  });
});

describe('a second sign-up', () => {
  it('meets the first one of the same group, whatever the plan', async () => {
    const shop = makeBillingShop();
    const first = await subscribe(shop);
    const other = shop.plans.sell({ name: 'Gold', priceMinor: 9_000 });
    expect(await ask(shop, other.planId)).toMatchObject({
      ok: false,
      refusal: {
        code: 'subscription_exists',
        extra: { subscriptionId: first.id, status: 'active' },
      },
    });
    expect(shop.gateway.objects.size).toBe(1);
  });

  it('of another group stands beside it', async () => {
    const shop = makeBillingShop();
    await subscribe(shop);
    await subscribe(shop, { group: 'parking' });
    const member = shop.members.member(shop.caller().id);
    expect(member.grants(shop.clock.nowMs(), 'membership')).not.toBeNull();
    expect(member.grants(shop.clock.nowMs(), 'parking')).not.toBeNull();
  });

  it('at the same moment makes one subscription and one charge', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const answers = await Promise.all([ask(shop, planId), ask(shop, planId), ask(shop, planId)]);
    expect(answers.map((answer) => codeOf(answer)).toSorted()).toEqual([
      'accepted',
      'subscription_exists',
      'subscription_exists',
    ]);
    expect(shop.gateway.objects.size).toBe(1);
  });

  it('with the same key is the first one again', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const first = valueOf(await ask(shop, planId, { key: 'k1' }));
    const again = valueOf(await ask(shop, planId, { key: 'k1' }));
    expect(again.subscription).toEqual(first.subscription);
    expect(shop.gateway.objects.size).toBe(1);
  });

  it('of somebody in the European Union lives apart', async () => {
    const shop = makeBillingShop();
    const by = shop.caller('eve', 'eu');
    const subscription = await subscribe(shop, {}, { by });
    expect(subscription.id).toMatch(/^sub_e/);
    expect(shop.store('global').subscriptions).toEqual([]);
    expect((await booksOf(shop, subscription)).invoices[0]?.number).toBe('HFE-000001');
  });
});

describe('a trial', () => {
  const TRIAL = { trialDays: 14 };

  it('keeps a method, takes no money, and lasts its days', async () => {
    const shop = makeBillingShop();
    const subscription = await subscribe(shop, TRIAL);
    expect(subscription).toMatchObject({
      state: 'trialing',
      trialEndMs: shop.clock.nowMs() + 14 * DAY_MS,
      currentPeriodEndMs: shop.clock.nowMs() + 14 * DAY_MS,
      method: { processor: 'stripe', ref: 'pm_kept_1' },
    });
    expect(shop.gateway.objects.size).toBe(0);
    expect(shop.gateway.recurring.setups.size).toBe(1);
    const granted = shop.members.member(shop.caller().id).grants(shop.clock.nowMs());
    expect(granted?.validUntilMs).toBe(subscription.currentPeriodEndMs + 7 * DAY_MS);
  });

  it('becomes a paid period counted from its end', async () => {
    const shop = makeBillingShop();
    const { id, currentPeriodEndMs } = await subscribe(shop, TRIAL);
    await shop.pass(14 * DAY_MS);
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(subscription).toMatchObject({
      state: 'active',
      periodIndex: 0,
      anchorAtMs: currentPeriodEndMs,
      currentPeriodStartMs: currentPeriodEndMs,
      currentPeriodEndMs: Date.parse('2027-01-05T12:00:00Z'),
    });
    expect(invoices).toMatchObject([{ state: 'paid', totalMinor: 3_000 }]);
  });

  it('that needs a method is refused without a payment', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell(TRIAL);
    expect(codeOf(await ask(shop, planId, { payment: null }))).toBe('payment_required');
  });

  it('whose method is refused keeps nothing', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell(TRIAL);
    const refused = await ask(shop, planId, { payment: card(METHODS.declines) });
    expect(codeOf(refused)).toBe('payment_declined');
    expect(shop.store().subscriptions).toMatchObject([{ state: 'expired' }]);
    expect(valueOf(await ask(shop, planId)).subscription.state).toBe('trialing');
  });

  it('begins when the payer has agreed with their bank', async () => {
    const shop = makeBillingShop();
    const subscription = await subscribe(shop, TRIAL, { payment: card(METHODS.asksOnce) });
    expect(subscription.state).toBe('incomplete');
    shop.gateway.recurring.payerKeeps('stripe_setup_1');
    const subscriptionId = subscription.id;
    await advanceSubscription(shop.deps, { subscriptionId, cause: 'confirm', look: true });
    expect((await booksOf(shop, subscription)).subscription.state).toBe('trialing');
    await shop.pass(14 * DAY_MS);
    expect((await booksOf(shop, subscription)).subscription.state).toBe('active');
  });

  it('without a method grants nothing beyond its last day and then ends', async () => {
    const shop = makeBillingShop();
    const terms = { ...TRIAL, trialNeedsMethod: false };
    const subscription = await subscribe(shop, terms, { payment: null });
    expect(subscription.state).toBe('trialing');
    const member = shop.members.member(shop.caller().id);
    expect(member.grants(shop.clock.nowMs())?.validUntilMs).toBe(subscription.currentPeriodEndMs);
    await shop.pass(14 * DAY_MS);
    expect((await booksOf(shop, subscription)).subscription.state).toBe('cancelled');
    expect(member.pushes.at(-1)).toMatchObject({ planId: null, validUntilMs: 0 });
    expect(shop.gateway.calls).toEqual([]);
  });

  it('without a method waits in a pause where the plan says so', async () => {
    const shop = makeBillingShop();
    const terms = { ...TRIAL, trialNeedsMethod: false, trialEnd: 'pause' } as const;
    const subscription = await subscribe(shop, terms, { payment: null });
    await shop.pass(14 * DAY_MS);
    expect((await booksOf(shop, subscription)).subscription).toMatchObject({
      state: 'paused',
      pausedRestMs: 0,
    });
    expect(shop.store().notices.at(-1)?.kind).toBe('new_card_needed');
  });

  it('is had once per group: the next sign-up pays at once', async () => {
    const shop = makeBillingShop();
    const { id, planId } = await subscribe(shop, TRIAL);
    const order = { caller: shop.caller(), subscriptionId: id, atPeriodEnd: false };
    valueOf(await cancelSubscription(shop.deps, order));
    shop.clock.advance(MINUTE_MS);
    const { subscription } = valueOf(await ask(shop, planId));
    expect(subscription).toMatchObject({ state: 'active', trialEndMs: null });
    expect(shop.gateway.objects.size).toBe(1);
  });
});
