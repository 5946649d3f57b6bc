/** Money that the payer pushes: it confirms what it pays for, and what it does not pay for goes back, once. */
import { describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { card, CRYPTO, customer, given, NodeShop } from '../support/node-shop.ts';

async function invoiced() {
  const shop = await NodeShop.open();
  const booking = await shop.booked([shop.slot()], CRYPTO);
  return { shop, id: booking.id, booking };
}

async function factsOf(shop: NodeShop): Promise<string[]> {
  const facts = await shop.facts();
  return facts.map(
    ({ kind, amountMinor, isEarned }) => `${kind} ${amountMinor}${isEarned ? '' : ' surplus'}`,
  );
}

describe('an invoice', () => {
  test('asks the payer to pay, and keeps the hold while its money is under way', async () => {
    const { shop, booking } = await invoiced();
    expect(booking).toMatchObject({
      status: 'pending',
      payment: { status: 'action_required', action: { type: 'redirect' } },
    });
    shop.btcpay.objectOf('btcpay_1').state = 'pending';
    await shop.advance(booking.id);
    expect(shop.payment(booking.id).state).toBe('pending');
    expect(await shop.slotStatus()).toBe('held');
  });

  test('that was paid locks the slot and confirms, and the platform has its share', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.payerApproves('btcpay_1');
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(await shop.facts()).toMatchObject([
      {
        kind: 'captured',
        amountMinor: 2_500,
        feeMinor: 102,
        isEarned: true,
        commissionMinor: 250,
        processor: 'btcpay',
        processorRef: 'btcpay_1',
        providerId: 'prv_club',
        customerId: 'usr_ann',
      },
    ]);
  });

  test('that is partly paid waits for the rest, and confirms once it is whole', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.payerPushes('btcpay_1', 1_000);
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('pending');
    shop.btcpay.payerPushes('btcpay_1', 1_500);
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(await factsOf(shop)).toEqual(['captured 2500']);
  });

  test('that ended partly paid confirms nothing, and what came goes back once', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.payerPushes('btcpay_1', 1_000);
    shop.btcpay.expire('btcpay_1');
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('payment_failed');
    expect(shop.btcpay.objectOf('btcpay_1').refunds).toMatchObject([{ amountMinor: 1_000 }]);
    expect(await factsOf(shop)).toEqual(['captured 1000 surplus', 'refunded 1000 surplus']);
  });

  test('whose rest comes after the end gives that back too', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.payerPushes('btcpay_1', 1_000);
    shop.btcpay.expire('btcpay_1');
    await shop.advance(id);
    shop.btcpay.payerPushes('btcpay_1', 1_500);
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.btcpay.objectOf('btcpay_1').refundedMinor).toBe(2_500);
    expect(shop.payment(id)).toMatchObject({ capturedMinor: 2_500, refundedMinor: 2_500 });
    expect(shop.bookingRow(id).state).not.toBe('confirmed');
  });

  test('that was paid too much confirms, and the surplus goes back as one refund', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.payerApproves('btcpay_1', 3_200);
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(shop.btcpay.objectOf('btcpay_1').refunds).toMatchObject([{ amountMinor: 700 }]);
    const decision = shop.shard.store
      .events(0, 100)
      .find(({ type }) => type === 'payment.overpaid');
    expect(decision?.metadata).toMatchObject({ due: 2_500, came: 3_200, surplus: 700 });
    const facts = await factsOf(shop);
    expect(facts).toEqual(['captured 2500', 'captured 700 surplus', 'refunded 700 surplus']);
  });

  test('that was paid too much returns the policy’s part of the price when it is cancelled', async () => {
    const shop = await NodeShop.open({
      service: { cancellationPolicy: [{ hoursBefore: 0, refundPercent: 50 }] },
    });
    const { id } = await shop.booked([shop.slot()], CRYPTO);
    shop.btcpay.payerPushes('btcpay_1', 3_100);
    await shop.advance(id);
    given(await shop.cancel(id));
    await shop.pass(MINUTE_MS);
    expect(shop.bookingRow(id).state).toBe('cancelled');
    expect(shop.btcpay.objectOf('btcpay_1').refundedMinor).toBe(600 + 1_250);
  });

  test('that is paid again after it had confirmed gives the second payment back', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(id);
    shop.btcpay.payerPushes('btcpay_1', 2_500);
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.btcpay.objectOf('btcpay_1').refunds).toMatchObject([{ amountMinor: 2_500 }]);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(shop.payment(id)).toMatchObject({ state: 'captured', earnedMinor: 2_500 });
  });

  test('in another currency than was asked for confirms nothing and goes back', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.objectOf('btcpay_1').currency = 'eur';
    shop.btcpay.payerApproves('btcpay_1');
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('payment_failed');
    expect(shop.btcpay.objectOf('btcpay_1').refundedMinor).toBe(2_500);
    const mismatches = shop.shard.store
      .events(0, 100)
      .filter(({ type }) => type === 'payment.mismatch');
    expect(mismatches).toHaveLength(1);
    expect(await shop.facts()).toMatchObject([
      { kind: 'captured', currency: 'eur', isEarned: false },
      { kind: 'refunded', currency: 'eur', isEarned: false },
    ]);
  });

  test('whose slot was sold meanwhile gives its money back, once', async () => {
    const { shop, id } = await invoiced();
    await shop.pass(20 * MINUTE_MS);
    await shop.pass(20 * MINUTE_MS);
    await shop.booked([shop.slot()], card(), { by: 'usr_bob' });
    shop.btcpay.payerPushes('btcpay_1', 2_500);
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.btcpay.objectOf('btcpay_1').refunds).toMatchObject([{ amountMinor: 2_500 }]);
    expect(shop.payment(id).state).toBe('refunded');
  });

  test('is given back by a link where the payer has to fetch the money', async () => {
    const { shop, id } = await invoiced();
    shop.btcpay.areRefundsClaimed = true;
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(id);
    await shop.cancel(id);
    const shown = given(await shop.shard.getBooking(customer(), id)).view;
    expect(shown).toMatchObject({
      status: 'cancelled',
      refunds: [{ status: 'pending', claimUrl: 'https://pay.test/claim/btcpay_1_refund_1' }],
    });
    shop.btcpay.finishPending('btcpay_1');
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('refunded');
  });
});
