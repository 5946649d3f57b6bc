/** What a processor holds for us and nobody here knows goes back, also when the first try is met with a stored fault. */
import { describe, expect, test } from 'vitest';
import { reconcile } from '../../src/application/reconcile.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import type { CallKind } from '../support/fake-processor.ts';
import { CRYPTO, NodeShop } from '../support/node-shop.ts';
import { openCharge, payCharge, RecordedBilling, reconcilePorts } from './reconcile-rig.ts';

function failOnce(shop: NodeShop, kind: CallKind): void {
  let isLeft = true;
  const fault = (call: { kind: CallKind }) => {
    if (!isLeft || call.kind !== kind) return null;
    isLeft = false;
    return kind === 'open' ? ('fault_after' as const) : ('fault_before' as const);
  };
  shop.stripe.faultFor = fault;
  shop.btcpay.faultFor = fault;
}

/** A run by hand every so often. */
async function runs(shop: NodeShop, count: number, billing = new RecordedBilling()): Promise<void> {
  for (let i = 0; i < count; i++) {
    shop.clock.advance(HOUR_MS);
    await reconcile(reconcilePorts(shop, billing), { byHand: true });
  }
}

describe('an object that no shard knows', () => {
  test('is closed, though the first try to close it was answered with a stored fault', async () => {
    const shop = await NodeShop.open();
    failOnce(shop, 'open');
    const booking = await shop.booked();
    shop.stripe.payerApproves('stripe_1');
    failOnce(shop, 'void');
    await runs(shop, 3);
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
  });

  test('that was paid gives all of it back, once, through a stored fault as well', async () => {
    const shop = await NodeShop.open();
    failOnce(shop, 'open');
    await shop.booked([shop.slot()], CRYPTO);
    shop.btcpay.payerApproves('btcpay_1');
    failOnce(shop, 'refund');
    await runs(shop, 3);
    expect(shop.btcpay.objectOf('btcpay_1')).toMatchObject({
      refundedMinor: 2_500,
      refunds: [{ amountMinor: 2_500 }],
    });
  });

  test('leaves alone what a shard knows', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked();
    await runs(shop, 2);
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
    expect(shop.stripe.objectOf('stripe_1')).toMatchObject({ state: 'captured', refundedMinor: 0 });
  });
});

describe('a subscription’s money that no charge knows', () => {
  test('goes back once, and is put on the record of the subscription', async () => {
    const shop = await NodeShop.open();
    const billing = new RecordedBilling();
    const ref = await payCharge(shop, billing);
    billing.known.clear();
    failOnce(shop, 'refund');
    await runs(shop, 3, billing);
    expect(shop.stripe.objectOf(ref)).toMatchObject({
      refundedMinor: 3_000,
      refunds: [{ amountMinor: 3_000 }],
    });
    expect(billing.orphans).toEqual([
      {
        subscriptionId: billing.subscriptionId,
        chargeId: 'chg_1',
        processor: 'stripe',
        ref,
        outcome: 'refunded',
        amountMinor: 3_000,
      },
    ]);
  });

  test('is closed before it is paid', async () => {
    const shop = await NodeShop.open();
    const billing = new RecordedBilling();
    const ref = await openCharge(shop, billing);
    billing.known.clear();
    await runs(shop, 2, billing);
    expect(shop.stripe.objectOf(ref).state).toBe('voided');
    expect(billing.orphans).toMatchObject([{ ref, outcome: 'voided', amountMinor: 0 }]);
  });

  test('stays where its charge knows it', async () => {
    const shop = await NodeShop.open();
    const billing = new RecordedBilling();
    const paid = await payCharge(shop, billing);
    const open = await openCharge(shop, billing);
    await runs(shop, 2, billing);
    expect(shop.stripe.objectOf(paid)).toMatchObject({ state: 'captured', refundedMinor: 0 });
    expect(shop.stripe.objectOf(open).state).toBe('created');
    expect(billing.orphans).toEqual([]);
  });

  test('of another deployment is not ours to touch', async () => {
    const shop = await NodeShop.open();
    const billing = new RecordedBilling();
    const ref = await payCharge(shop, billing, 'sub_gforged0000000000');
    billing.known.clear();
    await runs(shop, 1, billing);
    expect(shop.stripe.objectOf(ref)).toMatchObject({ state: 'captured', refundedMinor: 0 });
    expect(billing.orphans).toEqual([]);
  });

  test('is left to its own request while it is young, unless a person asks', async () => {
    const shop = await NodeShop.open();
    const billing = new RecordedBilling();
    const ref = await openCharge(shop, billing);
    billing.known.clear();
    shop.clock.advance(60_000);
    await reconcile(reconcilePorts(shop, billing), { byHand: false });
    expect(shop.stripe.objectOf(ref).state).toBe('created');
    await reconcile(reconcilePorts(shop, billing), { byHand: true });
    expect(shop.stripe.objectOf(ref).state).toBe('voided');
  });
});

describe('subscriptions that are due for a look', () => {
  test('are looked at in every run, and counted', async () => {
    const shop = await NodeShop.open();
    const billing = new RecordedBilling();
    billing.looks = async () => ({ lookedAt: 3, failed: 1 });
    const report = await reconcile(reconcilePorts(shop, billing), { byHand: true });
    expect(report).toMatchObject({ subscriptionsLookedAt: 3, subscriptionsFailed: 1 });
    expect(billing.runs).toEqual([{ byHand: true }]);
  });

  test('do not keep orphans from going back when they cannot be read', async () => {
    const shop = await NodeShop.open();
    const billing = new RecordedBilling();
    const ref = await payCharge(shop, billing);
    billing.known.clear();
    billing.looks = () => Promise.reject(new Error('the database is away'));
    const report = await reconcile(reconcilePorts(shop, billing), { byHand: true });
    expect(report).toMatchObject({ subscriptionsFailed: 1, orphansRefunded: 1 });
    expect(shop.stripe.objectOf(ref).refundedMinor).toBe(3_000);
  });
});
