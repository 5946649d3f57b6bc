/** The reconciliation over subscriptions: what a processor holds counts, goes back, or is on the record as nobody's. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  recognizeCharge,
  recordOrphan,
  repeatPushes,
} from '../../src/application/billing/reconcile-charges.ts';
import { CHAIN_START, verifyChain, type ChainState } from '../../src/domain/chain.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import {
  ask,
  booksOf,
  card,
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

async function beginChallenge() {
  const { planId } = shop.plans.sell();
  const standing = valueOf(await ask(shop, planId, { payment: card(METHODS.asksPayer) }));
  const { charge, subscription } = standing;
  return { subscription, chargeId: charge?.id ?? '', ref: charge?.ref ?? '' };
}

describe('what a processor holds', () => {
  it('is a charge’s own where subscription, charge and object fit together, and else nobody’s', async () => {
    const subscription = await subscribe(shop);
    const [charge] = (await booksOf(shop, subscription)).charges;
    const known = { subscriptionId: subscription.id, chargeId: charge?.id ?? '', ref: 'stripe_1' };
    expect(charge?.ref).toBe('stripe_1');
    expect(await recognizeCharge(shop.deps, known)).toBe(true);
    expect(await recognizeCharge(shop.deps, { ...known, ref: 'stripe_2' })).toBe(false);
    expect(await recognizeCharge(shop.deps, { ...known, chargeId: 'chg_made_up' })).toBe(false);
    const other = shop.deps.ids.mintInRegion('chg', 'global');
    expect(await recognizeCharge(shop.deps, { ...known, chargeId: other })).toBe(false);
    const stranger = await subscribe(shop, {}, { by: shop.caller('bob') });
    const crossed = { ...known, subscriptionId: stranger.id };
    expect(await recognizeCharge(shop.deps, crossed)).toBe(false);
  });

  it('counts though nobody told us that it was paid', async () => {
    const { subscription, chargeId, ref } = await beginChallenge();
    shop.gateway.payerApproves(ref);
    const held = { subscriptionId: subscription.id, chargeId, ref };
    expect(await recognizeCharge(shop.deps, held)).toBe(true);
    expect((await booksOf(shop, subscription)).subscription.state).toBe('active');
  });

  it('goes back once though it came after the end and nobody told us', async () => {
    const { subscription, chargeId, ref } = await beginChallenge();
    await shop.pass(23 * HOUR_MS);
    Object.assign(shop.gateway.objectOf(ref), { state: 'captured', capturedMinor: 3_000 });
    const held = { subscriptionId: subscription.id, chargeId, ref };
    for (let run = 0; run < 3; run += 1) {
      expect(await recognizeCharge(shop.deps, held)).toBe(true);
      await shop.pass(MINUTE_MS);
    }
    const { refundedMinor, refunds } = shop.gateway.objectOf(ref);
    expect([refundedMinor, refunds.length]).toEqual([3_000, 1]);
  });
});

describe('an orphan', () => {
  const orphan = {
    processor: 'stripe',
    ref: 'pi_9',
    outcome: 'refunded',
    amountMinor: 700,
  } as const;

  it('that was given back is a link of its subscription’s chain', async () => {
    const { id } = await subscribe(shop);
    const chargeId = shop.deps.ids.mintInRegion('chg', 'global');
    await recordOrphan(shop.deps, { ...orphan, subscriptionId: id, chargeId });
    const links = shop.store().trail(id);
    expect(links.at(-1)).toMatchObject({
      entityId: chargeId,
      parentId: id,
      type: 'charge.orphan_refunded',
      metadata: { processor: 'stripe', processorId: 'pi_9', amount: 700 },
    });
    const { digest } = shop.deps;
    const state = links.reduce<ChainState>(
      (chain, link) => verifyChain(digest, chain, link),
      CHAIN_START,
    );
    expect(state).toMatchObject({ rows: links.length, firstBad: null });
  });

  it('of a subscription that is not there is said aloud', async () => {
    const { ids } = shop.deps;
    const subscriptionId = ids.mintInRegion('sub', 'global');
    const chargeId = ids.mintInRegion('chg', 'global');
    await recordOrphan(shop.deps, { ...orphan, subscriptionId, chargeId });
    expect(shop.alarms).toEqual(['reconcile.orphan_unrecorded']);
  });
});

describe('a push that was lost', () => {
  it('is made again, and one that cannot be made does not keep the others waiting', async () => {
    const isOut = new Set(['ann', 'bob', 'cem'].map((name) => shop.caller(name).id));
    const member = (id: string) => {
      if (isOut.has(id)) throw new Error('the object is out');
      return shop.members.member(id);
    };
    const failing = { ...shop, deps: { ...shop.deps, objects: { member } } };
    const { planId } = shop.plans.sell();
    for (const name of ['ann', 'bob', 'cem'])
      await expect(ask(failing, planId, { by: shop.caller(name) })).rejects.toThrow('is out');
    isOut.delete(shop.caller('ann').id);
    isOut.delete(shop.caller('cem').id);
    expect(await repeatPushes(failing.deps)).toBe(2);
    expect(shop.alarms).toEqual(['reconcile.push_failed']);
    isOut.clear();
    expect(await repeatPushes(failing.deps)).toBe(1);
    expect(await repeatPushes(failing.deps)).toBe(0);
    for (const name of ['ann', 'bob', 'cem'])
      expect(shop.members.member(shop.caller(name).id).pushes).toHaveLength(1);
  });
});
