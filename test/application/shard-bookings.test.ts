/** From a hold to a confirmed booking and back: attempts, methods, cancellations. */
import { describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../src/domain/time.ts';
import { METHODS } from '../support/fake-processor.ts';
import { OWNER } from '../support/node-shard.ts';
import {
  card,
  codeOf,
  CRYPTO,
  customer,
  given,
  NodeShop,
  ORDER,
  TOMORROW_MS,
} from '../support/node-shop.ts';

const FREE = { price: { amount: 0, currency: 'usd' } };

describe('a booking that costs nothing', () => {
  test('is confirmed at once, without any processor', async () => {
    const shop = await NodeShop.open({ service: FREE });
    const booking = await shop.booked([shop.slot()], null);
    expect(booking).toMatchObject({ status: 'confirmed', payment: null, late: false });
    expect(booking.code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(shop.calls()).toEqual([]);
    expect(shop.holdRow(booking.holdId).state).toBe('committed');
    expect(await shop.slotStatus()).toBe('booked');
  });

  test('is cancelled without a refund, and its slot is free again', async () => {
    const shop = await NodeShop.open({ service: FREE });
    const { id } = await shop.booked([shop.slot()], null);
    expect(given(await shop.cancel(id)).status).toBe('cancelled');
    expect(await shop.slotStatus()).toBe('available');
    expect(shop.shard.store.refundsOf(id)).toEqual([]);
  });
});

describe('a booking with money due', () => {
  test('is refused without a payment, before anything is taken', async () => {
    const shop = await NodeShop.open();
    expect(codeOf(await shop.book([shop.slot()], null))).toBe('payment_required');
    const { id } = await shop.held();
    expect(codeOf(await shop.book(id, null))).toBe('payment_required');
    expect(shop.holdRow(id)).toMatchObject({ state: 'active', bookingId: null });
  });

  test('opens, authorises, locks, captures and confirms, in that order', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    expect(shop.calls()).toEqual(['open', 'authorize', 'capture']);
    const trail = shop.shard.store.events(0, 100).map(({ type }) => type);
    expect(trail.slice(-10)).toEqual([
      'hold.active',
      'booking.pending',
      'payment.created',
      'payment.authorized',
      'hold.committed',
      'booking.confirming',
      'payment.capturing',
      'payment.captured',
      'booking.confirmed',
      'payment.received',
    ]);
    expect(shop.payment(id)).toMatchObject({ capturedMinor: 2_500, dueAtMs: null });
  });

  test('has locked its slot before the capture is asked for', async () => {
    const shop = await NodeShop.open();
    const seen: unknown[] = [];
    shop.stripe.faultFor = ({ kind }) => {
      if (kind === 'capture') seen.push(...shop.shard.sql.rows('SELECT state FROM hold'));
      return null;
    };
    await shop.booked();
    expect(seen).toEqual([{ state: 'committed' }]);
  });

  test('that was declined keeps its hold, tells how to go on, and is paid by the next attempt', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const refused = await shop.book(hold.id, card(METHODS.declines));
    const bookingId = shop.holdRow(hold.id).bookingId ?? '';
    expect(refused).toMatchObject({
      refusal: {
        code: 'payment_declined',
        extra: { holdId: hold.id, bookingId, expiresAt: hold.expiresAt },
      },
    });
    expect(shop.holdRow(hold.id).state).toBe('active');
    const second = await shop.booked(hold.id, card('pm_good'));
    expect(second).toMatchObject({ id: bookingId, status: 'confirmed' });
    expect(shop.payments(bookingId).map(({ state }) => state)).toEqual(['failed', 'captured']);
  });

  test('whose first attempt was declined has its object at the processor closed', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    await shop.book(hold.id, card(METHODS.declines));
    await shop.pass(5_000);
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    expect(shop.holdRow(hold.id).state).toBe('active');
  });

  test('that waits for its payer is confirmed by whoever looks first, once', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked([shop.slot()], card(METHODS.asksPayer));
    expect(booking).toMatchObject({
      status: 'pending',
      payment: { status: 'action_required', action: { type: 'redirect' } },
    });
    expect(codeOf(await shop.confirm(booking.id))).toBe('payment_incomplete');
    shop.stripe.payerApproves('stripe_1');
    await Promise.all([
      shop.confirm(booking.id),
      shop.advance(booking.id),
      shop.advance(booking.id),
    ]);
    expect(given(await shop.confirm(booking.id)).status).toBe('confirmed');
    expect(shop.calls().filter((kind) => kind === 'capture')).toHaveLength(1);
  });

  test('without a chosen method waits for the payer to enter one with the processor', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked([shop.slot()], card(null));
    expect(booking.payment).toMatchObject({
      status: 'action_required',
      action: { type: 'sdk', clientSecret: 'stripe_1_secret' },
    });
    shop.stripe.payerApproves('stripe_1');
    await shop.advance(booking.id);
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
  });

  test('whose payer fails may be paid again', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const booking = await shop.booked(hold.id, card(METHODS.asksPayer));
    shop.stripe.payerFails('stripe_1');
    await shop.advance(booking.id);
    expect(shop.bookingRow(booking.id).state).toBe('payment_failed');
    expect((await shop.booked(hold.id)).status).toBe('confirmed');
  });

  test('asked for again while an attempt runs shows the booking as it is, and pays nothing twice', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const first = await shop.booked(hold.id, card(METHODS.asksPayer));
    const again = await shop.booked(hold.id, card(METHODS.asksPayer));
    expect(again).toEqual(first);
    expect(shop.payments(first.id)).toHaveLength(1);
  });

  test('asked for again once confirmed shows the booking, and pays nothing twice', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const first = await shop.booked(hold.id);
    expect(await shop.booked(hold.id, card('pm_other'))).toEqual(first);
    expect(shop.stripe.objects.size).toBe(1);
  });
});

describe('another way to pay', () => {
  test('closes the attempt that waits for its payer, and takes over', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const first = await shop.booked(hold.id, card(METHODS.asksPayer));
    const second = await shop.booked(hold.id, card('pm_good'));
    expect(second).toMatchObject({ id: first.id, status: 'confirmed' });
    expect(shop.payments(first.id).map(({ state }) => state)).toEqual(['voided', 'captured']);
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
  });

  test('takes over also when the payer has failed meanwhile', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const first = await shop.booked(hold.id, card(METHODS.asksPayer));
    shop.stripe.payerFails('stripe_1');
    const second = await shop.booked(hold.id, card('pm_good'));
    expect(second).toMatchObject({ id: first.id, status: 'confirmed' });
    expect(shop.payments(first.id).map(({ state }) => state)).toEqual(['failed', 'captured']);
  });

  test('does not take over when the payer has approved meanwhile', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const first = await shop.booked(hold.id, card(METHODS.asksPayer));
    shop.stripe.payerApproves('stripe_1');
    await shop.book(hold.id, card('pm_good'));
    await shop.pass(60_000);
    const total = [...shop.stripe.objects.values()].reduce((n, one) => n + one.capturedMinor, 0);
    expect(shop.bookingRow(first.id).state).toBe('confirmed');
    expect(total).toBe(2_500);
  });

  test('is refused once funds are reserved', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    shop.stripe.faultFor = ({ kind }) => (kind === 'capture' || kind === 'fetch' ? 'busy' : null);
    const booking = await shop.booked(hold.id);
    expect(booking.status).toBe('confirming');
    expect((await shop.booked(hold.id, card('pm_other'))).status).toBe('confirming');
    expect(shop.payments(booking.id)).toHaveLength(1);
  });

  test('with another processor gives back what an old invoice still brings in', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const booking = await shop.booked(hold.id, CRYPTO);
    expect((await shop.booked(hold.id, card('pm_good'))).status).toBe('confirmed');
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(booking.id);
    expect(shop.payments(booking.id).map(({ state }) => state)).toEqual(['refunded', 'captured']);
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
    expect(shop.btcpay.objectOf('btcpay_1').refundedMinor).toBe(2_500);
  });

  test('never confirms a booking with the money of an attempt that was closed', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    await shop.booked(hold.id, CRYPTO);
    shop.stripe.faultFor = ({ kind }) => (kind === 'capture' ? 'busy' : null);
    const booking = await shop.booked(hold.id, card('pm_good'));
    expect(booking.status).toBe('confirming');
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(booking.id);
    shop.stripe.faultFor = () => null;
    for (let i = 0; i < 3; i++) await shop.pass(60_000);
    expect(shop.payments(booking.id).map(({ state }) => state)).toEqual(['refunded', 'captured']);
    expect(given(await shop.cancel(booking.id)).status).toBe('refunded');
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(2_500);
  });

  test('a look at the booking reaches the attempt that is open, whatever came before it', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    await shop.book(hold.id, card(METHODS.declines));
    const booking = await shop.booked(hold.id, card(METHODS.asksPayer));
    shop.stripe.payerApproves('stripe_2');
    expect(given(await shop.confirm(booking.id)).status).toBe('confirmed');
  });

  test('that a deployment does not have is refused before anything is taken', async () => {
    const shop = await NodeShop.open({ without: 'paypal' });
    expect(codeOf(await shop.book([shop.slot()], ORDER))).toBe('processor_not_supported');
    expect(await shop.slotStatus()).toBe('available');
  });
});

describe('cancelling', () => {
  const LADDER = {
    cancellationPolicy: [
      { hoursBefore: 20, refundPercent: 100 },
      { hoursBefore: 10, refundPercent: 50 },
    ],
  };

  test.each([
    [20 * HOUR_MS, 2_500, 'refunded'],
    [20 * HOUR_MS - 1, 1_250, 'cancelled'],
    [10 * HOUR_MS - 1, 0, 'cancelled'],
  ])('%i ms before the start gives %i back to its customer', async (noticeMs, back, state) => {
    const shop = await NodeShop.open({ service: LADDER });
    const { id } = await shop.booked();
    shop.clock.set(TOMORROW_MS - noticeMs);
    await shop.cancel(id);
    expect(shop.bookingRow(id).state).toBe(state);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(back);
    expect(await shop.slotStatus()).toBe('available');
  });

  test('by the seller gives all of it back, whatever the ladder says', async () => {
    const shop = await NodeShop.open({ service: LADDER });
    const { id } = await shop.booked();
    shop.clock.set(TOMORROW_MS - 1);
    expect(given(await shop.cancel(id, { by: OWNER })).status).toBe('refunded');
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(2_500);
    const cancelled = shop.shard.store.eventsOf(id).find(({ to }) => to === 'cancelled');
    expect(cancelled?.actor).toBe('provider:usr_owner');
  });

  test('gives back by each slot of the booking, to the cent', async () => {
    const shop = await NodeShop.open({
      service: LADDER,
      slots: [
        { at: 0, priceMinor: 999 },
        { at: 12 * 60, priceMinor: 1_001 },
      ],
    });
    const { id } = await shop.booked(shop.slotIds);
    shop.clock.set(TOMORROW_MS - 10 * HOUR_MS);
    await shop.cancel(id);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(499 + 1_001);
  });

  test('keeps to the policy of the sale, also after the service has changed it', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const patch = { cancellationPolicy: [] };
    await shop.shard.patchService({ caller: OWNER, id: 'svc_hour', patch });
    await shop.cancel(id);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(2_500);
  });

  test('is refused while a capture is in flight, and of somebody else it is not found', async () => {
    const shop = await NodeShop.open();
    shop.stripe.faultFor = ({ kind }) => (kind === 'capture' ? 'busy' : null);
    const { id } = await shop.booked();
    expect(codeOf(await shop.cancel(id))).toBe('invalid_transition');
    expect(codeOf(await shop.cancel(id, { by: customer('usr_bob') }))).toBe('not_found');
  });

  test('twice is refused the second time, and refunds once', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    await shop.cancel(id);
    expect(codeOf(await shop.cancel(id))).toBe('invalid_transition');
    expect(shop.stripe.objectOf('stripe_1').refunds).toHaveLength(1);
  });

  test('of a booking that waits for its payer ends the payment', async () => {
    const shop = await NodeShop.open();
    const { id, holdId } = await shop.booked([shop.slot()], card(METHODS.asksPayer));
    expect(given(await shop.cancel(id)).status).toBe('cancelled');
    await shop.pass(60_000);
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    expect(shop.holdRow(holdId).state).toBe('released');
  });

  test('frees the slot for the same customer', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    await shop.cancel(id);
    expect((await shop.booked([shop.slot()])).status).toBe('confirmed');
  });
});

describe('giving up a hold with a payment', () => {
  test('closes the payment and ends the booking', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const { id } = await shop.booked(hold.id, card(METHODS.asksPayer));
    expect((await shop.giveUp(hold.id)).ok).toBe(true);
    expect(shop.bookingRow(id).state).toBe('cancelled');
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    expect(await shop.slotStatus()).toBe('available');
  });

  test('releases funds that the payer had reserved a moment before', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const { id } = await shop.booked(hold.id, card(METHODS.asksPayer));
    shop.stripe.payerApproves('stripe_1');
    await shop.giveUp(hold.id);
    await shop.pass(60_000);
    expect(shop.bookingRow(id).state).toBe('cancelled');
    expect(shop.stripe.objectOf('stripe_1')).toMatchObject({ state: 'voided', capturedMinor: 0 });
  });

  test('is refused once the funds are known to be reserved', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    shop.stripe.faultFor = ({ kind }) => (kind === 'capture' ? 'busy' : null);
    await shop.booked(hold.id);
    expect(codeOf(await shop.giveUp(hold.id))).toBe('hold_committed');
  });
});
