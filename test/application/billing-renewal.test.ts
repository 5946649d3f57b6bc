/** Renewal, and what happens when a period is not paid: tries, grace, suspension, the end, and the way back. */
import { describe, expect, it } from 'vitest';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { changePlan } from '../../src/application/billing/change-plan.ts';
import { cancelSubscription } from '../../src/application/billing/end-subscription.ts';
import { payInvoice } from '../../src/application/billing/pay-invoice.ts';
import { setPaymentMethod } from '../../src/application/billing/payment-method.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
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

const START = '2026-01-31T10:00:00Z';
const DUE_MS = Date.parse('2026-02-28T10:00:00Z');

function shopOn31January(): BillingShop {
  return makeBillingShop({ nowMs: Date.parse(START) });
}

/** A subscription whose card is declined when its second period is due. */
async function lapsing(shop: BillingShop, behaviour: string = METHODS.declines) {
  const subscription = await subscribe(shop);
  shop.gateway.recurring.turn('pm_kept_1', behaviour);
  shop.clock.set(DUE_MS);
  await shop.run();
  return subscription;
}

function captures(shop: BillingShop): number[] {
  return [...shop.gateway.objects.values()].map(({ capturedMinor }) => capturedMinor);
}

describe('a renewal', () => {
  it('comes at the end of the period, not before, and the 31st comes back after February', async () => {
    const shop = shopOn31January();
    const { id } = await subscribe(shop);
    shop.clock.set(DUE_MS - 1);
    await shop.run();
    expect(captures(shop)).toEqual([3_000]);
    for (const dueAt of ['2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31']) {
      shop.clock.set(Date.parse(`${dueAt}T10:00:00Z`));
      await shop.run();
    }
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(captures(shop)).toEqual([3_000, 3_000, 3_000, 3_000, 3_000]);
    expect(invoices.map(({ periodStartMs }) => new Date(periodStartMs).toISOString())).toEqual([
      '2026-01-31T10:00:00.000Z',
      '2026-02-28T10:00:00.000Z',
      '2026-03-31T10:00:00.000Z',
      '2026-04-30T10:00:00.000Z',
      '2026-05-31T10:00:00.000Z',
    ]);
    expect(subscription.currentPeriodEndMs).toBe(Date.parse('2026-06-30T10:00:00Z'));
  });

  it('is made once by any number of runs at any time', async () => {
    const shop = shopOn31January();
    const { id } = await subscribe(shop);
    shop.clock.set(DUE_MS);
    await Promise.all([shop.run(), shop.run(), shop.run()]);
    await shop.pass(MINUTE_MS);
    expect(captures(shop)).toEqual([3_000, 3_000]);
    expect((await booksOf(shop, { id })).invoices).toHaveLength(2);
  });

  it('that the cron missed for months is made up period by period', async () => {
    const shop = shopOn31January();
    const { id } = await subscribe(shop);
    shop.clock.set(Date.parse('2026-05-01T10:00:00Z'));
    await shop.run();
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(invoices.map(({ periodIndex }) => periodIndex)).toEqual([0, 1, 2, 3]);
    expect(subscription.currentPeriodEndMs).toBe(Date.parse('2026-05-31T10:00:00Z'));
    expect(captures(shop)).toEqual([3_000, 3_000, 3_000, 3_000]);
  });

  it('of a free plan makes an invoice of nothing and calls nobody', async () => {
    const shop = shopOn31January();
    const { id } = await subscribe(shop, { priceMinor: 0 }, { payment: null });
    shop.clock.set(DUE_MS);
    await shop.run();
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(subscription).toMatchObject({ state: 'active', periodIndex: 1 });
    expect(invoices.map(({ state, totalMinor }) => [state, totalMinor])).toEqual([
      ['paid', 0],
      ['paid', 0],
    ]);
    expect(shop.gateway.calls).toEqual([]);
  });

  it('leaves no gap in access while it runs late, and moves the period that is counted', async () => {
    const shop = shopOn31January();
    const { userId } = await subscribe(shop);
    const member = shop.members.member(userId);
    shop.clock.set(DUE_MS + 6 * DAY_MS);
    expect(member.grants(shop.clock.nowMs())).not.toBeNull();
    await shop.run();
    expect(member.grants(shop.clock.nowMs())).toMatchObject({
      periodStartMs: DUE_MS,
      periodEndMs: Date.parse('2026-03-31T10:00:00Z'),
    });
  });

  it('bills the version that the operator moved the subscribers to', async () => {
    const shop = shopOn31January();
    const { id, planId, userId } = await subscribe(shop);
    shop.plans.sell({ planId, priceMinor: 4_500, entitlements: { 'window.days': 30 } });
    shop.plans.migrate(planId);
    await advanceSubscription(shop.deps, { subscriptionId: id, cause: 'queue', look: false });
    expect(shop.members.member(userId).grants(shop.clock.nowMs())?.features).toEqual({
      'window.days': 30,
    });
    expect(captures(shop)).toEqual([3_000]);
    shop.clock.set(DUE_MS);
    await shop.run();
    expect(captures(shop)).toEqual([3_000, 4_500]);
  });

  it('of a version with another interval begins where the paid period ends', async () => {
    const shop = shopOn31January();
    const { id, planId } = await subscribe(shop);
    for (const dueAt of ['2026-02-28', '2026-03-31']) {
      shop.clock.set(Date.parse(`${dueAt}T10:00:00Z`));
      await shop.run();
    }
    shop.plans.sell({ planId, priceMinor: 30_000, interval: { unit: 'year', count: 1 } });
    shop.plans.migrate(planId);
    await advanceSubscription(shop.deps, { subscriptionId: id, cause: 'queue', look: false });
    shop.clock.set(Date.parse('2026-04-30T10:00:00Z'));
    await shop.run();
    expect((await booksOf(shop, { id })).subscription).toMatchObject({
      currentPeriodStartMs: Date.parse('2026-04-30T10:00:00Z'),
      currentPeriodEndMs: Date.parse('2027-04-30T10:00:00Z'),
    });
  });
});

describe('a period that is not paid', () => {
  it('is tried again by the schedule, keeps access for the grace, then none, then ends', async () => {
    const shop = shopOn31January();
    const { id, userId } = await lapsing(shop);
    const member = shop.members.member(userId);
    const story: [number, string, number, boolean][] = [];
    for (let day = 0; day <= 28; day += 1) {
      shop.clock.set(DUE_MS + day * DAY_MS);
      await shop.run();
      const { subscription, charges } = await booksOf(shop, { id });
      const hasAccess = member.grants(shop.clock.nowMs()) !== null;
      const last = story.at(-1);
      const now = [day, subscription.state, charges.length - 1, hasAccess] as const;
      if (last === undefined || now.slice(1).some((value, index) => value !== last[index + 1]))
        story.push([...now]);
    }
    expect(story).toEqual([
      [0, 'past_due', 1, true],
      [1, 'past_due', 2, true],
      [3, 'past_due', 3, true],
      [5, 'past_due', 4, true],
      [7, 'suspended', 4, false],
      [28, 'cancelled', 4, false],
    ]);
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(invoices.at(-1)).toMatchObject({ state: 'uncollectible', number: null, declines: 4 });
    expect(subscription.dueAtMs).toBeNull();
    expect(shop.store().notices.map(({ kind }) => kind)).toEqual([
      'subscription_started',
      'payment_failed',
      'payment_failed',
      'payment_failed',
      'payment_failed',
      'subscription_suspended',
      'subscription_ended',
    ]);
  });

  it('loses access at the end of the grace even when no cron ran at all', async () => {
    const shop = shopOn31January();
    const { userId } = await subscribe(shop);
    const member = shop.members.member(userId);
    expect(member.grants(DUE_MS + 7 * DAY_MS - 1)).not.toBeNull();
    expect(member.grants(DUE_MS + 7 * DAY_MS)).toBeNull();
  });

  it('that is paid at last pays the same period, so that nothing is given away and nothing is paid twice', async () => {
    const shop = shopOn31January();
    const { id, userId } = await lapsing(shop);
    shop.clock.set(DUE_MS + 10 * DAY_MS);
    await shop.run();
    expect((await booksOf(shop, { id })).subscription.state).toBe('suspended');
    const asked = { caller: shop.caller(), subscriptionId: id, payment: card('pm_other') };
    const { subscription } = valueOf(await setPaymentMethod(shop.deps, asked));
    expect(subscription).toMatchObject({
      state: 'active',
      currentPeriodStartMs: DUE_MS,
      currentPeriodEndMs: Date.parse('2026-03-31T10:00:00Z'),
      method: { ref: 'pm_kept_2' },
    });
    const { invoices } = await booksOf(shop, { id });
    expect(invoices.map(({ state }) => state)).toEqual(['paid', 'paid']);
    expect(shop.members.member(userId).grants(shop.clock.nowMs())).not.toBeNull();
  });

  it('recovers by itself when a later try succeeds', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop);
    shop.gateway.recurring.turn('pm_kept_1', 'pm_good');
    await shop.pass(DAY_MS);
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(subscription).toMatchObject({ state: 'active', currentPeriodStartMs: DUE_MS });
    expect(invoices.at(-1)).toMatchObject({ state: 'paid', declines: 1, number: 'HF-000002' });
  });

  it('with a card that is declined for good is not tried again until there is another card', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop, METHODS.lost);
    const tried = shop.gateway.objects.size;
    for (let day = 1; day <= 6; day += 1) await shop.pass(DAY_MS);
    expect(shop.gateway.objects.size).toBe(tried);
    expect((await booksOf(shop, { id })).openInvoice).toMatchObject({
      need: 'new_method',
      nextAttemptAtMs: null,
    });
    expect(shop.store().notices.at(-1)?.kind).toBe('new_card_needed');
    const asked = { caller: shop.caller(), subscriptionId: id, payment: card('pm_other') };
    expect(valueOf(await setPaymentMethod(shop.deps, asked)).subscription.state).toBe('active');
  });

  it('that the bank wants the payer for is paid by them over the link, once', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop, METHODS.asksPayer);
    const { openInvoice } = await booksOf(shop, { id });
    expect(openInvoice).toMatchObject({ need: 'authentication', declines: 0 });
    const link = {
      invoiceId: openInvoice?.id ?? '',
      token: openInvoice?.payToken ?? '',
      returnUrl: 'https://shop.test/back',
    };
    const asked = valueOf(await payInvoice(shop.deps, link));
    expect(asked.charge).toMatchObject({ state: 'action_required', isOffSession: false });
    valueOf(await payInvoice(shop.deps, link));
    const [, , payment] = [...shop.gateway.objects.keys()];
    shop.gateway.payerApproves(payment ?? '');
    await advanceSubscription(shop.deps, { subscriptionId: id, cause: 'confirm', look: true });
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
    expect(captures(shop)).toEqual([3_000, 0, 3_000]);
    expect(codeOf(await payInvoice(shop.deps, link))).toBe('invalid_transition');
  });

  it('cannot be paid with a wrong secret', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop, METHODS.asksPayer);
    const { openInvoice } = await booksOf(shop, { id });
    const link = { invoiceId: openInvoice?.id ?? '', token: 'guess', returnUrl: '' };
    expect(codeOf(await payInvoice(shop.deps, link))).toBe('not_found');
  });

  it('gives the payer their time at the bank for a new card, though the paid period is over', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop);
    const payment = card(METHODS.asksOnce);
    const asked = { caller: shop.caller(), subscriptionId: id, payment };
    const { charge } = valueOf(await setPaymentMethod(shop.deps, asked));
    expect(charge).toMatchObject({ purpose: 'setup', state: 'action_required' });
    await shop.pass(HOUR_MS);
    shop.gateway.recurring.payerKeeps('stripe_setup_1');
    await advanceSubscription(shop.deps, { subscriptionId: id, cause: 'confirm', look: true });
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
    expect(captures(shop)).toEqual([3_000, 0, 3_000]);
  });

  it('goes on with the old card when the payer never answered for the new one', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop);
    const payment = card(METHODS.asksOnce);
    await setPaymentMethod(shop.deps, { caller: shop.caller(), subscriptionId: id, payment });
    for (let hour = 0; hour < 26; hour += 1) await shop.pass(HOUR_MS);
    const { subscription, charges, openInvoice } = await booksOf(shop, { id });
    expect(subscription).toMatchObject({ state: 'past_due', method: { ref: 'pm_kept_1' } });
    expect(charges).toHaveLength(3);
    expect(openInvoice?.declines).toBe(2);
  });

  it('with an invoice page that is open while a new card is kept asks to wait for that', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop);
    const payment = card(METHODS.asksOnce);
    await setPaymentMethod(shop.deps, { caller: shop.caller(), subscriptionId: id, payment });
    const { openInvoice } = await booksOf(shop, { id });
    const link = {
      invoiceId: openInvoice?.id ?? '',
      token: openInvoice?.payToken ?? '',
      returnUrl: '',
    };
    expect(codeOf(await payInvoice(shop.deps, link))).toBe('payment_in_progress');
  });

  it('refuses a card that is refused, and keeps the old one', async () => {
    const shop = shopOn31January();
    const { id } = await subscribe(shop);
    const payment = card(METHODS.declines);
    const asked = { caller: shop.caller(), subscriptionId: id, payment };
    expect(codeOf(await setPaymentMethod(shop.deps, asked))).toBe('payment_declined');
    expect((await booksOf(shop, { id })).subscription.method?.ref).toBe('pm_kept_1');
  });

  it('ends at once when it is cancelled, and what comes in later goes back', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop);
    const order = { caller: shop.caller(), subscriptionId: id, atPeriodEnd: true };
    expect(valueOf(await cancelSubscription(shop.deps, order)).subscription.state).toBe(
      'cancelled',
    );
    expect((await booksOf(shop, { id })).invoices.at(-1)?.state).toBe('void');
  });

  it('changes no plan', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop);
    const { planId } = shop.plans.sell({ priceMinor: 9_000 });
    const order = { caller: shop.caller(), subscriptionId: id, planId, returnUrl: null };
    expect(codeOf(await changePlan(shop.deps, order))).toBe('invalid_transition');
  });

  it('waits for its first try before it is given up, however late the cron is', async () => {
    const shop = shopOn31January();
    const { id } = await subscribe(shop);
    shop.clock.set(DUE_MS + 29 * DAY_MS);
    await shop.run();
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
  });

  it('waits for money that takes days, past the grace, without a second try', async () => {
    const shop = shopOn31January();
    const { id } = await lapsing(shop, METHODS.takesTime);
    const tries = shop.gateway.objects.size;
    for (let day = 1; day <= 9; day += 1) await shop.pass(DAY_MS);
    expect(shop.gateway.objects.size).toBe(tries);
    const [, payment] = [...shop.gateway.objects.values()];
    if (payment !== undefined) Object.assign(payment, { state: 'captured', capturedMinor: 3_000 });
    await shop.pass(HOUR_MS);
    expect((await booksOf(shop, { id })).subscription).toMatchObject({
      state: 'active',
      currentPeriodStartMs: DUE_MS,
    });
  });
});
