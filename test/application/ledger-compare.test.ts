/** The ledger against the processors: what agrees leaves nothing, what differs stays until it agrees, and counts in time. */
import { describe, expect, test } from 'vitest';
import { reconcile } from '../../src/application/reconcile.ts';
import { entriesOfPayment } from '../../src/domain/ledger/subscription-money.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { charge } from '../domain/billing-fixture.ts';
import { METHODS } from '../support/fake-processor.ts';
import { card, NodeShop } from '../support/node-shop.ts';
import { payCharge, RecordedBilling, reconcilePorts } from './reconcile-rig.ts';

interface Rig {
  readonly shop: NodeShop;
  readonly billing: RecordedBilling;
  readonly run: (byHand?: boolean) => ReturnType<typeof reconcile>;
}

async function openRig(): Promise<Rig> {
  const shop = await NodeShop.open();
  const billing = new RecordedBilling();
  const run = (byHand = true) => reconcile(reconcilePorts(shop, billing), { byHand });
  return { shop, billing, run };
}

/** Posts what billing would have posted of a payment of 30.00. */
async function postCharge({ billing }: Rig, ref: string): Promise<void> {
  const paid = charge({
    id: 'chg_1',
    subscriptionId: billing.subscriptionId,
    state: 'succeeded',
    ref,
    capturedMinor: 3_000,
  });
  await billing.money.eu.post(entriesOfPayment(paid, { totalMinor: 3_000, taxMinor: 0 }, 0));
}

describe('a run', () => {
  test('posts what the shards have to tell before it compares, and finds nothing', async () => {
    const { shop, billing, run } = await openRig();
    await shop.booked();
    const report = await run();
    expect(report).toMatchObject({ paymentsCompared: 1, paymentsUnmatched: 0 });
    expect(billing.money.global.unmatched).toEqual([]);
    expect(billing.money.global.balance('processor:stripe')).toBeGreaterThan(0);
  });

  test('finds money of another currency, though the sums are the same', async () => {
    const { shop, billing, run } = await openRig();
    await shop.booked();
    await run();
    shop.stripe.objectOf('stripe_1').currency = 'eur';
    expect(await run()).toMatchObject({ paymentsUnmatched: 1 });
    expect(billing.money.global.unmatched).toMatchObject([
      { ref: 'stripe_1', kind: 'captured', currency: 'usd', theirMinor: 0, isCounted: true },
    ]);
    shop.stripe.objectOf('stripe_1').currency = 'usd';
    expect(await run()).toMatchObject({ paymentsUnmatched: 0 });
  });

  test('finds money of a subscription that was not posted, and lets it go once it was', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing);
    expect(await rig.run()).toMatchObject({ paymentsCompared: 1, paymentsUnmatched: 1 });
    expect(rig.billing.money.eu.unmatched).toMatchObject([
      {
        processor: 'stripe',
        ref,
        kind: 'captured',
        ourMinor: 0,
        theirMinor: 3_000,
        isCounted: true,
      },
    ]);
    await postCharge(rig, ref);
    expect(await rig.run()).toMatchObject({ paymentsUnmatched: 0 });
    expect(rig.billing.money.eu.unmatched).toEqual([]);
  });

  test('takes up a refund by hand that no event told of', async () => {
    const { shop, billing, run } = await openRig();
    const booking = await shop.booked();
    await run();
    shop.stripe.refundByHand(shop.payment(booking.id).ref ?? '', 900);
    expect(await run()).toMatchObject({ paymentsUnmatched: 0 });
    expect(shop.payment(booking.id).refundedMinor).toBe(900);
    expect(billing.money.global.unmatched).toEqual([]);
  });

  test('by the clock counts a difference only when it has stood for two minutes', async () => {
    const rig = await openRig();
    await payCharge(rig.shop, rig.billing);
    const isCounted = async () => {
      await rig.run(false);
      return rig.billing.money.eu.unmatched.map((row) => row.isCounted);
    };
    expect(await isCounted()).toEqual([false]);
    rig.shop.clock.advance(2 * MINUTE_MS - 1);
    expect(await isCounted()).toEqual([false]);
    rig.shop.clock.advance(1);
    expect(await isCounted()).toEqual([true]);
  });

  test('finds money in the ledger that the processor never saw', async () => {
    const rig = await openRig();
    await payCharge(rig.shop, rig.billing);
    const atMs = rig.shop.clock.nowMs();
    const paid = charge({
      subscriptionId: rig.billing.subscriptionId,
      state: 'succeeded',
      ref: 'stripe_none',
      capturedMinor: 3_000,
    });
    await rig.billing.money.eu.post(entriesOfPayment(paid, null, atMs));
    await rig.run();
    expect(rig.billing.money.eu.unmatched).toContainEqual(
      expect.objectContaining({ ref: 'stripe_none', ourMinor: 3_000, theirMinor: 0 }),
    );
  });

  test('looks at an old difference again, though the list has long moved on', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing);
    await rig.run();
    rig.shop.clock.advance(40 * DAY_MS);
    rig.shop.stripe.listSince = async () => ({ payments: [], next: null });
    expect(await rig.run()).toMatchObject({ paymentsUnmatched: 1 });
    await postCharge(rig, ref);
    expect(await rig.run()).toMatchObject({ paymentsUnmatched: 0 });
    expect(rig.billing.money.eu.unmatched).toEqual([]);
  });

  test('keeps what it knew where the processor does not answer', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing);
    await rig.run();
    await postCharge(rig, ref);
    rig.shop.stripe.listSince = async () => ({ payments: [], next: null });
    rig.shop.stripe.faultFor = () => 'lost_before';
    await rig.run();
    expect(rig.billing.money.eu.unmatched).toHaveLength(1);
  });

  test('does not count a refund that the processor has not finished, however old it is', async () => {
    const { shop, billing, run } = await openRig();
    const { id } = await shop.booked([shop.slot()], card(METHODS.refundPending));
    await shop.cancel(id);
    const object = shop.stripe.objectOf('stripe_1');
    // As Stripe has it: a refund is in the sum from the moment that it was taken on.
    object.refundedMinor = 2_500;
    for (let look = 0; look < 2; look += 1) {
      shop.clock.advance(HOUR_MS);
      expect(await run()).toMatchObject({ paymentsUnmatched: 1 });
      expect(billing.money.global.unmatched).toMatchObject([
        { kind: 'refunded', isCounted: false },
      ]);
    }
    object.refundedMinor = 0;
    shop.stripe.finishPending('stripe_1');
    expect(await run()).toMatchObject({ paymentsUnmatched: 0 });
    expect(billing.money.global.balance('provider:prv_club')).toBe(0);
  });

  test('posts what the processor kept of a subscription’s payment, where it said so only later', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing);
    await postCharge(rig, ref);
    const { feeMinor } = rig.shop.stripe.objectOf(ref);
    expect(feeMinor).toBeGreaterThan(0);
    for (let look = 0; look < 2; look += 1) {
      expect(await rig.run()).toMatchObject({ paymentsUnmatched: 0 });
      expect(rig.billing.money.eu.balance('platform:fees')).toBe(feeMinor);
    }
  });

  test('takes reserved funds that were let go for no refund, whatever the processor calls it', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing);
    Object.assign(rig.shop.stripe.objectOf(ref), { capturedMinor: 0, refundedMinor: 3_000 });
    expect(await rig.run()).toMatchObject({ paymentsCompared: 1, paymentsUnmatched: 0 });
  });

  test('goes on with the other processors where one cannot be worked through', async () => {
    const rig = await openRig();
    rig.shop.stripe.listSince = () => Promise.reject(new Error('out of order'));
    expect(await rig.run()).toMatchObject({ listsFailed: 1, entitlementsPushed: 0 });
  });

  test('explains money of nobody that went back, in a ledger that nobody else could tell', async () => {
    const rig = await openRig();
    const ref = await payCharge(rig.shop, rig.billing);
    rig.billing.known.clear();
    const report = await rig.run();
    expect(report).toMatchObject({ orphansRefunded: 1, paymentsUnmatched: 0 });
    expect([...rig.billing.money.eu.entries.keys()]).toEqual([
      `capture:orphan:stripe:${ref}`,
      `refund:orphan:stripe:${ref}`,
    ]);
    expect(rig.billing.money.eu.balance('payer:surplus')).toBe(0);
    expect(await rig.run()).toMatchObject({ paymentsUnmatched: 0 });
  });
});
