/**
 * The process may die before or after any write, push or call, and any call may be lost or broken on its way: whoever comes
 * next goes on where it stopped, and the money moves once.
 */
import { describe, expect, it } from 'vitest';
import { changePlan } from '../../src/application/billing/change-plan.ts';
import { cancelSubscription } from '../../src/application/billing/end-subscription.ts';
import { repeatPushes } from '../../src/application/billing/reconcile-charges.ts';
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../src/domain/time.ts';
import {
  ask,
  booksOf,
  card,
  Death,
  makeBillingShop,
  subscribe,
  valueOf,
  type BillingShop,
} from '../support/billing-shop.ts';
import { METHODS, type CallKind, type Fault } from '../support/fake-processor.ts';

/** Longer than the lease of whoever died at work. */
const LEASE_OVER_MS = 16 * SECOND_MS;

/** A situation: what stands before, what is done, what a client does again, and what must be true at the end. */
interface Journey {
  readonly name: string;
  prepare(shop: BillingShop): Promise<() => Promise<unknown>>;
  expect(shop: BillingShop): Promise<void>;
}

const JOURNEYS: readonly Journey[] = [
  {
    name: 'a sign-up',
    prepare: async (shop) => {
      const { planId } = shop.plans.sell();
      return () => ask(shop, planId, { key: 'k1' });
    },
    expect: (shop) => expectOne(shop, { state: 'active', capturedMinor: [3_000] }),
  },
  {
    name: 'a sign-up for a free plan',
    prepare: async (shop) => {
      const { planId } = shop.plans.sell({ priceMinor: 0 });
      return () => ask(shop, planId, { key: 'k1', payment: null });
    },
    expect: (shop) => expectOne(shop, { state: 'active', capturedMinor: [] }),
  },
  {
    name: 'a trial',
    prepare: async (shop) => {
      const { planId } = shop.plans.sell({ trialDays: 14 });
      return () => ask(shop, planId, { key: 'k1' });
    },
    expect: (shop) => expectOne(shop, { state: 'trialing', capturedMinor: [] }),
  },
  {
    name: 'a trial without a method',
    prepare: async (shop) => {
      const { planId } = shop.plans.sell({ trialDays: 14, trialNeedsMethod: false });
      return () => ask(shop, planId, { key: 'k1', payment: null });
    },
    expect: (shop) => expectOne(shop, { state: 'trialing', capturedMinor: [] }),
  },
  {
    name: 'a sign-up that is declined',
    prepare: async (shop) => {
      const { planId } = shop.plans.sell();
      return () => ask(shop, planId, { key: 'k1', payment: card(METHODS.declines) });
    },
    expect: (shop) => expectOne(shop, { state: 'expired', capturedMinor: [0] }),
  },
  {
    name: 'a renewal',
    prepare: async (shop) => {
      await subscribe(shop);
      shop.clock.advance(30 * DAY_MS);
      return () => shop.run();
    },
    expect: (shop) => expectOne(shop, { state: 'active', capturedMinor: [3_000, 3_000] }),
  },
  {
    name: 'a renewal that is declined',
    prepare: async (shop) => {
      await subscribe(shop);
      shop.gateway.recurring.turn('pm_kept_1', METHODS.declines);
      shop.clock.advance(30 * DAY_MS);
      return () => shop.run();
    },
    expect: async (shop) => {
      await expectOne(shop, { state: 'past_due', capturedMinor: [3_000, 0] });
      expect((await booksOf(shop, onlyOne(shop))).openInvoice?.declines).toBe(1);
    },
  },
  {
    name: 'an upgrade',
    prepare: async (shop) => {
      const { id } = await subscribe(shop);
      const { planId } = shop.plans.sell({ name: 'Gold', priceMinor: 9_000 });
      shop.clock.advance(15 * DAY_MS);
      const order = { caller: shop.caller(), subscriptionId: id, planId, returnUrl: null };
      return () => changePlan(shop.deps, order);
    },
    expect: async (shop) => {
      await expectOne(shop, { state: 'active', capturedMinor: [3_000, 3_000] });
      const { terms } = valueOf(await currentPlan(shop));
      expect(terms.name).toBe('Gold');
    },
  },
  {
    name: 'a cancellation with a refund',
    prepare: async (shop) => {
      const { id } = await subscribe(shop, { cancelRefund: 'prorated' });
      shop.clock.advance(15 * DAY_MS);
      const order = { caller: shop.caller(), subscriptionId: id, atPeriodEnd: false };
      return () => cancelSubscription(shop.deps, order);
    },
    expect: async (shop) => {
      await expectOne(shop, { state: 'cancelled', capturedMinor: [3_000] });
      expect([...shop.gateway.objects.values()]).toMatchObject([{ refundedMinor: 1_500 }]);
    },
  },
];

/** What one run of the journey does to the outside, when nothing goes wrong. */
async function effectsOf(journey: Journey): Promise<string[]> {
  const shop = makeBillingShop();
  const act = await journey.prepare(shop);
  shop.lifeline.restart();
  await act();
  return [...shop.lifeline.seen];
}

async function runDying(journey: Journey, death: { at: number; when: 'before' | 'after' }) {
  const shop = makeBillingShop();
  const act = await journey.prepare(shop);
  shop.lifeline.restart();
  shop.lifeline.dieAt(death.at, death.when);
  await dying(act);
  shop.lifeline.restart();
  await heal(shop, act);
  return shop;
}

/** A cron reports the death of one subscription instead of failing; everybody else fails with it. */
async function dying(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(Death);
  }
}

/** The client asks again, and the crons run, once the lease of the dead is over. */
async function heal(shop: BillingShop, act: () => Promise<unknown>): Promise<void> {
  shop.clock.advance(LEASE_OVER_MS);
  await act();
  for (let minute = 0; minute < 5; minute += 1) await shop.pass(60 * SECOND_MS);
  await repeatPushes(shop.deps);
}

function onlyOne(shop: BillingShop) {
  const [subscription, ...others] = shop.store().subscriptions;
  expect(others).toEqual([]);
  if (subscription === undefined) throw new Error('nothing was written');
  return subscription;
}

async function currentPlan(shop: BillingShop) {
  const { planId, planVersion } = onlyOne(shop);
  const plan = await shop.deps.plans.version(planId, planVersion);
  return plan === null
    ? ({ ok: false, refusal: { code: 'not_found', detail: planId } } as const)
    : ({ ok: true, value: plan } as const);
}

function isPaid(capturedMinor: number): boolean {
  return capturedMinor > 0;
}

/** One subscription, these captures at the processor and no other, nothing left under way, and the member knows. */
async function expectOne(
  shop: BillingShop,
  wanted: { state: string; capturedMinor: readonly number[] },
): Promise<void> {
  const subscription = onlyOne(shop);
  const books = await booksOf(shop, subscription);
  expect(subscription).toMatchObject({ state: wanted.state, leaseUntilMs: 0 });
  const captured = [...shop.gateway.objects.values()].map((object) => object.capturedMinor);
  expect(captured.filter(isPaid)).toEqual(wanted.capturedMinor.filter(isPaid));
  expect(books.open).toEqual([]);
  const numbers = books.invoices
    .filter(({ state }) => state === 'paid')
    .map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => `HF-00000${index + 1}`));
  expect(await shop.store().unpushed('', 10)).toEqual([]);
  const { pushes } = shop.members.member(subscription.userId);
  if (wanted.state !== 'expired') {
    const newest = pushes.toSorted((a, b) => a.version - b.version).at(-1);
    expect(newest?.version).toBe(subscription.entitlementVersion);
  }
}

describe.each(JOURNEYS)('$name', (journey) => {
  it('does each of its effects once when nothing goes wrong', async () => {
    const shop = makeBillingShop();
    const act = await journey.prepare(shop);
    await act();
    await journey.expect(shop);
  });

  it.each(['before', 'after'] as const)(
    'comes to the same end when the process dies %s any one of its effects',
    async (when) => {
      const effects = await effectsOf(journey);
      expect(effects.length).toBeGreaterThan(1);
      for (let at = 1; at <= effects.length; at += 1) {
        const shop = await runDying(journey, { at, when });
        await expect(
          journey.expect(shop),
          `died ${when} ${at}: ${effects[at - 1]}`,
        ).resolves.toBeUndefined();
      }
    },
  );
});

describe('a sign-up whose process died before the member was told', () => {
  it.each([{ priceMinor: 0 }, { trialDays: 14, trialNeedsMethod: false }])(
    'with %j tells them when it is asked again, before it answers',
    async (terms) => {
      const shop = makeBillingShop();
      const { planId } = shop.plans.sell(terms);
      const wish = { key: 'k1', payment: null };
      shop.lifeline.dieAt(terms.priceMinor === 0 ? 3 : 2, 'before');
      await expect(ask(shop, planId, wish)).rejects.toBeInstanceOf(Death);
      expect(shop.lifeline.seen.at(-1)).toBe('putEntitlements');
      shop.lifeline.restart();
      valueOf(await ask(shop, planId, wish));
      const granted = shop.members.member(shop.caller().id).grants(shop.clock.nowMs());
      expect(granted?.planId).toBe(planId);
    },
  );
});

const CALLS: readonly CallKind[] = ['customer', 'open_charge', 'confirm_charge', 'fetch', 'refund'];
const FAULTS: readonly Fault[] = [
  'lost_before',
  'lost_after',
  'lost_late',
  'fault_before',
  'fault_after',
  'busy',
];
const BROKEN = CALLS.flatMap((call) => FAULTS.map((fault) => ({ call, fault })));

describe('a processor that fails', () => {
  it.each(BROKEN)(
    '$fault at $call: the sign-up is paid once, the renewal is paid once, the refund is made once',
    async ({ call, fault }) => {
      const shop = makeBillingShop();
      let left = 1;
      shop.gateway.faultFor = ({ kind }) => (kind === call && left-- > 0 ? fault : null);
      const { planId } = shop.plans.sell({ cancelRefund: 'prorated' });
      await ask(shop, planId, { key: 'k1' });
      await settle(shop);
      await expectOne(shop, { state: 'active', capturedMinor: [3_000] });

      left = 1;
      shop.clock.set(onlyOne(shop).currentPeriodEndMs);
      await shop.run();
      await settle(shop);
      await expectOne(shop, { state: 'active', capturedMinor: [3_000, 3_000] });

      left = 1;
      const { id, currentPeriodStartMs } = onlyOne(shop);
      shop.clock.set(currentPeriodStartMs + 15.5 * DAY_MS);
      const order = { caller: shop.caller(), subscriptionId: id, atPeriodEnd: false };
      valueOf(await cancelSubscription(shop.deps, order));
      await settle(shop);
      await expectOne(shop, { state: 'cancelled', capturedMinor: [3_000, 3_000] });
      const refunded = [...shop.gateway.objects.values()].map((object) => object.refundedMinor);
      expect(refunded.reduce((sum, minor) => sum + minor, 0)).toBe(1_500);
    },
  );

  it('keeps a sign-up open while it answers nothing at all, and completes it when it is back', async () => {
    const shop = makeBillingShop();
    shop.gateway.faultFor = () => 'lost_before';
    const { planId } = shop.plans.sell();
    const { subscription } = valueOf(await ask(shop, planId, { key: 'k1' }));
    expect(subscription.state).toBe('incomplete');
    await shop.pass(HOUR_MS);
    expect(onlyOne(shop).state).toBe('incomplete');
    shop.gateway.faultFor = () => null;
    await settle(shop);
    await expectOne(shop, { state: 'active', capturedMinor: [3_000] });
  });

  it('is asked once by each who comes while it does not answer', async () => {
    const shop = makeBillingShop();
    shop.gateway.faultFor = ({ kind }) => (kind === 'confirm_charge' ? 'lost_before' : null);
    const { planId } = shop.plans.sell();
    const confirmations = () =>
      shop.gateway.calls.filter(({ kind }) => kind === 'confirm_charge').map(({ key }) => key);
    const { id } = valueOf(await ask(shop, planId)).subscription;
    expect(confirmations()).toHaveLength(1);
    await advanceSubscription(shop.deps, { subscriptionId: id, cause: 'confirm', look: true });
    expect(confirmations()).toHaveLength(2);
    expect(new Set(confirmations()).size).toBe(1);
  });

  it('is looked at again after a fault, so that what it did is not asked for a second time', async () => {
    const shop = makeBillingShop();
    let fault: Fault | null = 'lost_before';
    shop.gateway.faultFor = ({ kind }) => (kind === 'confirm_charge' ? fault : null);
    const { planId } = shop.plans.sell();
    const { id } = valueOf(await ask(shop, planId)).subscription;
    fault = 'fault_after';
    await advanceSubscription(shop.deps, { subscriptionId: id, cause: 'confirm', look: true });
    expect(shop.gateway.calls.slice(-3).map(({ kind }) => kind)).toEqual([
      'fetch',
      'confirm_charge',
      'fetch',
    ]);
    await expectOne(shop, { state: 'active', capturedMinor: [3_000] });
  });

  it('is told to do nothing twice by many who have news at the same moment', async () => {
    const shop = makeBillingShop();
    const { planId } = shop.plans.sell();
    const { id } = valueOf(
      await ask(shop, planId, { payment: card(METHODS.asksPayer) }),
    ).subscription;
    shop.gateway.payerApproves('stripe_1');
    const before = shop.gateway.calls.length;
    const ends = await Promise.all(
      (['confirm', 'webhook', 'queue', 'cron'] as const).map((cause) =>
        advanceSubscription(shop.deps, { subscriptionId: id, cause, look: true }),
      ),
    );
    expect(ends).toContain('idle');
    const kinds = shop.gateway.calls.slice(before).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['fetch']));
    await expectOne(shop, { state: 'active', capturedMinor: [3_000] });
  });
});

/** Calls that were under way arrive, and the crons run for a while. */
async function settle(shop: BillingShop): Promise<void> {
  shop.gateway.deliverLate();
  for (let run = 0; run < 40; run += 1) await shop.pass(30 * SECOND_MS);
  await repeatPushes(shop.deps);
}
