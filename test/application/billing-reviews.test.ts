/** What a person has to look at: refunds that were refused for good, payments that their payers object to. */
import { describe, expect, it } from 'vitest';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { cancelSubscription } from '../../src/application/billing/end-subscription.ts';
import { learnOfDispute, lookAtCharges } from '../../src/application/billing/reconcile-charges.ts';
import { listReviews, retryRefund, settleReview } from '../../src/application/billing/reviews.ts';
import { required } from '../../src/domain/assert.ts';
import { DAY_MS } from '../../src/domain/time.ts';
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

const OPERATOR = { id: 'usr_operator', roles: ['operator'] } as const;

async function reviewsOf(shop: BillingShop) {
  return valueOf(await listReviews(shop.deps, { limit: 10 })).data;
}

/** A subscription that was cancelled, whose refund the processor refused. */
async function refused() {
  const shop = makeBillingShop();
  const payment = card(METHODS.refundRefused);
  const subscription = await subscribe(shop, { cancelRefund: 'prorated' }, { payment });
  const order = { caller: shop.caller(), subscriptionId: subscription.id };
  valueOf(await cancelSubscription(shop.deps, { ...order, atPeriodEnd: false }));
  const [review] = await reviewsOf(shop);
  return { shop, subscription, review: required(review, 'a refund that was refused') };
}

/** A paid subscription with the charge that paid it. */
async function paid() {
  const shop = makeBillingShop();
  const subscription = await subscribe(shop);
  const [charge] = (await booksOf(shop, subscription)).charges;
  return { shop, subscription, charge: required(charge, 'a payment') };
}

describe('a refund that the processor refuses for good', () => {
  it('waits for an operator, who has it asked for again', async () => {
    const { shop, subscription, review } = await refused();
    expect(review).toMatchObject({
      purpose: 'refund',
      state: 'failed',
      review: 'a refund failed',
      subscriptionId: subscription.id,
    });
    shop.gateway.objectOf('stripe_1').paymentMethod = 'pm_good';
    const command = { caller: OPERATOR, chargeId: review.id, reason: 'the account works again' };
    expect(valueOf(await retryRefund(shop.deps, command)).review).toBeNull();
    expect(await reviewsOf(shop)).toEqual([]);
    expect(shop.gateway.objectOf('stripe_1').refundedMinor).toBe(review.amountMinor);
    expect(codeOf(await retryRefund(shop.deps, command))).toBe('invalid_transition');
  });

  it('that fails again waits again, and is settled by a decision on the record', async () => {
    const { shop, subscription, review } = await refused();
    const again = { caller: OPERATOR, chargeId: review.id, reason: 'once more' };
    valueOf(await retryRefund(shop.deps, again));
    const [second] = await reviewsOf(shop);
    expect(second?.id).not.toBe(review.id);
    const settled = { caller: OPERATOR, chargeId: second?.id ?? '', reason: 'sent by bank' };
    valueOf(await settleReview(shop.deps, settled));
    expect(await reviewsOf(shop)).toEqual([]);
    const events = shop.store().trail(subscription.id);
    expect(events.at(-1)).toMatchObject({
      type: 'charge.reviewed',
      actor: 'operator:usr_operator',
      metadata: { review: 'a refund failed', decision: 'sent by bank' },
    });
  });

  it('is decided over by operators alone', async () => {
    const { shop, review } = await refused();
    const stranger = { caller: shop.caller('bob'), chargeId: review.id, reason: 'mine' };
    expect(codeOf(await settleReview(shop.deps, stranger))).toBe('not_found');
    const unknown = { caller: OPERATOR, chargeId: 'chg_made_up', reason: 'x' };
    expect(codeOf(await settleReview(shop.deps, unknown))).toBe('not_found');
  });

  it('is one that somebody else has given back: nothing is asked for without end', async () => {
    const { shop, subscription } = await paid();
    shop.gateway.refundByHand('stripe_1', 3_000);
    const { planId } = subscription;
    shop.plans.sell({ planId, cancelRefund: 'prorated' });
    shop.plans.migrate(planId);
    await advanceSubscription(shop.deps, {
      subscriptionId: subscription.id,
      cause: 'queue',
      look: false,
    });
    const order = { caller: shop.caller(), subscriptionId: subscription.id };
    valueOf(await cancelSubscription(shop.deps, { ...order, atPeriodEnd: false }));
    expect(await reviewsOf(shop)).toMatchObject([{ declineCode: 'nothing_left' }]);
  });
});

describe('a payment that its payer objects to', () => {
  it('is found though nobody told of it, and waits for an operator until it is won', async () => {
    const { shop, subscription, charge } = await paid();
    shop.gateway.dispute('stripe_1', 'open');
    const { disputes } = await shop.gateway.listDisputesSince();
    const ref = disputes[0]?.ref ?? '';
    const dispute = { subscriptionId: subscription.id, chargeId: charge.id, ref };
    expect(await learnOfDispute(shop.deps, dispute)).toBe(true);
    expect(await learnOfDispute(shop.deps, dispute)).toBe(false);
    expect(await reviewsOf(shop)).toMatchObject([
      { id: charge.id, review: 'dispute open', disputes: [{ ref, state: 'open' }] },
    ]);
    shop.gateway.dispute('stripe_1', 'won');
    expect(await lookAtCharges(shop.deps, { byHand: false })).toMatchObject({ lookedAt: 0 });
    shop.clock.advance(DAY_MS);
    expect(await lookAtCharges(shop.deps, { byHand: false })).toMatchObject({ lookedAt: 1 });
    expect(await reviewsOf(shop)).toEqual([]);
    expect((await booksOf(shop, subscription)).subscription.state).toBe('active');
  });

  it('that is lost ends the subscription, once, and stays to be looked at', async () => {
    const { shop, subscription, charge } = await paid();
    const look = () =>
      advanceSubscription(shop.deps, {
        subscriptionId: subscription.id,
        chargeId: charge.id,
        cause: 'webhook',
        look: true,
      });
    shop.gateway.dispute('stripe_1', 'lost');
    await look();
    await look();
    const { subscription: after } = await booksOf(shop, subscription);
    expect(after.state).toBe('cancelled');
    expect(shop.members.member(after.userId).grants(shop.clock.nowMs())).toBeNull();
    expect(await reviewsOf(shop)).toMatchObject([{ review: 'dispute lost' }]);
    const types = shop
      .store()
      .trail(subscription.id)
      .map(({ type }) => type);
    expect(types.filter((type) => type.startsWith('charge.dispute'))).toEqual([
      'charge.dispute_open',
      'charge.dispute_lost',
    ]);
  });

  it('is nobody’s business of another subscription', async () => {
    const { shop, charge } = await paid();
    const other = await subscribe(shop, {}, { by: shop.caller('bob') });
    shop.gateway.dispute('stripe_1', 'lost');
    await advanceSubscription(shop.deps, {
      subscriptionId: other.id,
      chargeId: charge.id,
      cause: 'webhook',
      look: true,
    });
    expect((await booksOf(shop, other)).subscription.state).toBe('active');
    const crossed = { subscriptionId: other.id, chargeId: charge.id, ref: 'x' };
    expect(await learnOfDispute(shop.deps, crossed)).toBe(false);
  });
});

describe('a run by hand', () => {
  it('finds what is under way though no event and no clock tells of it', async () => {
    const shop = makeBillingShop();
    const { id } = await subscribe(shop, {}, { payment: card(METHODS.asksPayer) });
    shop.gateway.payerApproves('stripe_1');
    await lookAtCharges(shop.deps, { byHand: false });
    expect((await booksOf(shop, { id })).subscription.state).toBe('incomplete');
    expect(await lookAtCharges(shop.deps, { byHand: true })).toEqual({ lookedAt: 1, failed: 0 });
    expect((await booksOf(shop, { id })).subscription.state).toBe('active');
  });
});
