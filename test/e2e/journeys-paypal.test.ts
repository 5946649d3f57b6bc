/**
 * Paying through PayPal, seen from outside: the payer agrees at PayPal and the platform asks for the money after that. What
 * the customer is told, what the slot shows, what PayPal's own books say, and that the ledger agrees with them to the cent.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/platform-process.ts';
import { MANY, ORDER, PaypalShop, SETTLED_WITHIN_MS } from './support/paypal.ts';
import { PAID, card, expectProblem, type BookRow } from './support/shop.ts';

const RESERVED = 'authorization 2500 succeeded';
const DECLINED = 'authorization 2500 failed';

interface Subscribed {
  readonly id: string;
  readonly status: string;
  readonly payment?: { readonly processorId: string; readonly action?: { readonly type: string } };
}

let shop: PaypalShop;

beforeAll(async () => {
  shop = await PaypalShop.open();
}, 120_000);

afterEach(() => shop.api.clearFaults());
afterAll(() => shop.api.stop());

describe('a payer who agrees', () => {
  it('is sent to PayPal, and has the slot once they are back', async () => {
    const { booking, slotId } = await shop.begin();
    const { action } = booking.payment ?? {};
    expect(action).toMatchObject({ type: 'redirect', url: expect.any(String) });
    expect((await shop.api.call(`GET ${action?.url}`)).status).toBe(200);
    expectProblem(await shop.confirm(booking), 402, 'payment_incomplete');
    expect((await shop.api.slot(slotId)).status).toBe('held');
    await shop.approve(booking);
    expect((await shop.confirm(booking)).status).toBe(200);
    const confirmed = await shop.api.untilStatus(shop.customer, booking.id, 'confirmed');
    expect(confirmed).toMatchObject({
      late: false,
      payment: { status: 'captured', amount: { amount: 2500, currency: 'usd' } },
    });
    expect(await shop.api.money(booking.id)).toEqual(PAID);
    expect((await shop.api.books(booking.id)).map(({ currency }) => currency)).toEqual([
      'usd',
      'usd',
    ]);
    expect(await shop.api.slot(slotId)).toMatchObject({ status: 'booked', remaining: 0 });
  });

  it('is confirmed by PayPal’s word alone, their slot locked before their money is taken', async () => {
    const { booking } = await shop.buy();
    expect(await shop.api.money(booking.id)).toEqual(PAID);
    expect(await shop.callsOf(booking)).toEqual(['authorize']);
    const path = `GET /v1/bookings/${booking.id}/history`;
    const { json } = await shop.api.call<{ data: { to: string }[] }>(path, { as: shop.customer });
    expect(json.data.map(({ to }) => to)).toEqual(['pending', 'confirming', 'confirmed']);
  });

  it('is charged once though they come back in many windows while PayPal calls', async () => {
    const { booking } = await shop.begin();
    await shop.approve(booking);
    const answers = await Promise.all(Array.from({ length: 6 }, () => shop.confirm(booking)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await shop.api.untilStatus(shop.customer, booking.id, 'confirmed');
    expect(await shop.api.money(booking.id)).toEqual(PAID);
    expect(await shop.callsOf(booking)).toEqual(['authorize']);
  });

  it('is found by the reconciliation when PayPal’s word was lost', async () => {
    await shop.api.fault('webhook_drop', { processor: 'paypal', count: MANY });
    const { booking } = await shop.begin();
    await shop.approve(booking);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('pending');
    await shop.api.reconcile(shop.operator);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('confirmed');
    expect(await shop.api.money(booking.id)).toEqual(PAID);
  });

  it.each(['authorize', 'capture'])(
    'is charged once though the answer to the %s was lost',
    async (operation) => {
      await shop.api.fault('timeout_after', { processor: 'paypal', operation, ms: 200 });
      const { booking } = await shop.begin();
      await shop.approve(booking);
      await shop.api.untilStatus(shop.customer, booking.id, 'confirmed');
      expect(await shop.api.money(booking.id)).toEqual(PAID);
    },
  );

  it('pays once when every word of PayPal comes twice and out of order', async () => {
    await shop.api.fault('webhook_duplicate', { processor: 'paypal', count: MANY });
    await shop.api.fault('webhook_reorder', { processor: 'paypal', count: MANY, ms: 300 });
    const { booking } = await shop.buy();
    await shop.untilDelivered();
    expect(await shop.api.money(booking.id)).toEqual(PAID);
  });
});

describe('a payer who does not pay', () => {
  it('may turn back at PayPal and agree later', async () => {
    const { booking } = await shop.begin();
    expect(await shop.act(booking, { action: 'decline' })).toBe(200);
    expectProblem(await shop.confirm(booking), 402, 'payment_incomplete');
    await shop.approve(booking);
    await shop.api.untilStatus(shop.customer, booking.id, 'confirmed');
    expect(await shop.api.money(booking.id)).toEqual(PAID);
  });

  it('keeps the hold when PayPal declines them, and pays another way once', async () => {
    const { booking } = await shop.begin();
    await shop.approve(booking, 'payer_instrument_declined');
    await shop.api.untilStatus(shop.customer, booking.id, 'payment_failed');
    expect(await shop.api.money(booking.id)).toEqual([DECLINED]);
    const second = await shop.api.mustBook(shop.customer, {
      holdId: booking.holdId,
      payment: card(),
    });
    expect(second).toMatchObject({ id: booking.id, status: 'confirmed' });
    // PayPal keeps the page of the first attempt open, and nobody asks for its money.
    await shop.approve(booking);
    await shop.untilHandled();
    expect(await shop.api.money(booking.id)).toEqual([DECLINED, ...PAID]);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('confirmed');
  });

  it('may try PayPal again after it declined them', async () => {
    const { booking } = await shop.begin();
    await shop.approve(booking, 'payer_instrument_declined');
    await shop.api.untilStatus(shop.customer, booking.id, 'payment_failed');
    const second = await shop.api.mustBook(shop.customer, {
      holdId: booking.holdId,
      payment: ORDER,
    });
    expect(second).toMatchObject({ id: booking.id, status: 'pending' });
    expect(second.payment?.processorId).not.toBe(booking.payment?.processorId);
    await shop.approve(second);
    await shop.api.untilStatus(shop.customer, booking.id, 'confirmed');
    expect(await shop.api.money(booking.id)).toEqual([DECLINED, ...PAID]);
  });

  it.each(['payer_capture_declined', 'payer_capture_declined_later'])(
    'frees the slot, and the funds that were reserved for it: %s',
    async (payer) => {
      const { booking, slotId } = await shop.begin();
      await shop.approve(booking, payer);
      await shop.untilHandled();
      await shop.advanceClock();
      await shop.api.untilStatus(shop.customer, booking.id, 'payment_failed');
      await shop.api.untilMoney(booking.id, [
        RESERVED,
        'capture 2500 failed',
        'void 2500 succeeded',
      ]);
      await shop.api.mustHold(shop.rival, slotId);
    },
  );

  it('loses the slot when they leave it alone, and is not charged for agreeing after that', async () => {
    const left = await shop.begin({ service: { holdTtlSeconds: 1 } });
    const sold = await shop.begin({ service: { holdTtlSeconds: 1 } });
    for (const { booking } of [left, sold])
      await shop.api.untilStatus(shop.customer, booking.id, 'expired');
    const slotIds = [sold.slotId];
    await shop.api.mustBook(shop.rival, { slotIds, payment: card() });
    for (const { booking } of [left, sold]) await shop.approve(booking);
    await shop.untilHandled();
    for (const { booking } of [left, sold]) {
      expect(await shop.api.money(booking.id)).toEqual([]);
      expectProblem(await shop.confirm(booking), 410, 'hold_expired');
      expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('expired');
    }
    expect((await shop.api.slot(left.slotId)).status).toBe('available');
  });
});

describe('money that PayPal takes its time over', () => {
  it('confirms when the review of the funds ends well', async () => {
    const { booking, slotId } = await shop.begin();
    await shop.approve(booking, 'payer_authorization_pending');
    await shop.untilHandled();
    expect((await shop.api.booking(shop.customer, booking.id)).payment?.status).toBe('pending');
    expect((await shop.api.slot(slotId)).status).toBe('held');
    await shop.advanceClock();
    await shop.api.untilStatus(shop.customer, booking.id, 'confirmed');
    expect(await shop.api.money(booking.id)).toEqual(PAID);
  });

  it('leaves the hold for another method when the review ends badly', async () => {
    const { booking } = await shop.begin();
    await shop.approve(booking, 'payer_authorization_denied');
    await shop.untilHandled();
    await shop.advanceClock();
    await shop.api.untilStatus(shop.customer, booking.id, 'payment_failed');
    expect(await shop.api.money(booking.id)).toEqual([DECLINED]);
    const body = { holdId: booking.holdId, payment: card() };
    expect((await shop.api.mustBook(shop.customer, body)).status).toBe('confirmed');
  });

  it('keeps the slot locked while a capture is pending, and confirms when it is done', async () => {
    const { booking, slotId } = await shop.begin();
    await shop.approve(booking, 'payer_capture_pending');
    await shop.api.untilStatus(shop.customer, booking.id, 'confirming');
    await shop.untilHandled();
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('confirming');
    expectProblem(await shop.api.hold(shop.rival, { slotIds: [slotId] }), 409, 'slot_unavailable');
    await shop.advanceClock();
    await shop.api.untilStatus(shop.customer, booking.id, 'confirmed');
    expect(await shop.api.money(booking.id)).toEqual(PAID);
  });
});

describe('money that comes after the hold has died', () => {
  it('buys what is still to be had, marked late, and is let go where it was sold meanwhile', async () => {
    const service = { holdTtlSeconds: 60 };
    const free = await shop.begin({ service });
    const gone = await shop.begin({ service });
    for (const { booking } of [free, gone])
      await shop.approve(booking, 'payer_authorization_pending');
    await shop.untilHandled();
    // The hold and the minute after it pass while nobody serves; after that PayPal says nothing for a while.
    await shop.api.platform.terminate();
    shop.api.platform.spawn({ CLOCK_OFFSET_SECONDS: '200' });
    await until(async () => {
      const rule = { processor: 'paypal', operation: 'fetch', fault: 'http_429', count: MANY };
      const url = `POST ${shop.api.control('faults')}`;
      return (await shop.api.call(url, { body: rule }).catch(() => null))?.status === 201;
    }, SETTLED_WITHIN_MS);
    await until(() => shop.api.platform.isReady(), 60_000);
    for (const { booking } of [free, gone])
      await shop.api.untilStatus(shop.customer, booking.id, 'expired');
    const sold = await shop.api.mustBook(shop.rival, { slotIds: [gone.slotId], payment: card() });
    expect(sold.status).toBe('confirmed');
    await shop.advanceClock();
    await shop.api.clearFaults();
    await shop.api.reconcile(shop.operator);

    const late = await shop.api.untilStatus(shop.customer, free.booking.id, 'confirmed');
    expect(late.late).toBe(true);
    expect(late.holdId).not.toBe(free.booking.holdId);
    expect(await shop.api.money(late.id)).toEqual(PAID);
    expect((await shop.api.slot(free.slotId)).status).toBe('booked');

    await shop.api.untilMoney(gone.booking.id, [RESERVED, 'void 2500 succeeded']);
    expect((await shop.api.booking(shop.customer, gone.booking.id)).status).toBe('expired');
    expect((await shop.api.booking(shop.rival, sold.id)).status).toBe('confirmed');
  });
});

describe('a member who pays with PayPal', () => {
  it('agrees once, and is charged once for the first period', async () => {
    const { api, operator: as } = shop;
    const terms = {
      code: `plan-${crypto.randomUUID()}`,
      name: 'Club',
      price: { amount: 2000, currency: 'usd' },
      interval: { unit: 'month', count: 1 },
      entitlements: {},
    };
    const plan = await api.call<{ id: string }>('POST /v1/ops/plans', { as, body: terms });
    expect(plan.status, plan.text).toBe(201);
    await api.call(`POST /v1/ops/plans/${plan.json.id}/publish`, { as, body: {} });
    const member = await api.register('member');
    const body = { planId: plan.json.id, payment: ORDER };
    const sent = { as: member, body };
    const begun = await api.call<Subscribed>('POST /v1/subscriptions', sent);
    expect([begun.status, begun.json.status], begun.text).toEqual([201, 'incomplete']);
    expect(begun.json.payment?.action).toMatchObject({ type: 'redirect' });
    const path = `payers/paypal/${begun.json.payment?.processorId}`;
    const done = await api.call(`POST ${api.control(path)}`, { body: { action: 'approve' } });
    expect(done.status, done.text).toBe(200);
    const confirm = `POST /v1/subscriptions/${begun.json.id}/confirm`;
    // The processor's own event may be collecting at this moment; then the answer shows it on its way.
    await until(async () => {
      const confirmed = await api.call<Subscribed>(confirm, { as: member, body: {} });
      expect(confirmed.status, confirmed.text).toBe(200);
      return confirmed.json.status === 'active';
    }, 20_000);
    const books = await api.call<{ data: BookRow[] }>(`GET ${api.control('books')}`);
    const own = books.json.data.filter((row) => row.metadata['subscriptionId'] === begun.json.id);
    expect(own.map(({ kind, amount, status }) => `${kind} ${amount} ${status}`)).toEqual([
      'capture 2000 succeeded',
    ]);
  });
});

describe('the ledger', () => {
  it('agrees with the processors’ own books to the cent after all of this', async () => {
    await shop.expectMoneyExplained(['paypal', 'stripe']);
  });
});
