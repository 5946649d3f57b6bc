/**
 * Money that moves after a card has paid: refunds by hand, one at a time and at the same moment, disputes won and lost,
 * and wallets. At the end everything that the processor's own books say is in the ledger, to the cent.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLedgerIsBooks } from './support/money.ts';
import {
  Api,
  PAID,
  card,
  expectProblem,
  only,
  type Answer,
  type Booking,
  type Person,
} from './support/shop.ts';

interface Refund {
  readonly id: string;
  readonly status: string;
  readonly amount: { readonly amount: number; readonly currency: string };
}

const DISPUTED = [...PAID, 'dispute 2500 pending'];

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

/** A confirmed booking of a slot of its own. */
async function buy(wish: { method?: string; service?: object } = {}) {
  const slotId = await api.makeSlot({ owner, service: wish.service ?? {} });
  const booking = await api.mustBook(customer, { slotIds: [slotId], payment: card(wish.method) });
  expect(booking.status).toBe('confirmed');
  return { slotId, booking };
}

/** A booking whose payer objects as soon as it is paid; the platform has heard of it. */
async function buyDisputed() {
  const bought = await buy({ method: 'createDispute' });
  await api.reconcile(operator);
  expect(await api.money(bought.booking.id)).toEqual(DISPUTED);
  return bought;
}

/** A refund by hand; of all that is left when it names no amount. */
function refund(as: Person, { id }: Booking, amount?: number): Promise<Answer<Refund>> {
  const money = amount === undefined ? {} : { amount: { amount, currency: 'usd' } };
  const body = { reason: 'the lights went out', ...money };
  return api.call(`POST /v1/bookings/${id}/refunds`, { as, body });
}

async function mustRefund(as: Person, booking: Booking, amount?: number): Promise<Refund> {
  const answer = await refund(as, booking, amount);
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
}

/** Kinds of a booking's entries in the ledger without the fees; every entry sums to nothing. */
async function entries({ id }: Booking): Promise<string[]> {
  const answer = await api.call<{
    data: { kind: string; postings: { amount: number }[] }[];
  }>(`GET /v1/ops/bookings/${id}/money`, { as: operator });
  for (const { postings } of answer.json.data) {
    expect(postings.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
  }
  return answer.json.data.map(({ kind }) => kind).filter((kind) => kind !== 'fee');
}

/** A call of the processor's own API with the platform's key, as a person makes it in the dashboard. */
async function askProcessor(path: string, fields: Record<string, string>): Promise<void> {
  const answer = await api.call(`POST ${api.platform.simulatorsUrl}/stripe/v1/${path}`, {
    raw: new URLSearchParams(fields).toString(),
    headers: {
      authorization: `Bearer ${api.keys.STRIPE_SECRET_KEY}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
  });
  expect(answer.status, answer.text).toBe(200);
}

/** Answers a booking's dispute; the words decide how it ends. */
async function answerDispute({ id }: Booking, words: string): Promise<void> {
  const dispute = (await api.books(id)).find(({ kind }) => kind === 'dispute');
  await askProcessor(`disputes/${dispute?.id}`, {
    'evidence[uncategorized_text]': words,
    submit: 'true',
  });
}

describe('a refund by hand', () => {
  it('gives back a part and then the rest, and takes neither the booking nor the slot', async () => {
    const { booking, slotId } = await buy();
    const part = await mustRefund(owner, booking, 1000);
    expect(part.amount).toEqual({ amount: 1000, currency: 'usd' });
    await api.untilMoney(booking.id, [...PAID, 'refund 1000 succeeded']);
    expect((await api.booking(customer, booking.id)).payment).toMatchObject({
      status: 'captured',
      refunded: { amount: 1000, currency: 'usd' },
    });
    const rest = await mustRefund(operator, booking);
    expect(rest.amount).toEqual({ amount: 1500, currency: 'usd' });
    await api.untilMoney(booking.id, [...PAID, 'refund 1000 succeeded', 'refund 1500 succeeded']);
    const after = await api.booking(customer, booking.id);
    expect(after).toMatchObject({ status: 'confirmed', payment: { status: 'refunded' } });
    expect((await api.slot(slotId)).status).toBe('booked');
    const more = await refund(owner, booking, 1);
    expect(expectProblem(more, 409, 'refund_exceeds_captured')['left']).toEqual({
      amount: 0,
      currency: 'usd',
    });
    await api.reconcile(operator);
    expect(await entries(booking)).toEqual(['capture', 'refund', 'refund']);
  });

  it('is made once under one key, and not by the customer', async () => {
    const { booking } = await buy();
    const body = { amount: { amount: 700, currency: 'usd' }, reason: 'a chair was missing' };
    const sent = { as: owner, body, key: crypto.randomUUID() };
    const path = `POST /v1/bookings/${booking.id}/refunds`;
    const first = await api.call<Refund>(path, sent);
    const again = await api.call<Refund>(path, sent);
    expect([first.status, again.status, again.json.id]).toEqual([201, 201, first.json.id]);
    expectProblem(await refund(customer, booking, 700), 403, 'role_required');
    expect(await api.money(booking.id)).toEqual([...PAID, 'refund 700 succeeded']);
  });

  it('of 60 asked for twice at once on 100 is made once', async () => {
    const price = { amount: 10_000, currency: 'usd' };
    const { booking } = await buy({ service: { price } });
    const answers = await Promise.all([owner, operator].map((as) => refund(as, booking, 6000)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
    const refused = only(answers.filter(({ status }) => status === 409));
    expect(expectProblem(refused, 409, 'refund_exceeds_captured')['left']).toEqual({
      amount: 4000,
      currency: 'usd',
    });
    const back = [
      'authorization 10000 succeeded',
      'capture 10000 succeeded',
      'refund 6000 succeeded',
    ];
    await api.untilMoney(booking.id, back);
    await mustRefund(owner, booking);
    await api.untilMoney(booking.id, [...back, 'refund 4000 succeeded']);
  });

  it('leaves to a cancellation what it has not given back', async () => {
    const { booking } = await buy();
    await mustRefund(owner, booking, 1000);
    expect((await api.cancel(owner, booking)).status).toBe(200);
    await api.untilStatus(customer, booking.id, 'refunded');
    expect(await api.money(booking.id)).toEqual([
      ...PAID,
      'refund 1000 succeeded',
      'refund 1500 succeeded',
    ]);
  });

  it('at the processor itself is known here, and is not made again', async () => {
    const { booking } = await buy();
    await askProcessor('refunds', {
      payment_intent: booking.payment?.processorId ?? '',
      amount: '900',
    });
    await api.reconcile(operator);
    expect((await api.booking(customer, booking.id)).payment).toMatchObject({
      refunded: { amount: 900, currency: 'usd' },
    });
    expectProblem(await refund(owner, booking, 1601), 409, 'refund_exceeds_captured');
    expect(await entries(booking)).toEqual(['capture', 'refund']);
    expect(await api.money(booking.id)).toEqual([...PAID, 'refund 900 succeeded']);
  });
});

describe('a dispute', () => {
  it('that is open is waited for: the booking stands, and nothing is given back beside it', async () => {
    const { booking } = await buyDisputed();
    expect((await api.booking(customer, booking.id)).status).toBe('confirmed');
    expectProblem(await refund(owner, booking, 1000), 409, 'invalid_transition');
    expect(await entries(booking)).toEqual(['capture', 'dispute']);
    expect(await api.money(booking.id)).toEqual(DISPUTED);
  });

  it('that is won leaves the booking and its money, which may then be given back', async () => {
    const { booking, slotId } = await buyDisputed();
    await answerDispute(booking, 'winning_evidence');
    await api.reconcile(operator);
    expect((await api.booking(customer, booking.id)).status).toBe('confirmed');
    expect((await api.slot(slotId)).status).toBe('booked');
    expect(await entries(booking)).toEqual(['capture', 'dispute', 'dispute_won']);
    await mustRefund(owner, booking, 500);
    const won = [...PAID, 'dispute 2500 failed', 'refund 500 succeeded'];
    await api.untilMoney(booking.id, won);
  });

  it('that is lost ends the booking and frees the slot, and nothing is given back beside it', async () => {
    const { booking, slotId } = await buyDisputed();
    await answerDispute(booking, 'losing_evidence');
    const ended = await api.untilStatus(customer, booking.id, 'cancelled');
    expect(ended.payment).toMatchObject({ refunded: { amount: 0 } });
    expect((await api.slot(slotId)).status).toBe('available');
    expectProblem(await refund(owner, booking), 409, 'refund_exceeds_captured');
    expectProblem(await api.cancel(customer, booking), 409, 'invalid_transition');
    await api.mustHold(rival, slotId);
    await api.reconcile(operator);
    expect(await entries(booking)).toEqual(['capture', 'dispute']);
    expect(await api.money(booking.id)).toEqual([...PAID, 'dispute 2500 succeeded']);
  });

  it.each([
    {
      end: 'won',
      words: 'winning_evidence',
      status: 'refunded',
      back: ['dispute 2500 failed', 'refund 2500 succeeded'],
    },
    {
      end: 'lost',
      words: 'losing_evidence',
      status: 'cancelled',
      back: ['dispute 2500 succeeded'],
    },
  ])('holds the refund of a cancellation back until it is $end', async ({ words, ...then }) => {
    const { booking } = await buyDisputed();
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    await api.reconcile(operator);
    expect(await api.money(booking.id)).toEqual(DISPUTED);
    await answerDispute(booking, words);
    await api.reconcile(operator);
    await api.untilStatus(customer, booking.id, then.status);
    expect(await api.money(booking.id)).toEqual([...PAID, ...then.back]);
  });
});

describe('a wallet', () => {
  it.each(['applePay', 'googlePay'])('pays like a card: %s', async (method) => {
    const { booking, slotId } = await buy({ method });
    expect(await api.money(booking.id)).toEqual(PAID);
    expect((await api.slot(slotId)).status).toBe('booked');
    expect((await api.cancel(customer, booking)).status).toBe(200);
    await api.untilStatus(customer, booking.id, 'refunded');
    expect(await api.money(booking.id)).toEqual([...PAID, 'refund 2500 succeeded']);
  });

  it('whose card is declined leaves the hold for another', async () => {
    const slotId = await api.makeSlot({ owner });
    const { id: holdId } = await api.mustHold(customer, slotId);
    const declined = await api.book(customer, { holdId, payment: card('applePayDeclined') });
    const problem = expectProblem(declined, 402, 'payment_declined');
    expect(problem).toMatchObject({ holdId, declineCode: 'insufficient_funds' });
    const second = await api.mustBook(customer, { holdId, payment: card('applePay') });
    expect(second).toMatchObject({ id: problem['bookingId'], status: 'confirmed' });
  });
});

describe('after all of that', () => {
  it('the ledger says what the processor’s books say, to the cent', () =>
    expectLedgerIsBooks(api, operator, ['stripe']));
});
