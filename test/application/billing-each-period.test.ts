/**
 * Subscriptions whose payer pays every period: nothing can be charged without them, so that each period is offered, an
 * offer that ran out is made again, and what is pushed is taken for what it is worth.
 */
import { describe, expect, it } from 'vitest';
import { cancelSubscription } from '../../src/application/billing/end-subscription.ts';
import { payInvoice, readPayableInvoice } from '../../src/application/billing/pay-invoice.ts';
import { setPaymentMethod } from '../../src/application/billing/payment-method.ts';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import type { PlanTerms } from '../../src/domain/subscription/plan.ts';
import { required } from '../../src/domain/assert.ts';
import {
  booksOf,
  codeOf,
  makeBillingShop,
  subscribe,
  valueOf,
  type BillingShop,
} from '../support/billing-shop.ts';

const START_MS = Date.parse('2026-11-01T00:00:00Z');
const DUE_MS = Date.parse('2026-12-01T00:00:00Z');
const PAYMENT = { processor: 'btcpay', paymentMethod: null, returnUrl: null } as const;

/** A member whose first period is paid. */
async function begin(terms: Partial<PlanTerms> = {}) {
  const shop = makeBillingShop({ nowMs: START_MS, processor: 'btcpay' });
  const { id } = await subscribe(shop, terms, { payment: PAYMENT });
  await pay(shop, id);
  return { shop, id };
}

/** The one whose second period is due. */
async function due(terms: Partial<PlanTerms> = {}) {
  const { shop, id } = await begin(terms);
  shop.clock.set(DUE_MS);
  await shop.run();
  return { shop, id };
}

function newestRef(shop: BillingShop): string {
  return required([...shop.gateway.objects.keys()].at(-1), 'something was opened');
}

function look(shop: BillingShop, subscriptionId: string) {
  return advanceSubscription(shop.deps, { subscriptionId, cause: 'webhook', look: true });
}

/** The payer pays what was offered last; all of it unless it says otherwise. */
async function pay(shop: BillingShop, id: string, amountMinor?: number): Promise<void> {
  shop.gateway.payerApproves(newestRef(shop), amountMinor);
  await look(shop, id);
}

async function linkOf(shop: BillingShop, id: string) {
  const { openInvoice } = await booksOf(shop, { id });
  const invoice = required(openInvoice, 'something is to be paid');
  return { invoiceId: invoice.id, token: invoice.payToken, returnUrl: 'https://holdfast.test/b' };
}

function noticesOf(shop: BillingShop): string[] {
  return shop.store().notices.map(({ kind }) => kind);
}

describe('a period that its payer pays', () => {
  it('is offered when it is due, and begins when the money has come', async () => {
    const { shop, id } = await due();
    const offered = await booksOf(shop, { id });
    expect(offered.subscription).toMatchObject({ state: 'past_due' });
    expect(offered.open).toMatchObject([
      { state: 'action_required', action: { type: 'redirect' }, amountMinor: 3_000 },
    ]);
    expect(noticesOf(shop).at(-1)).toBe('authentication_needed');
    shop.clock.advance(2 * DAY_MS);
    await pay(shop, id);
    const paid = await booksOf(shop, { id });
    expect(paid.subscription).toMatchObject({ state: 'active', currentPeriodStartMs: DUE_MS });
    expect(paid.invoices.map(({ state }) => state)).toEqual(['paid', 'paid']);
  });

  it('is offered again by every reminder; an offer that ran out is no decline', async () => {
    const { shop, id } = await due();
    const first = newestRef(shop);
    shop.clock.advance(15 * MINUTE_MS);
    shop.gateway.expire(first);
    await look(shop, id);
    const between = await booksOf(shop, { id });
    expect(between.open).toEqual([]);
    expect(between.openInvoice).toMatchObject({
      declines: 0,
      need: 'authentication',
      nextAttemptAtMs: DUE_MS + DAY_MS,
    });
    expect(noticesOf(shop)).not.toContain('payment_failed');
    shop.clock.set(DUE_MS + DAY_MS);
    await shop.run();
    expect(newestRef(shop)).not.toBe(first);
    await pay(shop, id);
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
  });

  it('finds by itself that an offer ran out, though nobody said so', async () => {
    const { shop, id } = await due();
    shop.gateway.expire(newestRef(shop));
    await shop.pass(HOUR_MS);
    expect((await booksOf(shop, { id })).open).toEqual([]);
  });

  it('is offered anew on its page at any time, and one offer serves all who look', async () => {
    const { shop, id } = await due();
    const link = await linkOf(shop, id);
    const opened = shop.gateway.objects.size;
    expect(valueOf(await payInvoice(shop.deps, link)).charge?.ref).toBe(newestRef(shop));
    expect(shop.gateway.objects.size).toBe(opened);
    // Its end was told to nobody: the page asks before it sends anybody there again.
    shop.gateway.expire(newestRef(shop));
    const again = valueOf(await payInvoice(shop.deps, link));
    expect(again.charge).toMatchObject({ ref: newestRef(shop), state: 'action_required' });
    expect(shop.gateway.objects.size).toBe(opened + 1);
    await pay(shop, id);
    const { invoice } = valueOf(await readPayableInvoice(shop.deps, link));
    expect(invoice.state).toBe('paid');
    expect(codeOf(await payInvoice(shop.deps, link))).toBe('invalid_transition');
  });

  it('is not paid for the grace: suspended, then the page brings it back', async () => {
    const { shop, id } = await due({ graceDays: 3 });
    const { userId } = (await booksOf(shop, { id })).subscription;
    shop.gateway.expire(newestRef(shop));
    await look(shop, id);
    for (let day = 1; day <= 6; day += 1) {
      await shop.pass(DAY_MS);
      shop.gateway.expire(newestRef(shop));
      await look(shop, id);
    }
    expect((await booksOf(shop, { id })).subscription.state).toBe('suspended');
    expect(shop.members.member(userId).grants(shop.clock.nowMs())).toBeNull();
    valueOf(await payInvoice(shop.deps, await linkOf(shop, id)));
    await pay(shop, id);
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
    expect(shop.members.member(userId).grants(shop.clock.nowMs())).not.toBeNull();
  });

  it('ends uncollectible when nobody ever pays', async () => {
    const { shop, id } = await due({ cancelAfterDays: 10 });
    for (let day = 1; day <= 11; day += 1) {
      shop.gateway.expire(newestRef(shop));
      await shop.pass(DAY_MS);
    }
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(subscription.state).toBe('cancelled');
    expect(invoices.at(-1)?.state).toBe('uncollectible');
  });
});

describe('money that is pushed', () => {
  it('and is too much pays the period, and what is over goes back once', async () => {
    const { shop, id } = await due();
    await pay(shop, id, 3_450);
    await look(shop, id);
    const { subscription, invoices, charges } = await booksOf(shop, { id });
    expect(subscription.state).toBe('active');
    expect(invoices.at(-1)).toMatchObject({ state: 'paid', refundedMinor: 0 });
    expect(charges.filter(({ purpose }) => purpose === 'refund')).toMatchObject([
      { amountMinor: 450, state: 'succeeded' },
    ]);
  });

  it('and was too much takes nothing from what a cancellation gives back', async () => {
    const { shop, id } = await due({ cancelRefund: 'prorated' });
    await pay(shop, id, 3_450);
    const order = { caller: shop.caller(), subscriptionId: id };
    valueOf(await cancelSubscription(shop.deps, { ...order, atPeriodEnd: false }));
    const { charges } = await booksOf(shop, { id });
    const refunds = charges.filter(({ purpose }) => purpose === 'refund');
    expect(refunds.map(({ amountMinor }) => amountMinor)).toEqual([450, 3_000]);
    expect(shop.gateway.objectOf(newestRef(shop)).refundedMinor).toBe(3_450);
  });

  it('and is too little pays nothing, goes back, and leaves the period to be paid', async () => {
    const { shop, id } = await due();
    await pay(shop, id, 2_999);
    const { subscription, openInvoice, charges } = await booksOf(shop, { id });
    expect(subscription.state).toBe('past_due');
    expect(openInvoice).toMatchObject({ need: 'authentication', state: 'open' });
    expect(charges.filter(({ purpose }) => purpose === 'refund')).toMatchObject([
      { amountMinor: 2_999, state: 'succeeded' },
    ]);
    expect(noticesOf(shop).at(-1)).toBe('payment_failed');
    valueOf(await payInvoice(shop.deps, await linkOf(shop, id)));
    await pay(shop, id);
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
  });

  it('for an offer that had run out counts, if it is the first that comes', async () => {
    const { shop, id } = await due();
    const late = newestRef(shop);
    shop.gateway.expire(late);
    await look(shop, id);
    shop.gateway.payerApproves(late);
    await look(shop, id);
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
  });

  it('is given back where the payer can fetch it, until they have', async () => {
    const { shop, id } = await begin({ cancelRefund: 'prorated' });
    shop.gateway.areRefundsClaimed = true;
    shop.clock.advance(15 * DAY_MS);
    const order = { caller: shop.caller(), subscriptionId: id };
    valueOf(await cancelSubscription(shop.deps, { ...order, atPeriodEnd: false }));
    const refundOf = async () =>
      (await booksOf(shop, { id })).charges.find(({ purpose }) => purpose === 'refund');
    expect(await refundOf()).toMatchObject({
      amountMinor: 1_500,
      state: 'pending',
      action: { type: 'redirect', url: expect.stringContaining('/claim/') },
    });
    shop.gateway.finishPending(newestRef(shop));
    await look(shop, id);
    expect(await refundOf()).toMatchObject({ state: 'succeeded', action: null });
  });
});

describe('a way to pay', () => {
  it('that keeps nothing is offered at once where something is to be paid', async () => {
    const { shop, id } = await due();
    const first = newestRef(shop);
    const order = { caller: shop.caller(), subscriptionId: id };
    const back = 'https://holdfast.test/back';
    const set = await setPaymentMethod(shop.deps, {
      ...order,
      payment: { ...PAYMENT, returnUrl: back },
    });
    expect(valueOf(set).charge).toMatchObject({ state: 'action_required', returnUrl: back });
    expect(shop.gateway.objectOf(first).state).toBe('voided');
    await pay(shop, id);
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
  });
});
