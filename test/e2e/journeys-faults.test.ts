/**
 * A processor that does not answer, answers with faults, or whose word is lost, doubled, late or forged. The customer is
 * never told a lie, money is taken once for a slot that is theirs or not at all, and everything settles by itself.
 */
import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/platform-process.ts';
import { Api, PAID, card, expectProblem, span, type Booking, type Person } from './support/shop.ts';

const REFUNDED = [...PAID, 'refund 2500 succeeded'];
/** A call that hangs, but not for long. */
const HANG_MS = 200;
const MANY = 1_000;

let api: Api;
let owner: Person;
let customer: Person;
let rival: Person;
let operator: Person;

beforeAll(async () => {
  api = await Api.start();
  owner = await api.register('owner');
  customer = await api.register('customer');
  rival = await api.register('rival');
  operator = await api.demo('operator');
}, 120_000);

afterEach(() => api.clearFaults());
afterAll(() => api.stop());

/** A call answered with a 500 is tried anew at once, so that it stands last: it must not meet another's fault. */
const FAULTS = [
  { fault: 'timeout_before', ms: HANG_MS },
  { fault: 'timeout_after', ms: HANG_MS },
  { fault: 'reset' },
  { fault: 'http_429' },
  { fault: 'http_500' },
];
const NAMES = FAULTS.map(({ fault }) => fault);

/** Expects the same outcome of every fault, and names the one that had another. */
function expectEach(outcomes: readonly unknown[], expected: unknown): void {
  const named = NAMES.map((name, index) => [name, outcomes[index]]);
  expect(named).toEqual(NAMES.map((name) => [name, expected]));
}

function beginChallenge(service: object = {}) {
  return api.beginChallenge(customer, { owner, service });
}

/** A slot for each fault, made before the first of them so that the platform’s retries come after the last. */
async function makeSlots(): Promise<string[]> {
  const shop = await api.makeShop({ owner });
  const times = FAULTS.map((_, index) => span(30 + index, '10:00'));
  return (await api.addSlots(shop, ...times)).map(({ id }) => id);
}

describe('a payment that meets a fault', () => {
  it.each(['create', 'confirm', 'capture'])('at its %s is made once all the same', async (at) => {
    const slotIds = await makeSlots();
    const bookings: Booking[] = [];
    for (const [index, rule] of FAULTS.entries()) {
      await api.fault(rule.fault, { ...rule, operation: at });
      const body = { slotIds: slotIds.slice(index, index + 1), payment: card() };
      bookings.push(await api.mustBook(customer, body));
    }
    const told = bookings.map(({ status }) => status);
    expect(['pending', 'confirming', 'confirmed']).toEqual(expect.arrayContaining(told));
    const settled = await Promise.all(
      bookings.map(({ id }) => api.untilStatus(customer, id, 'confirmed')),
    );
    expectEach(await Promise.all(settled.map(({ id }) => api.money(id))), PAID);
    const slots = await Promise.all(slotIds.map((id) => api.slot(id)));
    expectEach(
      slots.map(({ status }) => status),
      'booked',
    );
  });
});

describe('a payment that the processor ends for good', () => {
  it('frees the slot that was locked for it, and takes nothing', async () => {
    const slotId = await api.makeSlot({ owner });
    await api.fault('timeout_before', { operation: 'capture', ms: HANG_MS });
    const booking = await api.mustBook(customer, { slotIds: [slotId], payment: card() });
    expect(booking.status).toBe('confirming');
    await askProcessor(`payment_intents/${booking.payment?.processorId}/cancel`, {});
    await api.untilStatus(customer, booking.id, 'payment_failed');
    expect(await api.money(booking.id)).toEqual([PAID[0], 'void 2500 succeeded']);
    await api.mustBook(rival, { slotIds: [slotId], payment: card() });
    const body = { holdId: booking.holdId, payment: card() };
    expectProblem(await api.book(customer, body), 410, 'hold_expired');
  });
});

describe('a refund', () => {
  it('that meets a fault is made once all the same', async () => {
    const slotIds = await makeSlots();
    const bookings = await Promise.all(
      slotIds.map((id) => api.mustBook(customer, { slotIds: [id], payment: card() })),
    );
    for (const [index, rule] of FAULTS.entries()) {
      await api.fault(rule.fault, { ...rule, operation: 'refund' });
      const cancelled = await Promise.all(
        bookings.slice(index, index + 1).map((booking) => api.cancel(customer, booking)),
      );
      expect(cancelled.map(({ status }) => status)).toEqual([200]);
    }
    const slots = await Promise.all(slotIds.map((id) => api.slot(id)));
    expectEach(
      slots.map(({ status }) => status),
      'available',
    );
    await Promise.all(bookings.map(({ id }) => api.untilStatus(customer, id, 'refunded')));
    await api.reconcile(operator);
    expectEach(await Promise.all(bookings.map(({ id }) => api.money(id))), REFUNDED);
  });

  it('that the bank finished in silence is found by the reconciliation', async () => {
    const slotId = await api.makeSlot({ owner });
    const payment = card('pendingRefund');
    const booking = await api.mustBook(customer, { slotIds: [slotId], payment });
    await api.fault('webhook_drop', { count: MANY });
    expect((await api.cancel(customer, booking)).json.status).toBe('cancelled');
    await api.call(`POST ${api.control('clock')}`, { body: { advanceSeconds: 900 } });
    await api.reconcile(operator);
    expect((await api.booking(customer, booking.id)).status).toBe('refunded');
    expect(await api.money(booking.id)).toEqual(REFUNDED);
  });
});

describe('a payer who never came back', () => {
  it('frees the slot and takes nothing, though closing their payment meets a fault', async () => {
    for (const rule of FAULTS) await api.fault(rule.fault, { ...rule, operation: 'void' });
    const left = await Promise.all(NAMES.map(() => beginChallenge({ holdTtlSeconds: 1 })));
    await Promise.all(left.map(({ booking }) => api.untilStatus(customer, booking.id, 'expired')));
    for (const { booking, slotId } of left) {
      await api.mustHold(rival, slotId);
      expect(await api.pay(booking, 'authenticate')).toBe(409);
      expect(await api.money(booking.id)).toEqual([]);
    }
  });
});

describe('the processor’s word', () => {
  it.each([
    { fault: 'webhook_duplicate' },
    { fault: 'webhook_reorder', ms: 500 },
    { fault: 'webhook_delay', ms: 300 },
  ])('confirms once under $fault', async ({ fault, ...rule }) => {
    await api.fault(fault, { ...rule, count: MANY });
    const { booking } = await beginChallenge();
    await api.pay(booking, 'authenticate');
    await api.untilStatus(customer, booking.id, 'confirmed');
    await untilDelivered(booking);
    expect(await api.money(booking.id)).toEqual(PAID);
    expect(await transitions(booking)).toEqual(['pending', 'confirming', 'confirmed']);
  });

  it('sent again long after changes nothing', async () => {
    const { booking } = await beginChallenge();
    await api.pay(booking, 'authenticate');
    await api.untilStatus(customer, booking.id, 'confirmed');
    await api.cancel(customer, booking);
    await api.untilStatus(customer, booking.id, 'refunded');
    await untilDelivered(booking);
    const before = await transitions(booking);
    for (const { id } of await api.deliveries(booking.payment?.processorId)) {
      await api.call(`POST ${api.control(`webhooks/${id}/resend`)}`);
    }
    await untilDelivered(booking);
    expect(await transitions(booking)).toEqual(before);
    expect(await api.money(booking.id)).toEqual(REFUNDED);
  });

  it('that is lost is made good by the reconciliation', async () => {
    await api.fault('webhook_drop', { count: MANY });
    const { booking, slotId } = await beginChallenge();
    await api.pay(booking, 'authenticate');
    const lost = await api.deliveries(booking.payment?.processorId);
    expect(lost.map(({ status }) => status)).toEqual(lost.map(() => 'dropped'));
    expect((await api.booking(customer, booking.id)).status).toBe('pending');
    await api.reconcile(operator);
    expect((await api.booking(customer, booking.id)).status).toBe('confirmed');
    expect(await api.money(booking.id)).toEqual(PAID);
    expect((await api.slot(slotId)).status).toBe('booked');
  });

  it('is taken from the processor alone, and is checked there before it is believed', async () => {
    const { booking } = await beginChallenge();
    const { id, body } = makeLie(booking);
    const secret = api.keys.STRIPE_WEBHOOK_SECRETS;
    const nowS = Math.floor(Date.now() / 1_000);
    const refused: [string, string | null][] = [
      [body, null],
      [body, `t=${nowS},v1=00`],
      [body, sign(body, { atS: nowS, secret: 'whsec_another' })],
      [body, sign(body, { atS: nowS - 400, secret })],
      [body, sign(body, { atS: nowS + 400, secret })],
      [`${body} `, sign(body, { atS: nowS, secret })],
    ];
    for (const [raw, signature] of refused) {
      expectProblem(await postWebhook(raw, signature), 400, 'invalid_signature');
    }
    expect((await handledEvents()).map(({ eventId }) => eventId)).not.toContain(id);
    expect((await postWebhook(body, sign(body, { atS: nowS, secret }))).status).toBe(200);
    await until(async () => {
      const event = (await handledEvents()).find(({ eventId }) => eventId === id);
      return typeof event?.handledAt === 'string';
    }, 10_000);
    expect((await api.booking(customer, booking.id)).status).toBe('pending');
    expect(await api.money(booking.id)).toEqual([]);
  });
});

describe('money that nobody here knows', () => {
  it('is let go by the reconciliation, and the booking that it names is left alone', async () => {
    const slotId = await api.makeSlot({ owner });
    const booking = await api.mustBook(customer, { slotIds: [slotId], payment: card() });
    await payOutside(booking, 'manual');
    await payOutside(booking, 'automatic');
    expect(await api.money(booking.id)).toEqual([...PAID, PAID[0], ...PAID]);
    expect((await api.reconcile(operator))['orphansLeft']).toBe(0);
    await api.reconcile(operator);
    const returned = (await api.money(booking.id)).slice(5);
    expect(returned.toSorted()).toEqual(['refund 2500 succeeded', 'void 2500 succeeded']);
    const own = (await api.books(booking.id)).filter((row) =>
      [row.of, row.id].includes(booking.payment?.processorId ?? ''),
    );
    expect(own.map(({ kind }) => kind)).toEqual(['authorization', 'capture']);
    expect((await api.booking(customer, booking.id)).status).toBe('confirmed');
  });
});

describe('money that comes after the hold has died', () => {
  it('is not kept when the slot was sold meanwhile', async () => {
    const slotId = await api.makeSlot({ owner });
    const { id: holdId } = await api.mustHold(customer, slotId);
    // The first attempt's page stays open: the call that closes it hangs.
    await api.fault('timeout_before', { operation: 'void', ms: 2_000 });
    const declined = await api.book(customer, { holdId, payment: card('chargeDeclined') });
    const problem = expectProblem(declined, 402, 'payment_declined');
    const lost = await api.booking(customer, String(problem['bookingId']));
    const given = await api.call(`DELETE /v1/holds/${holdId}`, { as: customer });
    expect(given.status).toBe(204);
    const sold = await api.mustBook(rival, { slotIds: [slotId], payment: card() });
    expect(sold.status).toBe('confirmed');
    expect(await api.pay(lost, 'approve')).toBe(200);
    await api.untilMoney(lost.id, [
      'authorization 2500 failed',
      'authorization 2500 succeeded',
      'void 2500 succeeded',
    ]);
    expect((await api.booking(customer, lost.id)).status).toBe('cancelled');
    expect((await api.booking(rival, sold.id)).status).toBe('confirmed');
  });

  it('buys what is still to be had, marked late, and lets the rest of it go', async () => {
    // Before anything else: an earlier word about the same payment would make the platform look.
    await api.fault('webhook_drop', { count: MANY });
    const service = { holdTtlSeconds: 60 };
    const free = await beginChallenge(service);
    const shop = await api.makeShop({ owner, service });
    const [slot] = await api.addSlots(shop, span(30, '10:00'));
    const payment = card('authenticationRequired');
    const gone = await api.mustBook(customer, { slotIds: [slot?.id], payment });
    for (const booking of [free.booking, gone]) {
      expect(await api.pay(booking, 'authenticate')).toBe(200);
    }
    const path = `PATCH /v1/services/${shop.serviceId}`;
    expect((await api.call(path, { as: owner, body: { active: false } })).status).toBe(200);
    // The hold and the minute after it pass while nobody serves, and the processor's word was lost.
    await api.platform.terminate();
    await api.platform.boot({ CLOCK_OFFSET_SECONDS: '200' });

    const late = await api.untilStatus(customer, free.booking.id, 'confirmed');
    expect(late.late).toBe(true);
    expect(late.holdId).not.toBe(free.hold.id);
    const dead = await api.call(`GET /v1/holds/${free.hold.id}`, { as: customer });
    expect(dead.json).toMatchObject({ status: 'expired' });
    expect(await api.money(late.id)).toEqual(PAID);
    expect((await api.slot(free.slotId)).status).toBe('booked');

    await api.untilMoney(gone.id, ['authorization 2500 succeeded', 'void 2500 succeeded']);
    expect((await api.booking(customer, gone.id)).status).toBe('expired');
  });
});

/** The states that a booking went through. */
async function transitions({ id }: Booking): Promise<string[]> {
  const path = `GET /v1/bookings/${id}/history`;
  const { json } = await api.call<{ data: { to: string }[] }>(path, { as: customer });
  return json.data.map(({ to }) => to);
}

/** Waits until the platform has taken every event about a payment. */
async function untilDelivered({ payment }: Booking): Promise<void> {
  await until(async () => {
    const all = await api.deliveries(payment?.processorId);
    return all.length > 0 && all.every(({ status }) => status === 'delivered');
  }, 10_000);
}

interface KeptEvent {
  readonly eventId: string;
  readonly handledAt: string | null;
}

async function handledEvents(): Promise<readonly KeptEvent[]> {
  const path = 'GET /v1/ops/webhook-events?limit=500';
  return (await api.call<{ data: KeptEvent[] }>(path, { as: operator })).json.data;
}

/** An event that claims that a payment was made. */
function makeLie({ id: bookingId, payment }: Booking): { id: string; body: string } {
  const id = `evt_${crypto.randomUUID().replaceAll('-', '')}`;
  const object = {
    id: payment?.processorId,
    object: 'payment_intent',
    status: 'succeeded',
    amount_received: 2500,
    metadata: { booking_id: bookingId, payment_id: payment?.id },
  };
  const type = 'payment_intent.succeeded';
  const created = Math.floor(Date.now() / 1_000);
  const event = { id, object: 'event', type, created, livemode: false, data: { object } };
  return { id, body: JSON.stringify(event) };
}

function sign(body: string, by: { atS: number; secret: string }): string {
  const mac = createHmac('sha256', by.secret).update(`${by.atS}.${body}`).digest('hex');
  return `t=${by.atS},v1=${mac}`;
}

function postWebhook(raw: string, signature: string | null) {
  const headers = {
    'content-type': 'application/json',
    ...(signature === null ? {} : { 'stripe-signature': signature }),
  };
  return api.call('POST /v1/webhooks/stripe', { raw, headers, key: null });
}

/** Pays at the processor in a booking's name, with an attempt that the platform never made. */
async function payOutside({ id, payment }: Booking, captureMethod: string): Promise<void> {
  await askProcessor('payment_intents', {
    amount: '2500',
    currency: 'usd',
    capture_method: captureMethod,
    confirm: 'true',
    payment_method: 'pm_card_visa',
    'automatic_payment_methods[enabled]': 'true',
    'automatic_payment_methods[allow_redirects]': 'never',
    'metadata[booking_id]': id,
    'metadata[bookingId]': id,
    'metadata[payment_id]': `${payment?.id}x`,
  });
}

/** A call of the processor's own API with the platform's key, behind the platform's back. */
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
