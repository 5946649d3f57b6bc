/** Payers' objections whose every event was lost: the reconciliation finds them in the processor's own list. */
import { describe, expect, test } from 'vitest';
import { reconcile } from '../../src/application/reconcile.ts';
import { NodeShop } from '../support/node-shop.ts';
import { payCharge, RecordedBilling, reconcilePorts } from './reconcile-rig.ts';

async function openRig() {
  const shop = await NodeShop.open();
  const billing = new RecordedBilling();
  const run = () => reconcile(reconcilePorts(shop, billing), { byHand: true });
  return { shop, billing, run };
}

describe('an objection that nobody told of', () => {
  test('to a booking’s payment is known after the next run, and looked at once', async () => {
    const { shop, run } = await openRig();
    await shop.booked();
    shop.stripe.dispute('stripe_1', 'open');
    expect(await run()).toMatchObject({ disputesFound: 1 });
    const rows = shop.shard.sql.rows('SELECT state, ref FROM dispute');
    expect(rows).toEqual([{ state: 'open', ref: 'stripe_1_dispute_1' }]);
    expect(await run()).toMatchObject({ disputesFound: 0 });
  });

  test('to a subscription’s payment is handed to billing', async () => {
    const { shop, billing, run } = await openRig();
    const ref = await payCharge(shop, billing);
    shop.stripe.dispute(ref, 'open');
    expect(await run()).toMatchObject({ disputesFound: 1 });
    const { subscriptionId } = billing;
    expect(billing.disputes).toEqual([
      { subscriptionId, chargeId: 'chg_1', ref: `${ref}_dispute_1` },
    ]);
  });

  test('of another deployment is left alone', async () => {
    const { shop, billing, run } = await openRig();
    const ref = await payCharge(shop, billing, 'sub_gforged0000000000');
    shop.stripe.dispute(ref, 'open');
    expect(await run()).toMatchObject({ disputesFound: 0 });
    expect(billing.disputes).toEqual([]);
  });

  test('in a list that cannot be read is found by the next run, and payments are compared all the same', async () => {
    const { shop, run } = await openRig();
    await shop.booked();
    shop.stripe.dispute('stripe_1', 'open');
    const { stripe } = shop;
    const list = stripe.listDisputesSince.bind(stripe);
    Object.assign(stripe, { listDisputesSince: async () => ({ failed: 'out of order' }) });
    expect(await run()).toMatchObject({ listsFailed: 1, disputesFound: 0, paymentsCompared: 1 });
    Object.assign(stripe, { listDisputesSince: list });
    expect(await run()).toMatchObject({ listsFailed: 0, disputesFound: 1 });
  });

  test('that cannot be looked at does not hide the others', async () => {
    const { shop, billing, run } = await openRig();
    const ref = await payCharge(shop, billing);
    await shop.booked();
    const booked = [...shop.stripe.objects.keys()].at(-1) ?? '';
    for (const one of [ref, booked]) shop.stripe.dispute(one, 'open');
    shop.shard.knowsDispute = () => Promise.reject(new Error('the shard is away'));
    expect(await run()).toMatchObject({ disputesFound: 1 });
    expect(billing.disputes).toHaveLength(1);
  });
});
