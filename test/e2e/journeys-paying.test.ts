/**
 * Paying for a slot and getting the money back, seen from outside: what the customer is told, what the slot shows, and
 * what the processor's own books say. The processor answers; what happens when it does not is another file.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/platform-process.ts';
import {
  Api,
  PAID,
  card,
  expectProblem,
  spanIn,
  type Booking,
  type Hold,
  type Person,
  type SlotWish,
} from './support/shop.ts';

const NO_REFUND = [{ hoursBefore: 240, refundPercent: 100 }];

let api: Api;
let owner: Person;
let customer: Person;
let rival: Person;

beforeAll(async () => {
  api = await Api.start();
  owner = await api.register('owner');
  customer = await api.register('customer');
  rival = await api.register('rival');
}, 120_000);

afterAll(() => api.stop());

/** A confirmed booking of a slot of its own. */
async function buy(wish: { service?: object; at?: SlotWish; method?: string } = {}) {
  const slotId = await api.makeSlot({ owner, service: wish.service ?? {} }, wish.at);
  const booking = await api.mustBook(customer, { slotIds: [slotId], payment: card(wish.method) });
  expect(booking.status).toBe('confirmed');
  return { slotId, booking };
}

/** A booking of a slot of its own that waits for its payer. */
function beginChallenge(service: object = {}) {
  return api.beginChallenge(customer, { owner, service });
}

function confirm(booking: Booking, as = customer) {
  return api.call<Booking>(`POST /v1/bookings/${booking.id}/confirm`, { as, body: {} });
}

describe('a card that needs nothing more', () => {
  it('confirms a held slot in one call and is charged once, for the price that was quoted', async () => {
    const slotId = await api.makeSlot({ owner });
    const hold = await api.mustHold(customer, slotId);
    expect(hold.quote.total).toEqual({ amount: 2500, currency: 'usd' });
    expect(hold.quote.lines.reduce((sum, { amount }) => sum + amount, 0)).toBe(2500);
    const booking = await api.mustBook(customer, { holdId: hold.id, payment: card() });
    expect(booking).toMatchObject({ status: 'confirmed', holdId: hold.id, late: false });
    expect(booking.code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(booking.payment).toMatchObject({ status: 'captured', amount: hold.quote.total });
    expect(await api.money(booking.id)).toEqual(PAID);
    expect((await api.books(booking.id)).map(({ currency }) => currency)).toEqual(['usd', 'usd']);
    expect(await api.slot(slotId)).toMatchObject({ status: 'booked', remaining: 0 });
    const paths = await api.requests(new RegExp(`${booking.payment?.processorId}/`));
    expect(paths.map(({ path }) => path.split('/').at(-1))).toEqual(['confirm', 'capture']);
  });

  it('locks the slot before it takes the money, and says so in the history', async () => {
    const { booking } = await buy();
    const path = `GET /v1/bookings/${booking.id}/history`;
    const history = await api.call<{ data: { to: string }[] }>(path, { as: customer });
    expect(history.json.data.map(({ to }) => to)).toEqual(['pending', 'confirming', 'confirmed']);
  });

  it('is charged once however often the call is repeated at once', async () => {
    const slotId = await api.makeSlot({ owner });
    const body = { slotIds: [slotId], payment: card() };
    const sent = { as: customer, body, key: crypto.randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => api.call<Booking>('POST /v1/bookings', sent)),
    );
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectProblem(answer, 409, 'idempotency_key_in_progress');
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    const last = await api.call<Booking>('POST /v1/bookings', sent);
    expect(last.headers.get('idempotent-replayed')).toBe('true');
    for (const { status, text } of answers) {
      if (status === 201) expect(text).toBe(last.text);
    }
    expect(await api.money(last.json.id)).toEqual(PAID);
  });

  it('shows a booking to its customer and its seller, and to nobody else', async () => {
    const { booking } = await buy();
    expect((await api.booking(owner, booking.id)).id).toBe(booking.id);
    const path = `/v1/bookings/${booking.id}`;
    expectProblem(await api.call(`GET ${path}`, { as: rival }), 404, 'not_found');
    expectProblem(await api.cancel(rival, booking), 404, 'not_found');
    expectProblem(await confirm(booking, rival), 404, 'not_found');
    expectProblem(await api.call(`GET ${path}`), 401, 'unauthenticated');
    expect((await api.booking(customer, booking.id)).status).toBe('confirmed');
  });

  it('opens the booking to whoever holds the manage link, and to no guess', async () => {
    const { booking } = await buy();
    const page = await api.call(`GET ${booking.manageUrl}`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/html'),
    ]);
    expect(page.text).toContain(booking.code);
    const [link, secret = ''] = booking.manageUrl.split(/\.(?=[^.]*$)/);
    const guess = secret.endsWith('0') ? `${secret.slice(0, -1)}1` : `${secret.slice(0, -1)}0`;
    expectProblem(await api.call(`GET ${link}.${guess}`), 404, 'not_found');
    expectProblem(await api.call(`GET ${link}`), 404, 'not_found');
  });
});

describe('a crowd of calls for one booking', () => {
  it('pays once when one hold is paid for under many keys', async () => {
    const slotId = await api.makeSlot({ owner });
    const { id: holdId } = await api.mustHold(customer, slotId);
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => api.book(customer, { holdId, payment: card() })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    const [first] = answers;
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    await api.untilStatus(customer, first?.json.id ?? '', 'confirmed');
    expect(await api.money(first?.json.id ?? '')).toEqual(PAID);
  });

  it('pays once when the payer comes back in many windows while the processor calls', async () => {
    const { booking } = await beginChallenge();
    await api.pay(booking, 'authenticate');
    const answers = await Promise.all(Array.from({ length: 6 }, () => confirm(booking)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await api.untilStatus(customer, booking.id, 'confirmed');
    expect(await api.money(booking.id)).toEqual(PAID);
  });

  it('keeps no money of a booking that was cancelled while it was being paid', async () => {
    const { booking, slotId } = await beginChallenge();
    await api.pay(booking, 'authenticate');
    const [first] = await Promise.all([api.cancel(customer, booking), confirm(booking)]);
    if (first.status !== 200) {
      // While the money is on its way there is nothing to cancel yet.
      expectProblem(first, 409, 'invalid_transition');
      await api.untilStatus(customer, booking.id, 'confirmed');
      expect((await api.cancel(customer, booking)).status).toBe(200);
    }
    await until(async () => isNothingKept(await api.money(booking.id)), 20_000);
    expect(['cancelled', 'refunded']).toContain((await api.booking(customer, booking.id)).status);
    expect((await api.slot(slotId)).status).toBe('available');
  });

  it('leaves either a booking or a free slot when the hold is given up while it is paid', async () => {
    const slotId = await api.makeSlot({ owner });
    const { id: holdId } = await api.mustHold(customer, slotId);
    const [given, booked] = await Promise.all([
      api.call(`DELETE /v1/holds/${holdId}`, { as: customer }),
      api.book(customer, { holdId, payment: card() }),
    ]);
    if (given.status === 204) {
      const hold = await api.call<Hold>(`GET /v1/holds/${holdId}`, { as: customer });
      const id = hold.json.bookingId ?? '';
      await until(async () => isNothingKept(await api.money(id)), 20_000);
      expect((await api.slot(slotId)).status).toBe('available');
    } else {
      expectProblem(given, 409, 'hold_committed');
      await api.untilStatus(customer, booked.json.id, 'confirmed');
      expect(await api.money(booked.json.id)).toEqual(PAID);
    }
  });
});

/** Whether the processor holds no money and no promise of money any more. */
function isNothingKept(money: readonly string[]): boolean {
  const done = money.filter((row) => row.endsWith(' succeeded')).map((row) => row.split(' ')[0]);
  const times = (kind: string) => done.filter((seen) => seen === kind).length;
  const isReleased = times('authorization') === times('capture') + times('void');
  return isReleased && times('capture') === times('refund');
}

describe('a card that is declined', () => {
  it.each([
    ['chargeDeclined', 'generic_decline'],
    ['visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['chargeDeclinedExpiredCard', 'expired_card'],
    ['chargeDeclinedIncorrectCvc', 'incorrect_cvc'],
    ['chargeDeclinedLostCard', 'lost_card'],
    ['chargeDeclinedProcessingError', 'processing_error'],
  ])('leaves the hold for another card: %s', async (name, declineCode) => {
    const slotId = await api.makeSlot({ owner });
    const { id: holdId } = await api.mustHold(customer, slotId);
    const declined = await api.book(customer, { holdId, payment: card(name) });
    const problem = expectProblem(declined, 402, 'payment_declined');
    expect(problem).toMatchObject({ holdId, declineCode, expiresAt: expect.any(String) });
    const bookingId = String(problem['bookingId']);
    expectProblem(await api.hold(rival, { slotIds: [slotId] }), 409, 'slot_unavailable');
    const second = await api.mustBook(customer, { holdId, payment: card() });
    expect(second).toMatchObject({ id: bookingId, status: 'confirmed' });
    const captures = (await api.money(bookingId)).filter((row) => row.startsWith('capture'));
    expect(captures).toEqual(['capture 2500 succeeded']);
  });

  it('is not tried again by a repeat of the call', async () => {
    const slotId = await api.makeSlot({ owner });
    const body = { slotIds: [slotId], payment: card('chargeDeclined') };
    const sent = { as: customer, key: crypto.randomUUID(), body };
    const first = await api.call('POST /v1/bookings', sent);
    const bookingId = String(expectProblem(first, 402, 'payment_declined')['bookingId']);
    const repeated = await api.call('POST /v1/bookings', sent);
    expect([repeated.status, repeated.text]).toEqual([402, first.text]);
    expect(await api.money(bookingId)).toEqual(['authorization 2500 failed']);
  });

  it('is refused when it does not exist, with nothing booked', async () => {
    const slotId = await api.makeSlot({ owner });
    const { id: holdId } = await api.mustHold(customer, slotId);
    const answer = await api.book(customer, { holdId, payment: card('noSuchCard') });
    const bookingId = String(expectProblem(answer, 402, 'payment_declined')['bookingId']);
    expect(await api.money(bookingId)).toEqual([]);
  });
});

describe('a payer who has to act', () => {
  it('is sent to the processor and confirmed once they have authenticated', async () => {
    const { booking, slotId } = await beginChallenge();
    expect(booking.payment?.action?.type).toBe('redirect');
    expect((await api.call(`GET ${booking.payment?.action?.url}`)).status).toBe(200);
    expectProblem(await confirm(booking), 402, 'payment_incomplete');
    expect((await api.slot(slotId)).status).toBe('held');
    expect(await api.pay(booking, 'authenticate')).toBe(200);
    const confirmed = await confirm(booking);
    expect(confirmed.status, confirmed.text).toBe(200);
    // The processor's own word may be at work on the same payment at this moment.
    expect(['confirming', 'confirmed']).toContain(confirmed.json.status);
    await api.untilStatus(customer, booking.id, 'confirmed');
    expect(await api.money(booking.id)).toEqual(PAID);
  });

  it('is confirmed by the processor’s word alone when they never come back', async () => {
    const { booking } = await beginChallenge();
    await api.pay(booking, 'authenticate');
    await api.untilStatus(customer, booking.id, 'confirmed');
    expect(await api.money(booking.id)).toEqual(PAID);
  });

  it('may try another card after the authentication failed', async () => {
    const { booking, hold } = await beginChallenge();
    await api.pay(booking, 'fail');
    await api.untilStatus(customer, booking.id, 'payment_failed');
    expectProblem(await confirm(booking), 402, 'payment_incomplete');
    const second = await api.mustBook(customer, { holdId: hold.id, payment: card() });
    expect(second).toMatchObject({ id: booking.id, status: 'confirmed' });
    const captures = (await api.money(booking.id)).filter((row) => row.startsWith('capture'));
    expect(captures).toEqual(['capture 2500 succeeded']);
  });

  it('is told by a repeat of the call what the call was told, and by a look what is true', async () => {
    const slotId = await api.makeSlot({ owner });
    const body = { slotIds: [slotId], payment: card('authenticationRequired') };
    const sent = { as: customer, key: crypto.randomUUID(), body };
    const first = await api.call<Booking>('POST /v1/bookings', sent);
    await api.pay(first.json, 'authenticate');
    await api.untilStatus(customer, first.json.id, 'confirmed');
    const repeated = await api.call('POST /v1/bookings', sent);
    expect([repeated.status, repeated.text]).toEqual([201, first.text]);
    expect(repeated.headers.get('idempotent-replayed')).toBe('true');
    expect(await api.money(first.json.id)).toEqual(PAID);
  });

  it('loses the slot when they leave it alone, and can then pay no more', async () => {
    const { booking, hold, slotId } = await beginChallenge({ holdTtlSeconds: 1 });
    const expired = await api.untilStatus(customer, booking.id, 'expired');
    expect(expired.payment?.status).toBe('voided');
    expect((await api.slot(slotId)).status).toBe('available');
    await api.mustHold(rival, slotId);
    expect(await api.pay(booking, 'authenticate')).toBe(409);
    const again = await api.book(customer, { holdId: hold.id, payment: card() });
    expectProblem(again, 410, 'hold_expired');
    expectProblem(await confirm(booking), 410, 'hold_expired');
    expect(await api.money(booking.id)).toEqual([]);
  });

  it('enters the card with the processor’s own form when they name no method', async () => {
    const slotId = await api.makeSlot({ owner });
    const payment = { processor: 'stripe' };
    const booking = await api.mustBook(customer, { slotIds: [slotId], payment });
    expect(booking.status).toBe('pending');
    expect(booking.payment?.action).toMatchObject({
      type: 'sdk',
      clientSecret: expect.stringContaining('_secret_'),
    });
    await api.pay(booking, 'approve');
    await api.untilStatus(customer, booking.id, 'confirmed');
    expect(await api.money(booking.id)).toEqual(PAID);
  });

  it('sees the same attempt when they ask again, and pays once when they take another card', async () => {
    const { booking, hold } = await beginChallenge();
    const same = card('authenticationRequired');
    const again = await api.mustBook(customer, { holdId: hold.id, payment: same });
    expect(again.payment?.processorId).toBe(booking.payment?.processorId);
    const other = await api.mustBook(customer, { holdId: hold.id, payment: card() });
    expect(other).toMatchObject({ id: booking.id, status: 'confirmed' });
    expect(await api.pay(booking, 'authenticate')).toBe(409);
    expect(await api.money(booking.id)).toEqual(PAID);
  });

  it('frees the slot and closes the payment by giving the hold up', async () => {
    const { booking, hold, slotId } = await beginChallenge();
    const path = `DELETE /v1/holds/${hold.id}`;
    expect((await api.call(path, { as: customer })).status).toBe(204);
    expect((await api.slot(slotId)).status).toBe('available');
    expect((await api.booking(customer, booking.id)).status).toBe('cancelled');
    expect(await api.pay(booking, 'authenticate')).toBe(409);
  });
});

describe('a booking that is refused before any money', () => {
  it('asks for a payment and takes nothing while there is none', async () => {
    const slotId = await api.makeSlot({ owner });
    expectProblem(await api.book(customer, { slotIds: [slotId] }), 422, 'payment_required');
    expect((await api.slot(slotId)).status).toBe('available');
    const { id: holdId } = await api.mustHold(customer, slotId);
    expectProblem(await api.book(customer, { holdId }), 422, 'payment_required');
    const hold = await api.call(`GET /v1/holds/${holdId}`, { as: customer });
    expect(hold.json).toMatchObject({ status: 'active', bookingId: null });
  });

  it('confirms what is free at once, and asks no processor', async () => {
    const free = { price: { amount: 0, currency: 'usd' } };
    const slotId = await api.makeSlot({ owner, service: free });
    const booking = await api.mustBook(customer, { slotIds: [slotId] });
    expect(booking).toMatchObject({ status: 'confirmed', payment: null });
    expect(await api.money(booking.id)).toEqual([]);
    expectProblem(await api.hold(rival, { slotIds: [slotId] }), 409, 'slot_unavailable');
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    await api.mustHold(rival, slotId);
  });
});

describe('cancelling', () => {
  const HALF = [
    { hoursBefore: 48, refundPercent: 100 },
    { hoursBefore: 24, refundPercent: 50 },
  ];
  const price = { amount: 2501, currency: 'usd' };

  it.each([
    { rung: 'all of it in good time', hours: 72, policy: HALF, back: 2501, status: 'refunded' },
    { rung: 'a part, rounded down', hours: 36, policy: HALF, back: 1250, status: 'cancelled' },
    { rung: 'nothing, too late', hours: 12, policy: HALF, back: 0, status: 'cancelled' },
    { rung: 'nothing, by policy', hours: 72, policy: NO_REFUND, back: 0, status: 'cancelled' },
  ])('returns $rung, and the slot to sale', async ({ hours, policy, back, status }) => {
    const service = { price, cancellationPolicy: policy };
    const { booking, slotId } = await buy({ service, at: spanIn(hours) });
    const cancelled = await api.cancel(customer, booking);
    expect(cancelled.status, cancelled.text).toBe(200);
    expect(['cancelled', status]).toContain(cancelled.json.status);
    expect((await api.slot(slotId)).status).toBe('available');
    await api.untilStatus(customer, booking.id, status);
    expect(await api.money(booking.id)).toEqual([
      'authorization 2501 succeeded',
      'capture 2501 succeeded',
      ...(back === 0 ? [] : [`refund ${back} succeeded`]),
    ]);
    await api.mustHold(customer, slotId);
  });

  it('by the provider returns everything, whatever the policy keeps', async () => {
    const { booking } = await buy({ service: { cancellationPolicy: NO_REFUND } });
    expect((await api.cancel(owner, booking)).status).toBe(200);
    await api.untilStatus(customer, booking.id, 'refunded');
    expect(await api.money(booking.id)).toEqual([...PAID, 'refund 2500 succeeded']);
  });

  it('twice refunds once', async () => {
    const { booking } = await buy();
    expect((await api.cancel(customer, booking)).status).toBe(200);
    await api.untilStatus(customer, booking.id, 'refunded');
    expectProblem(await api.cancel(customer, booking), 409, 'invalid_transition');
    expectProblem(await api.cancel(owner, booking), 409, 'invalid_transition');
    expect(await api.money(booking.id)).toEqual([...PAID, 'refund 2500 succeeded']);
  });

  it('at once from many windows refunds once', async () => {
    const { booking } = await buy();
    const answers = await Promise.all(
      [customer, owner, customer, owner].map((as) => api.cancel(as, booking)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expectProblem(answer, 409, 'invalid_transition');
    }
    await api.untilMoney(booking.id, [...PAID, 'refund 2500 succeeded']);
  });

  it('waits for a refund that the bank takes its time over', async () => {
    const { booking } = await buy({ method: 'pendingRefund' });
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    expect(await api.money(booking.id)).toEqual([...PAID, 'refund 2500 pending']);
    await api.call(`POST ${api.control('clock')}`, { body: { advanceSeconds: 900 } });
    await api.untilStatus(customer, booking.id, 'refunded');
    expect(await api.money(booking.id)).toEqual([...PAID, 'refund 2500 succeeded']);
  });

  it('while the payer has to act closes the payment and frees the slot', async () => {
    const { booking, slotId } = await beginChallenge();
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    expect((await api.slot(slotId)).status).toBe('available');
    expect(await api.pay(booking, 'authenticate')).toBe(409);
    expect(await api.money(booking.id)).toEqual([]);
  });
});
