/**
 * Paying with bitcoin: the payer sends the money, so it comes in part, in excess, or after the slot is gone, and what goes
 * back is a link that the payer claims. At the end everything that the processor's own books say is in the ledger.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLedgerIsBooks } from './support/money.ts';
import { until } from './support/platform-process.ts';
import {
  Api,
  PAID,
  card,
  expectProblem,
  only,
  type Answer,
  type Booking,
  type Hold,
  type Person,
} from './support/shop.ts';

interface Refund {
  readonly id: string;
  readonly status: string;
  readonly amount: { readonly amount: number; readonly currency: string };
  readonly claimUrl?: string;
}

/** A booking with the money that goes back from it. */
interface Seen extends Booking {
  readonly refunds: readonly Refund[];
}

const SETTLED_WITHIN_MS = 20_000;
const IN_FULL = ['capture 2500 succeeded'];
const BITCOIN = { processor: 'btcpay' };

let api: Api;
let owner: Person;
let customer: Person;
let rival: Person;
let operator: Person;

beforeAll(async () => {
  api = await Api.start();
  // Whoever opens a shop is its provider from the next login on; the demo account is one already.
  owner = await api.demo('provider');
  customer = await api.register('customer');
  rival = await api.register('rival');
  operator = await api.demo('operator');
}, 120_000);

afterAll(() => api.stop());

/** A booking of a slot of its own that waits for its payer at the invoice. */
async function begin(service: object = {}) {
  const slotId = await api.makeSlot({ owner, service });
  const booking = await api.mustBook(customer, { slotIds: [slotId], payment: BITCOIN });
  expect(booking.status).toBe('pending');
  return { slotId, booking };
}

/** A confirmed booking of a slot of its own. */
async function buy(service: object = {}) {
  const begun = await begin(service);
  await pay(begun.booking, 'approve');
  await api.untilStatus(customer, begun.booking.id, 'confirmed');
  return begun;
}

/** A booking whose hold ran out before its payer did anything. */
async function miss() {
  const begun = await begin({ holdTtlSeconds: 1 });
  await api.untilStatus(customer, begun.booking.id, 'expired');
  expect((await api.slot(begun.slotId)).status).toBe('available');
  return begun;
}

/** What the payer does at the invoice: `approve` pays and is confirmed at once. */
function pay({ payment }: Booking, action: string, amount?: number): Promise<void> {
  return act(payment?.processorId ?? '', action, amount);
}

async function act(processorId: string, action: string, amount?: number): Promise<void> {
  const path = `POST ${api.control(`payers/btcpay/${processorId}`)}`;
  const answer = await api.call(path, { body: { action, ...(amount ? { amount } : {}) } });
  expect(answer.status, answer.text).toBe(200);
}

async function see({ id }: Booking): Promise<Seen> {
  return (await api.call<Seen>(`GET /v1/bookings/${id}`, { as: customer })).json;
}

async function untilHold({ holdId }: Booking, status: string): Promise<void> {
  await until(async () => {
    const hold = await api.call<Hold>(`GET /v1/holds/${holdId}`, { as: customer });
    return hold.json.status === status;
  }, SETTLED_WITHIN_MS);
}

/** Waits until a booking's one refund can be claimed. */
async function untilClaimable(booking: Booking): Promise<Refund> {
  let refunds: readonly Refund[] = [];
  await until(async () => {
    ({ refunds } = await see(booking));
    return refunds.some(({ claimUrl }) => claimUrl !== undefined);
  }, SETTLED_WITHIN_MS).catch(() => undefined);
  expect(refunds).toEqual([expect.objectContaining({ claimUrl: expect.any(String) })]);
  return only(refunds);
}

/** The payer claims a refund, or a part of it, and is paid at once; the platform hears of it when it looks. */
async function claim({ claimUrl = '' }: Refund, amount?: number): Promise<void> {
  const id = claimUrl.split('/').at(-1) ?? '';
  expect((await api.call(`GET ${claimUrl}`)).status).toBe(200);
  await act(id, 'claim', amount);
  await act(id, 'confirm');
  await api.reconcile(operator);
}

function refund(booking: Booking, amount?: number): Promise<Answer<Refund>> {
  const money = amount === undefined ? {} : { amount: { amount, currency: 'usd' } };
  const body = { reason: 'the lights went out', ...money };
  return api.call(`POST /v1/bookings/${booking.id}/refunds`, { as: owner, body });
}

describe('an invoice that is paid', () => {
  it('is a page at the processor, and confirms the booking when the money is certain', async () => {
    const { booking, slotId } = await begin();
    expect(booking.payment?.action?.type).toBe('redirect');
    expect((await api.call(`GET ${booking.payment?.action?.url}`)).status).toBe(200);
    const path = `POST /v1/bookings/${booking.id}/confirm`;
    expectProblem(await api.call(path, { as: customer, body: {} }), 402, 'payment_incomplete');
    await pay(booking, 'pay');
    expectProblem(await api.call(path, { as: customer, body: {} }), 402, 'payment_incomplete');
    expect((await api.slot(slotId)).status).toBe('held');
    await pay(booking, 'confirm');
    const confirmed = await api.untilStatus(customer, booking.id, 'confirmed');
    expect(confirmed.late).toBe(false);
    expect((await api.slot(slotId)).status).toBe('booked');
    expect(await api.money(booking.id)).toEqual(IN_FULL);
  });

  it('in two parts confirms the booking with the second', async () => {
    const { booking } = await begin();
    await pay(booking, 'approve', 1000);
    await api.reconcile(operator);
    expect((await see(booking)).status).toBe('pending');
    await pay(booking, 'approve', 1500);
    await api.untilStatus(customer, booking.id, 'confirmed');
    expect(await api.money(booking.id)).toEqual([
      'capture 1000 succeeded',
      'capture 1500 succeeded',
    ]);
    expect((await see(booking)).refunds).toEqual([]);
  });

  it('partly when the time is over does not confirm, and the part is the payer’s to claim', async () => {
    const { booking, slotId } = await begin({ holdTtlSeconds: 1 });
    await pay(booking, 'approve', 1000);
    await api.untilStatus(customer, booking.id, 'payment_failed');
    const back = await untilClaimable(booking);
    expect(back.amount).toEqual({ amount: 1000, currency: 'usd' });
    expect((await api.slot(slotId)).status).toBe('available');
    await api.mustHold(rival, slotId);
    await claim(back);
    expect(await api.money(booking.id)).toEqual([
      'capture 1000 succeeded',
      'refund 1000 succeeded',
    ]);
  });

  it('too well confirms the booking, and the surplus is the payer’s to claim', async () => {
    const { booking } = await begin();
    await pay(booking, 'approve', 3100);
    await api.untilStatus(customer, booking.id, 'confirmed');
    const back = await untilClaimable(booking);
    expect(back).toMatchObject({ status: 'pending', amount: { amount: 600, currency: 'usd' } });
    await claim(back);
    const after = await see(booking);
    expect(after).toMatchObject({ status: 'confirmed', refunds: [{ status: 'succeeded' }] });
    expect(await api.money(booking.id)).toEqual(['capture 3100 succeeded', 'refund 600 succeeded']);
  });

  it('a second time is paid back whole, and the booking stands', async () => {
    const { booking } = await buy();
    await pay(booking, 'approve', 2500);
    const back = await untilClaimable(booking);
    expect(back.amount.amount).toBe(2500);
    await claim(back);
    expect((await see(booking)).status).toBe('confirmed');
    expect(await api.money(booking.id)).toEqual([...IN_FULL, ...IN_FULL, 'refund 2500 succeeded']);
  });

  it('and not certain yet when the time is over keeps the slot, and confirms the booking', async () => {
    const { booking, slotId } = await begin({ holdTtlSeconds: 1 });
    await pay(booking, 'pay');
    await untilHold(booking, 'closing');
    expectProblem(await api.hold(rival, { slotIds: [slotId] }), 409, 'slot_unavailable');
    await pay(booking, 'confirm');
    const confirmed = await api.untilStatus(customer, booking.id, 'confirmed');
    expect(confirmed).toMatchObject({ holdId: booking.holdId, late: false });
    expect(await api.money(booking.id)).toEqual(IN_FULL);
  });

  it('by nobody before it runs out at the processor leaves the hold for another attempt', async () => {
    const { booking } = await begin();
    await api.call(`POST ${api.control('clock')}`, { body: { advanceSeconds: 901 } });
    await api.untilStatus(customer, booking.id, 'payment_failed');
    const body = { holdId: booking.holdId, payment: BITCOIN };
    const second = await api.mustBook(customer, body);
    expect(second).toMatchObject({ id: booking.id, status: 'pending' });
    expect(second.payment?.processorId).not.toBe(booking.payment?.processorId);
    await pay(second, 'approve');
    await api.untilStatus(customer, booking.id, 'confirmed');
    expect(await api.money(booking.id)).toEqual(IN_FULL);
  });

  it('while the processor’s word is lost is found by the reconciliation', async () => {
    const { booking } = await begin();
    await api.fault('webhook_drop', { processor: 'btcpay', count: 1_000 });
    await pay(booking, 'approve');
    await api.clearFaults();
    await api.reconcile(operator);
    expect((await see(booking)).status).toBe('confirmed');
    expect(await api.money(booking.id)).toEqual(IN_FULL);
  });

  it('with money that was spent elsewhere is not paid', async () => {
    const { booking } = await begin();
    await pay(booking, 'pay');
    await pay(booking, 'fail');
    await api.reconcile(operator);
    expect((await see(booking)).status).toBe('pending');
    expect(await api.money(booking.id)).toEqual(['capture 2500 failed']);
  });

  it('is never a second one for a booking that a card has paid meanwhile', async () => {
    const { booking } = await begin();
    const body = { holdId: booking.holdId, payment: card() };
    const other = await api.mustBook(customer, body);
    expect(other.id).toBe(booking.id);

    await api.untilStatus(customer, booking.id, 'confirmed');
    await pay(booking, 'approve');
    const back = await untilClaimable(booking);
    expect(back.amount.amount).toBe(2500);
    await claim(back);
    expect((await see(booking)).status).toBe('confirmed');
    expect(await api.money(booking.id)).toEqual([...PAID, ...IN_FULL, 'refund 2500 succeeded']);
  });
});

describe('an invoice that is paid late', () => {
  it('buys the slot that is still free, marked late', async () => {
    const { booking, slotId } = await miss();
    await pay(booking, 'approve');
    const late = await api.untilStatus(customer, booking.id, 'confirmed');
    expect(late.late).toBe(true);
    expect(late.holdId).not.toBe(booking.holdId);
    expect((await api.slot(slotId)).status).toBe('booked');
    expectProblem(await api.hold(rival, { slotIds: [slotId] }), 409, 'slot_unavailable');
    expect(await api.money(booking.id)).toEqual(IN_FULL);
  });

  it('buys nothing when the slot was sold meanwhile, and all of it is the payer’s to claim', async () => {
    const { booking, slotId } = await miss();
    const sold = await api.mustBook(rival, { slotIds: [slotId], payment: card() });
    expect(sold.status).toBe('confirmed');
    await pay(booking, 'approve');
    const back = await untilClaimable(booking);
    expect(back.amount.amount).toBe(2500);
    await claim(back);
    expect((await see(booking)).status).toBe('expired');
    expect((await api.booking(rival, sold.id)).status).toBe('confirmed');
    expect(await api.money(booking.id)).toEqual([...IN_FULL, 'refund 2500 succeeded']);
  });

  it('and only partly buys nothing, though the slot is free', async () => {
    const { booking, slotId } = await miss();
    await pay(booking, 'approve', 900);
    const back = await untilClaimable(booking);
    expect(back.amount.amount).toBe(900);
    expect((await api.slot(slotId)).status).toBe('available');
    await claim(back);
    expect(await api.money(booking.id)).toEqual(['capture 900 succeeded', 'refund 900 succeeded']);
  });

  it('and in parts is given back part by part', async () => {
    const { booking } = await miss();
    await pay(booking, 'approve', 900);
    const first = await untilClaimable(booking);
    await pay(booking, 'approve', 1600);
    await until(async () => (await see(booking)).refunds.length === 2, SETTLED_WITHIN_MS);
    await claim(first);
    const second = (await see(booking)).refunds.find(({ id }) => id !== first.id);
    expect(second?.amount.amount).toBe(1600);
    await claim(second ?? first);
    expect(await api.money(booking.id)).toEqual([
      'capture 900 succeeded',
      'capture 1600 succeeded',
      'refund 900 succeeded',
      'refund 1600 succeeded',
    ]);
  });
});

describe('cancelling', () => {
  it('before the payment frees the slot, and what comes after all goes back', async () => {
    const { booking, slotId } = await begin();
    const cancelled = await api.cancel(customer, booking);
    expect(cancelled.json.status).toBe('cancelled');
    expect((await api.slot(slotId)).status).toBe('available');
    await pay(booking, 'approve');
    const back = await untilClaimable(booking);
    expect(back.amount.amount).toBe(2500);
    await claim(back);
    await api.untilStatus(customer, booking.id, 'refunded');
    expect(await api.money(booking.id)).toEqual([...IN_FULL, 'refund 2500 succeeded']);
  });

  it('after a part of the payment gives that part back', async () => {
    const { booking, slotId } = await begin();
    await pay(booking, 'approve', 1000);
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    expect((await api.slot(slotId)).status).toBe('available');
    await claim(await untilClaimable(booking));
    await api.untilStatus(customer, booking.id, 'refunded');
    expect(await api.money(booking.id)).toEqual([
      'capture 1000 succeeded',
      'refund 1000 succeeded',
    ]);
  });

  it('while the money is not certain yet gives it back when it is', async () => {
    const { booking, slotId } = await begin();
    await pay(booking, 'pay');
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    expect((await api.slot(slotId)).status).toBe('available');
    await pay(booking, 'confirm');
    await claim(await untilClaimable(booking));
    await api.untilStatus(customer, booking.id, 'refunded');
    expect(await api.money(booking.id)).toEqual([...IN_FULL, 'refund 2500 succeeded']);
  });

  it('after the payment frees the slot at once, and is refunded when the payer has claimed', async () => {
    const { booking, slotId } = await buy();
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    expect((await api.slot(slotId)).status).toBe('available');
    const back = await untilClaimable(booking);
    await api.reconcile(operator);
    expect(await see(booking)).toMatchObject({
      status: 'cancelled',
      refunds: [{ status: 'pending' }],
    });
    await claim(back);
    expect(await see(booking)).toMatchObject({
      status: 'refunded',
      refunds: [{ status: 'succeeded' }],
    });
    expectProblem(await api.cancel(customer, booking), 409, 'invalid_transition');
    expect(await api.money(booking.id)).toEqual([...IN_FULL, 'refund 2500 succeeded']);
  });
});

describe('a refund by hand', () => {
  it('of a part and of the rest are two links, and no more than came can be promised', async () => {
    const { booking } = await buy();
    const part = await refund(booking, 1000);
    expect(part.status, part.text).toBe(201);
    expect(part.json).toMatchObject({ status: 'pending', claimUrl: expect.any(String) });
    expectProblem(await refund(booking, 1501), 409, 'refund_exceeds_captured');
    const rest = await refund(booking);
    expect(rest.json.amount).toEqual({ amount: 1500, currency: 'usd' });
    expectProblem(await refund(booking, 1), 409, 'refund_exceeds_captured');
    expect(await api.money(booking.id)).toEqual(IN_FULL);
    await claim(part.json);
    await claim(rest.json);
    expect(await api.money(booking.id)).toEqual([
      ...IN_FULL,
      'refund 1000 succeeded',
      'refund 1500 succeeded',
    ]);
    expect(await see(booking)).toMatchObject({
      status: 'confirmed',
      payment: { status: 'refunded', refunded: { amount: 2500 } },
    });
  });

  it('that is claimed in parts is done with the last of them', async () => {
    const { booking } = await buy();
    const { json } = await refund(booking, 1200);
    await claim(json, 500);
    expect((await see(booking)).refunds).toMatchObject([{ status: 'pending' }]);
    await claim(json);
    expect(await see(booking)).toMatchObject({
      payment: { refunded: { amount: 1200 } },
      refunds: [{ status: 'succeeded' }],
    });
    expect(await api.money(booking.id)).toEqual([
      ...IN_FULL,
      'refund 500 succeeded',
      'refund 700 succeeded',
    ]);
  });

  it('whose claim the store refused may be claimed again', async () => {
    const { booking } = await buy();
    const { json } = await refund(booking, 800);
    const id = json.claimUrl?.split('/').at(-1) ?? '';
    await act(id, 'claim');
    await act(id, 'decline');
    await api.reconcile(operator);
    expect((await see(booking)).refunds).toMatchObject([{ status: 'pending' }]);
    await claim(json);
    expect((await see(booking)).refunds).toMatchObject([{ status: 'succeeded' }]);
    expect(await api.money(booking.id)).toEqual([...IN_FULL, 'refund 800 succeeded']);
  });

  it('that was asked for and lost on the way is one link, not two', async () => {
    const { booking } = await buy();
    const fault = { processor: 'btcpay', operation: 'refund', ms: 200 };
    await api.fault('timeout_after', fault);
    const answer = await refund(booking);
    expect(answer.status, answer.text).toBe(201);
    await api.reconcile(operator);
    const back = await untilClaimable(booking);
    await claim(back);
    expect(await api.money(booking.id)).toEqual([...IN_FULL, 'refund 2500 succeeded']);
  });

  it('that nobody has claimed is no money that moved', async () => {
    const { booking } = await buy();
    await refund(booking, 400);
    await api.reconcile(operator);
    expect((await see(booking)).payment).toMatchObject({ refunded: { amount: 0 } });
    expect(await api.money(booking.id)).toEqual(IN_FULL);
  });
});

describe('after all of that', () => {
  it('the ledger says what the processors’ books say, to the cent', () =>
    expectLedgerIsBooks(api, operator, ['stripe', 'btcpay']));
});
