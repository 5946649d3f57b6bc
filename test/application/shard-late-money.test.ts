/** Money that comes after its hold has died: a new claim where the slot is still free, otherwise back, exactly once. */
import { describe, expect, test } from 'vitest';
import { METHODS, type Fault, type SeenCall } from '../support/fake-processor.ts';
import { card, codeOf, CRYPTO, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

const LONG_AFTER_MS = 20 * 60_000;

function losesVoids({ kind }: SeenCall): Fault | null {
  return kind === 'void' ? 'lost_before' : null;
}

/** A booking by card whose payer was asked and said nothing until long after the deadline; voids are lost meanwhile. */
async function abandoned(shop: NodeShop, payment = card(METHODS.asksPayer)) {
  const booking = await shop.booked([shop.slot()], payment);
  shop.stripe.faultFor = losesVoids;
  shop.btcpay.faultFor = losesVoids;
  for (let i = 0; i < 4; i++) await shop.pass(LONG_AFTER_MS / 4);
  expect(shop.bookingRow(booking.id).state).toBe('expired');
  return booking;
}

function heal(shop: NodeShop): void {
  shop.stripe.faultFor = () => null;
  shop.btcpay.faultFor = () => null;
}

describe('late money of a card', () => {
  test('is released, never captured, where the payment was being ended anyway', async () => {
    const shop = await NodeShop.open();
    const { id } = await abandoned(shop);
    shop.stripe.payerApproves('stripe_1');
    heal(shop);
    for (let i = 0; i < 3; i++) await shop.pass(LONG_AFTER_MS);
    expect(shop.stripe.objectOf('stripe_1').capturedMinor).toBe(0);
    expect(['voided', 'captured']).toContain(shop.stripe.objectOf('stripe_1').state);
    expect(shop.bookingRow(id).state).toBe('expired');
  });
});

/** A booking whose payer was asked, and that nobody could look after until its hold had died. */
async function forgotten(shop: NodeShop) {
  const booking = await shop.booked([shop.slot()], card(METHODS.asksPayer));
  shop.stripe.faultFor = () => 'lost_before';
  for (let i = 0; i < 4; i++) await shop.pass(LONG_AFTER_MS / 4);
  shop.stripe.payerApproves('stripe_1');
  heal(shop);
  return booking;
}

describe('late funds of a card', () => {
  test('make a new claim before they are captured, where the slot is still free', async () => {
    const shop = await NodeShop.open();
    const { id } = await forgotten(shop);
    await shop.advance(id);
    expect(shop.bookingRow(id)).toMatchObject({ state: 'confirmed', isLate: true });
    expect(shop.calls().slice(-2)).toEqual(['fetch', 'capture']);
  });

  test('are released, never captured, where the slot was sold meanwhile', async () => {
    const shop = await NodeShop.open();
    const { id } = await forgotten(shop);
    const other = await shop.booked([shop.slot()], card(), { by: 'usr_bob' });
    await shop.advance(id);
    expect(shop.stripe.objectOf('stripe_1')).toMatchObject({ state: 'voided', capturedMinor: 0 });
    expect(shop.bookingRow(id).state).toBe('expired');
    expect(shop.bookingRow(other.id).state).toBe('confirmed');
  });
});

describe('late money of an invoice', () => {
  test('makes a new claim and confirms, marked late, where the slot is still free', async () => {
    const shop = await NodeShop.open();
    const { id, holdId } = await abandoned(shop, CRYPTO);
    shop.btcpay.payerApproves('btcpay_1');
    heal(shop);
    await shop.advance(id);
    const booking = shop.bookingRow(id);
    expect(booking).toMatchObject({ state: 'confirmed', isLate: true });
    expect(booking.holdId).not.toBe(holdId);
    expect(shop.holdRow(holdId).state).toBe('expired');
    expect(shop.holdRow(booking.holdId)).toMatchObject({ state: 'committed', bookingId: id });
    expect(await shop.slotStatus()).toBe('booked');
  });

  test('goes back in full, exactly once, where the slot was sold meanwhile', async () => {
    const shop = await NodeShop.open();
    const { id } = await abandoned(shop, CRYPTO);
    heal(shop);
    const other = await shop.booked([shop.slot()], card(), { by: 'usr_bob' });
    shop.btcpay.payerApproves('btcpay_1');
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('expired');
    expect(shop.bookingRow(other.id).state).toBe('confirmed');
    expect(shop.btcpay.objectOf('btcpay_1')).toMatchObject({
      refundedMinor: 2_500,
      refunds: [{ amountMinor: 2_500 }],
    });
    expect(shop.payment(id).state).toBe('refunded');
  });

  test('goes back where the slot has begun', async () => {
    const shop = await NodeShop.open();
    const { id } = await abandoned(shop, CRYPTO);
    heal(shop);
    shop.clock.set(TOMORROW_MS);
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(id);
    expect(shop.payment(id).state).toBe('refunded');
    expect(shop.bookingRow(id).state).toBe('expired');
  });

  test('that is less than what is due goes back, and confirms nothing', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot()], CRYPTO);
    shop.btcpay.payerApproves('btcpay_1', 2_499);
    await shop.advance(id);
    expect(shop.bookingRow(id).state).not.toBe('confirmed');
    expect(shop.btcpay.objectOf('btcpay_1').refundedMinor).toBe(2_499);
    await shop.pass(10 * 60_000);
    expect(await shop.slotStatus()).toBe('available');
  });

  test('of an invoice that had ended is noticed too, and goes back', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot()], CRYPTO);
    shop.btcpay.expire('btcpay_1');
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('payment_failed');
    await shop.pass(10 * 60_000);
    await shop.booked([shop.slot()], card(), { by: 'usr_bob' });
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(id);
    expect(shop.btcpay.objectOf('btcpay_1').refundedMinor).toBe(2_500);
  });

  test('that is on its way back is not given back again when the booking is then cancelled', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot()], CRYPTO);
    shop.btcpay.payerApproves('btcpay_1', 2_499);
    shop.btcpay.faultFor = ({ kind }) => (kind === 'refund' ? 'busy' : null);
    await shop.advance(id);
    expect(shop.shard.store.refundsOf(id)).toMatchObject([{ state: 'requested' }]);
    expect(codeOf(await shop.cancel(id))).toBe('accepted');
    heal(shop);
    for (let i = 0; i < 4; i++) await shop.pass(60_000);
    expect(shop.btcpay.objectOf('btcpay_1').refunds).toHaveLength(1);
    expect(shop.payment(id).state).toBe('refunded');
  });
});

describe('money of two attempts', () => {
  test('that goes back for one leaves the booking with what the other keeps', async () => {
    const ladder = [{ hoursBefore: 0, refundPercent: 50 }];
    const shop = await NodeShop.open({ service: { cancellationPolicy: ladder } });
    const hold = await shop.held();
    const { id } = await shop.booked(hold.id, CRYPTO);
    await shop.booked(hold.id, card());
    await shop.cancel(id);
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(id);
    expect(shop.btcpay.objectOf('btcpay_1').refundedMinor).toBe(2_500);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(1_250);
    expect(shop.bookingRow(id).state).toBe('cancelled');
  });
});

describe('a late claim', () => {
  const TWO_COURTS = {
    service: { resourceIds: ['res_court', 'res_second'] },
    resources: [{}, { id: 'res_second', name: 'Court 2' }],
    slots: [{ at: 0 }, { at: 0, resourceId: 'res_court' }],
  };

  test('shows the resource that it got, not the one that the dead hold had', async () => {
    const shop = await NodeShop.open(TWO_COURTS);
    const { id } = await abandoned(shop, CRYPTO);
    const before = shop.bookingRow(id).items[0]?.resourceIds;
    heal(shop);
    await shop.booked([shop.slot(1)], card(), { by: 'usr_bob' });
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(id);
    const booking = shop.bookingRow(id);
    const claimed = shop.shard.store.claimsOf(booking.holdId).map(({ resourceId }) => resourceId);
    expect(before).toEqual(['res_court']);
    expect(claimed).toEqual(['res_second']);
    expect(booking.items[0]?.resourceIds).toEqual(claimed);
  });

  test('for reserved funds shows the resource that it got too', async () => {
    const shop = await NodeShop.open(TWO_COURTS);
    const { id } = await shop.booked([shop.slot()], card(METHODS.asksPayer));
    shop.stripe.faultFor = () => 'lost_before';
    for (let i = 0; i < 4; i++) await shop.pass(LONG_AFTER_MS / 4);
    heal(shop);
    expect(shop.bookingRow(id).state).toBe('expired');
    await shop.booked([shop.slot(1)], card(), { by: 'usr_bob' });
    shop.stripe.payerApproves('stripe_1');
    await shop.advance(id);
    const booking = shop.bookingRow(id);
    expect(booking).toMatchObject({ state: 'confirmed', isLate: true });
    const claimed = shop.shard.store.claimsOf(booking.holdId).map(({ resourceId }) => resourceId);
    expect(claimed).toEqual(['res_second']);
    expect(booking.items[0]?.resourceIds).toEqual(claimed);
  });
});

describe('funds of an attempt that had ended', () => {
  test('that turn up while another attempt waits do not break the shard', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    await shop.book(hold.id, card(METHODS.declines));
    const id = shop.holdRow(hold.id).bookingId ?? '';
    await shop.booked(hold.id, card(METHODS.asksPayer));
    shop.stripe.payerApproves('stripe_1');
    shop.stripe.faultFor = ({ kind }) => (kind === 'void' ? 'lost_before' : null);
    await shop.advance(id, 'webhook');
    heal(shop);
    await shop.pass(60_000);
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    shop.stripe.payerApproves('stripe_2');
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(codeOf(await shop.confirm(id))).toBe('accepted');
  });
});
