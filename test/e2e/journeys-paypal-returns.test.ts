/**
 * Money that goes back through PayPal, seen from outside: cancellations, refunds by the provider, and payers who object. What
 * is returned is returned once, what was lost to a dispute is not returned on top, and the ledger knows all of it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/platform-process.ts';
import { MANY, PaypalShop, SETTLED_WITHIN_MS, type Refund } from './support/paypal.ts';
import { PAID, expectProblem, spanIn } from './support/shop.ts';

const REFUNDED = [...PAID, 'refund 2500 succeeded'];

let shop: PaypalShop;

beforeAll(async () => {
  shop = await PaypalShop.open();
}, 120_000);

afterEach(() => shop.api.clearFaults());
afterAll(() => shop.api.stop());

describe('cancelling', () => {
  it('before the payer agreed frees the slot, and agreeing after that takes nothing', async () => {
    const { booking, slotId } = await shop.begin();
    expect((await shop.api.cancel(shop.customer, booking)).json.status).toBe('cancelled');
    expect((await shop.api.slot(slotId)).status).toBe('available');
    await shop.approve(booking);
    await shop.untilHandled();
    expect(await shop.api.money(booking.id)).toEqual([]);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('cancelled');
  });

  it('while PayPal reviews the funds lets them go', async () => {
    const { booking, slotId } = await shop.begin();
    await shop.approve(booking, 'payer_authorization_pending');
    await shop.untilHandled();
    expect((await shop.api.cancel(shop.customer, booking)).json.status).toBe('cancelled');
    expect((await shop.api.slot(slotId)).status).toBe('available');
    await until(
      async () => (await shop.api.money(booking.id)).includes('void 2500 succeeded'),
      SETTLED_WITHIN_MS,
    );
    await shop.advanceClock();
    await shop.untilHandled();
    expect((await shop.api.money(booking.id)).filter((row) => row.startsWith('capture'))).toEqual(
      [],
    );
  });

  it('after the payment returns all of it in good time, and the slot to sale', async () => {
    const { booking, slotId } = await shop.buy();
    expect((await shop.api.cancel(shop.customer, booking)).status).toBe(200);
    await shop.api.untilStatus(shop.customer, booking.id, 'refunded');
    expect(await shop.api.money(booking.id)).toEqual(REFUNDED);
    await shop.api.mustHold(shop.rival, slotId);
    expectProblem(await shop.api.cancel(shop.customer, booking), 409, 'invalid_transition');
    expect(await shop.api.money(booking.id)).toEqual(REFUNDED);
  });

  it('late returns what the policy returns', async () => {
    const cancellationPolicy = [
      { hoursBefore: 48, refundPercent: 100 },
      { hoursBefore: 24, refundPercent: 50 },
    ];
    const { booking } = await shop.buy({ service: { cancellationPolicy }, at: spanIn(36) });
    expect((await shop.api.cancel(shop.customer, booking)).status).toBe(200);
    await shop.api.untilMoney(booking.id, [...PAID, 'refund 1250 succeeded']);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('cancelled');
  });

  it('waits for a refund that PayPal takes its time over', async () => {
    const { booking } = await shop.buy({ payer: 'payer_refund_pending' });
    expect((await shop.api.cancel(shop.customer, booking)).json.status).toBe('cancelled');
    await shop.api.untilMoney(booking.id, [...PAID, 'refund 2500 pending']);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('cancelled');
    await shop.advanceClock();
    await shop.api.untilStatus(shop.customer, booking.id, 'refunded');
    expect(await shop.api.money(booking.id)).toEqual(REFUNDED);
  });

  it.each(['payer_refund_failed', 'payer_refund_refused'])(
    'never calls money returned that PayPal could not return: %s',
    async (payer) => {
      const { booking } = await shop.buy({ payer });
      expect((await shop.api.cancel(shop.customer, booking)).json.status).toBe('cancelled');
      await shop.untilHandled();
      await shop.advanceClock();
      await shop.untilHandled();
      const path = `GET /v1/bookings/${booking.id}`;
      await until(async () => {
        const { json } = await shop.api.call<{ refunds: Refund[] }>(path, { as: shop.customer });
        return json.refunds.some(({ status }) => status === 'failed');
      }, SETTLED_WITHIN_MS);
      expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('cancelled');
      const returned = (await shop.api.money(booking.id)).filter((row) =>
        /^refund.*succeeded/.test(row),
      );
      expect(returned).toEqual([]);
    },
  );
});

describe('a refund by the provider', () => {
  it('returns a part and then the rest, and never more than was taken', async () => {
    const { booking } = await shop.buy();
    const part = await shop.refund(booking, 700);
    expect(part.status, part.text).toBe(201);
    expect(part.json).toMatchObject({ status: 'succeeded', amount: { amount: 700 } });
    expectProblem(await shop.refund(booking, 1_801), 409, 'refund_exceeds_captured');
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('confirmed');
    const rest = await shop.refund(booking);
    expect(rest.json).toMatchObject({ status: 'succeeded', amount: { amount: 1_800 } });
    expectProblem(await shop.refund(booking, 1), 409, 'refund_exceeds_captured');
    expect(await shop.api.money(booking.id)).toEqual([
      ...PAID,
      'refund 700 succeeded',
      'refund 1800 succeeded',
    ]);
  });

  it('asked for many times at once never exceeds what was taken', async () => {
    const { booking } = await shop.buy();
    const answers = await Promise.all(Array.from({ length: 5 }, () => shop.refund(booking, 1_000)));
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectProblem(answer, 409, 'refund_exceeds_captured');
    }
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    const part = 'refund 1000 succeeded';
    await shop.api.untilMoney(booking.id, [...PAID, part, part]);
  });

  it('whose answer was lost is made once', async () => {
    const { booking } = await shop.buy();
    await shop.api.fault('timeout_after', { processor: 'paypal', operation: 'refund', ms: 200 });
    expect((await shop.refund(booking)).status).toBe(201);
    await shop.api.reconcile(shop.operator);
    await shop.api.untilMoney(booking.id, REFUNDED);
  });
});

describe('a dispute', () => {
  it('that is won leaves the booking, and the money may be returned again', async () => {
    const { booking } = await shop.buy();
    const id = await shop.dispute(booking);
    await shop.untilEntries(booking, ['capture', 'dispute']);
    expectProblem(await shop.refund(booking), 409, 'invalid_transition');
    await shop.adjudicate(id, 'SELLER_FAVOR');
    await shop.untilEntries(booking, ['capture', 'dispute', 'dispute_won']);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('confirmed');
    expect((await shop.refund(booking, 500)).status).toBe(201);
    await shop.api.untilMoney(booking.id, [...PAID, 'dispute 2500 failed', 'refund 500 succeeded']);
  });

  it('that is lost ends the booking, frees the slot, and nothing is returned twice', async () => {
    const { booking, slotId } = await shop.buy();
    await shop.adjudicate(await shop.dispute(booking), 'BUYER_FAVOR');
    await shop.api.untilStatus(shop.customer, booking.id, 'cancelled');
    expect((await shop.api.slot(slotId)).status).toBe('available');
    expectProblem(await shop.refund(booking), 409, 'refund_exceeds_captured');
    await shop.untilEntries(booking, ['capture', 'dispute']);
    expect(await shop.api.money(booking.id)).toEqual([...PAID, 'dispute 2500 succeeded']);
  });

  it('over a part of the payment takes that part alone', async () => {
    const { booking } = await shop.buy();
    expect((await shop.refund(booking, 1_000)).status).toBe(201);
    const id = await shop.dispute(booking, { amount: 600 });
    await shop.untilEntries(booking, ['capture', 'refund', 'dispute']);
    await shop.adjudicate(id, 'BUYER_FAVOR');
    await shop.api.untilStatus(shop.customer, booking.id, 'cancelled');
    expect((await shop.api.money(booking.id)).at(-1)).toBe('dispute 600 succeeded');
    const balance = (await shop.entriesOf(booking))
      .flatMap(({ kind, postings }) => (kind === 'fee' ? [] : postings))
      .filter(({ account }) => account === 'processor:paypal')
      .reduce((sum, { amount }) => sum + amount, 0);
    expect(balance).toBe(2_500 - 1_000 - 600);
  });

  it('is undecided while it is looked into: the customer’s cancellation returns nothing before its end', async () => {
    const { booking, slotId } = await shop.buy();
    const id = await shop.dispute(booking);
    await shop.untilEntries(booking, ['capture', 'dispute']);
    expect((await shop.api.cancel(shop.customer, booking)).json.status).toBe('cancelled');
    expect((await shop.api.slot(slotId)).status).toBe('available');
    expect(await shop.api.money(booking.id)).toEqual([...PAID, 'dispute 2500 pending']);
    await shop.adjudicate(id, 'SELLER_FAVOR');
    await shop.api.untilStatus(shop.customer, booking.id, 'refunded');
    expect(await shop.api.money(booking.id)).toEqual([
      ...PAID,
      'dispute 2500 failed',
      'refund 2500 succeeded',
    ]);
  });

  it('as soon as the money came is known to the ledger', async () => {
    const { booking } = await shop.buy({ payer: 'payer_dispute' });
    await shop.untilEntries(booking, ['capture', 'dispute']);
  });

  it('whose end nobody told is found by the reconciliation', async () => {
    const { booking } = await shop.buy();
    const id = await shop.dispute(booking);
    await shop.untilEntries(booking, ['capture', 'dispute']);
    await shop.api.fault('webhook_drop', { processor: 'paypal', count: MANY });
    await shop.adjudicate(id, 'BUYER_FAVOR');
    await shop.api.reconcile(shop.operator);
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('cancelled');
    await shop.untilEntries(booking, ['capture', 'dispute']);
  });

  it('that only asks takes nothing, and is answered by giving the money back', async () => {
    const { booking } = await shop.buy();
    await shop.dispute(booking, { paymentMethod: 'payer_inquiry' });
    await shop.untilHandled();
    expect((await shop.api.booking(shop.customer, booking.id)).status).toBe('confirmed');
    await shop.untilEntries(booking, ['capture']);
    expect((await shop.refund(booking)).status).toBe(201);
    await shop.untilEntries(booking, ['capture', 'refund']);
    expect((await shop.api.money(booking.id)).toSorted()).toEqual(
      [...PAID, 'dispute 2500 failed', 'refund 2500 succeeded'].toSorted(),
    );
  });
});

describe('the ledger', () => {
  it('agrees with the processors’ own books to the cent after all of this', async () => {
    await shop.expectMoneyExplained(['paypal']);
  });
});
