/** What /confirm tells a payer: the processor's word and nothing else, whoever is at work on the subscription meanwhile. */
import { beforeEach, describe, expect, it } from 'vitest';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { changePlan } from '../../src/application/billing/change-plan.ts';
import { confirmSubscription } from '../../src/application/billing/confirm-subscription.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
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

let shop: BillingShop;

beforeEach(() => {
  shop = makeBillingShop();
});

/** A sign-up that waits for its payer, and the payment that they have to authenticate. */
async function beginChallenge() {
  const { planId } = shop.plans.sell();
  const standing = valueOf(await ask(shop, planId, { payment: card(METHODS.asksPayer) }));
  expect(standing.subscription.state).toBe('incomplete');
  return { id: standing.subscription.id, ref: standing.charge?.ref ?? '' };
}

function confirm(id: string, caller = shop.caller()) {
  return confirmSubscription(shop.deps, { caller, subscriptionId: id });
}

describe('confirming a sign-up', () => {
  it('is refused while the payer has not acted, and says what they have to do', async () => {
    const { id } = await beginChallenge();
    const refused = await confirm(id);
    expect(refused).toMatchObject({
      ok: false,
      refusal: {
        code: 'payment_incomplete',
        extra: { subscriptionId: id, action: { type: 'redirect' } },
      },
    });
  });

  it('is active once they have', async () => {
    const { id, ref } = await beginChallenge();
    shop.gateway.payerApproves(ref);
    expect(valueOf(await confirm(id)).subscription.state).toBe('active');
    expect(valueOf(await confirm(id)).subscription.state).toBe('active');
  });

  it('asks for the money where the payer has agreed and the processor waits for our word', async () => {
    const { id, ref } = await beginChallenge();
    const { gateway } = shop;
    const fetch = gateway.fetch.bind(gateway);
    let isAgreed = true;
    gateway.fetch = async (asked) => {
      const seen = await fetch(asked);
      if (!isAgreed || seen.kind !== 'payment') return seen;
      return { kind: 'payment', payment: { ...seen.payment, state: 'approved', action: null } };
    };
    const asked: string[] = [];
    gateway.recurring.confirmCharge = async ({ key }) => {
      asked.push(key);
      isAgreed = false;
      gateway.payerApproves(ref);
      return fetch(ref);
    };
    expect(valueOf(await confirm(id)).subscription.state).toBe('active');
    expect(valueOf(await confirm(id)).subscription.state).toBe('active');
    expect(asked).toHaveLength(1);
  });

  it('is refused for good once they have failed', async () => {
    const { id, ref } = await beginChallenge();
    shop.gateway.payerFails(ref);
    expect(codeOf(await confirm(id))).toBe('payment_declined');
    expect(codeOf(await confirm(id))).toBe('payment_declined');
  });

  it('shows what has expired without a payment, and asks nobody to try again', async () => {
    const { id } = await beginChallenge();
    await shop.pass(23 * HOUR_MS);
    expect(valueOf(await confirm(id)).subscription.state).toBe('expired');
  });

  it('does not wait for somebody else who asked before the payer acted', async () => {
    const { id, ref } = await beginChallenge();
    const { gateway } = shop;
    const fetch = gateway.fetch.bind(gateway);
    let confirmed: Awaited<ReturnType<typeof confirm>> | null = null;
    gateway.fetch = async (asked) => {
      gateway.fetch = fetch;
      const before = await fetch(asked);
      gateway.payerApproves(ref);
      confirmed = await confirm(id);
      return before;
    };
    const look = { subscriptionId: id, cause: 'webhook', look: true } as const;
    await advanceSubscription(shop.deps, look);
    expect(confirmed).toMatchObject({ ok: true, value: { subscription: { state: 'active' } } });
    const { subscription, invoices } = await booksOf(shop, { id });
    expect(subscription).toMatchObject({ state: 'active', leaseUntilMs: 0 });
    expect(invoices.map(({ state }) => state)).toEqual(['paid']);
    expect(gateway.objectOf(ref)).toMatchObject({ capturedMinor: 3_000, refundedMinor: 0 });
  });

  it('is nobody else’s business', async () => {
    const { id } = await beginChallenge();
    expect(codeOf(await confirm(id, shop.caller('bob')))).toBe('not_found');
    expect(codeOf(await confirm('sub_nope'))).toBe('not_found');
  });
});

describe('confirming a change of plan', () => {
  it('goes on with the new plan when it is paid, and says that the old one stays when it is not', async () => {
    const { id } = await subscribe(shop);
    const { planId } = shop.plans.sell({ priceMinor: 9_000 });
    shop.gateway.recurring.turn('pm_kept_1', METHODS.asksPayer);
    const asked = { caller: shop.caller(), subscriptionId: id, planId, returnUrl: null };
    const waiting = valueOf(await changePlan(shop.deps, asked));
    expect(waiting.subscription.planId).not.toBe(planId);
    expect(codeOf(await confirm(id))).toBe('payment_incomplete');
    shop.gateway.payerFails(waiting.charge?.ref ?? '');
    expect(codeOf(await confirm(id))).toBe('payment_declined');
    shop.clock.advance(MINUTE_MS);
    const again = valueOf(await changePlan(shop.deps, asked));
    shop.gateway.payerApproves(again.charge?.ref ?? '');
    expect(valueOf(await confirm(id)).subscription.planId).toBe(planId);
  });
});
