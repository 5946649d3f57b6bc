/**
 * The story of one evening at the courts, told with real calls: who may book, who pays, who loses, who gets money back.
 * It brings a court of its own, so that it can be told again and again on the same state.
 */
import { randomUUID } from 'node:crypto';
import { DEMO_ACCOUNTS, DEMO_PASSWORD, DEMO_SERVICES } from '../seed.ts';
import { Client, Surprise, eventually, expectAnswer, expectSame } from './client.ts';
import { listOf, objectOf, textOf } from './client.ts';
import type { JsonObject } from './client.ts';
import type { Cast, StoryPlace, Teller } from './cast.ts';
import { fillClass, sellByRules, sellSeats } from './venue.ts';

const PRICE_MINOR = 2500;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Tells the whole story; throws a Surprise at the first thing that is not as promised. */
export async function tellStory(place: StoryPlace, tell: Teller): Promise<void> {
  const platform = new Client(place.platformUrl);
  const cast: Cast = {
    platform,
    simulators: new Client(place.simulatorsUrl),
    tell,
    tokens: await signIn(platform, tell),
  };
  await showGate(cast);
  const court = await openCourt(cast);
  const holdId = await holdAndLose(cast, court);
  const booking = await payAfterDecline(cast, holdId);
  await authenticate(cast, court);
  await letExpire(cast, court);
  await cancel(cast, booking);
  await verifyAudit(cast, textOf(booking, 'id'));
  await closeCourt(cast, court);
  await sellByRules(cast, await venueOf(cast));
  await sellSeats(cast, await venueOf(cast));
  await fillClass(cast, await venueOf(cast));
}

async function signIn(platform: Client, tell: Teller): Promise<Cast['tokens']> {
  const logIn = async (email: string): Promise<string> => {
    const body = { email, password: DEMO_PASSWORD };
    return textOf(
      expectAnswer(await platform.post('/v1/auth/login', { body }), 200),
      'accessToken',
    );
  };
  return await tell('Everybody logs in, and a rival signs up', async () => {
    const [operator, provider, subscriber, customer, rival] = await Promise.all([
      logIn(DEMO_ACCOUNTS.operator),
      logIn(DEMO_ACCOUNTS.provider),
      logIn(DEMO_ACCOUNTS.subscriber),
      logIn(DEMO_ACCOUNTS.customer),
      platform
        .post('/v1/auth/register', {
          body: { email: `rival-${randomUUID()}@example.test`, password: DEMO_PASSWORD },
        })
        .then((answer) => textOf(expectAnswer(answer, 201), 'accessToken')),
    ]);
    return [{ operator, provider, subscriber, customer, rival }, 'five access tokens'];
  });
}

async function showGate({ platform, tell, tokens }: Cast): Promise<void> {
  const slotId = await tell("Anybody sees the members' hours", async () => {
    const service = await serviceCalled(platform, DEMO_SERVICES.members);
    const path = `/v1/services/${textOf(service, 'id')}/slots?status=available&limit=1`;
    const [slot] = listOf(expectAnswer(await platform.get(path), 200), 'data');
    return [textOf(slot, 'id'), `next free: ${textOf(slot, 'localStart')}`];
  });
  await tell('Without a plan they cannot be held', async () => {
    const answer = await platform.post('/v1/holds', {
      token: tokens.customer,
      body: { slotIds: [slotId] },
    });
    const problem = expectAnswer(answer, 403, 'subscription_required');
    const names = listOf(problem, 'plans').map((plan) => textOf(plan, 'name'));
    return [null, `403 subscription_required, plans: ${names.join(', ')}`];
  });
  const subscriptionId = await tell('The rival subscribes, by card', async () => {
    const plans = listOf(expectAnswer(await platform.get('/v1/plans'), 200), 'data');
    const body = {
      planId: textOf(plans[0], 'id'),
      payment: { processor: 'stripe', paymentMethod: 'pm_card_visa' },
    };
    const answer = await platform.post('/v1/subscriptions', { token: tokens.rival, body });
    const subscription = expectAnswer(answer, 201);
    expectSame('a subscription that is', subscription['status'], 'active');
    return [
      textOf(subscription, 'id'),
      `active, paid until ${textOf(subscription, 'currentPeriodEnd')}`,
    ];
  });
  await tell('With a plan they can', async () => {
    const body = { slotIds: [slotId] };
    const answer = await platform.post('/v1/holds', { token: tokens.rival, body });
    const hold = expectAnswer(answer, 201);
    const path = `/v1/holds/${textOf(hold, 'id')}`;
    expectAnswer(await platform.delete(path, tokens.rival), 204);
    return [null, `201 ${textOf(hold, 'id')}, given back with 204`];
  });
  await tell('The subscription ends at once, and so does access', async () => {
    const path = `/v1/subscriptions/${subscriptionId}`;
    const token = tokens.rival;
    const invoices = expectAnswer(await platform.get(`${path}/invoices`, token), 200);
    const number = textOf(listOf(invoices, 'data')[0], 'number');
    const body = { atPeriodEnd: false };
    expectAnswer(await platform.post(`${path}/cancel`, { token, body }), 200);
    const hold = await platform.post('/v1/holds', { token, body: { slotIds: [slotId] } });
    expectAnswer(hold, 403, 'subscription_required');
    return [null, `invoice ${number}, then 403 subscription_required`];
  });
}

interface Court {
  readonly resourceId: string;
  readonly serviceId: string;
  readonly briefServiceId: string;
  readonly slotIds: readonly string[];
  readonly briefSlotId: string;
}

async function openCourt({ platform, tell, tokens }: Cast): Promise<Court> {
  const create = async (path: string, body: unknown): Promise<JsonObject> =>
    expectAnswer(await platform.post(path, { token: tokens.provider, body }), 201);
  return await tell('The provider lists one more court', async () => {
    const model = await serviceCalled(platform, DEMO_SERVICES.open);
    const venueId = textOf(model, 'venueId');
    const midnightMs = await nextWeek(platform, textOf(model, 'id'));
    const name = `Demo court ${randomUUID().slice(0, 8)}`;
    const resourceId = textOf(
      await create('/v1/resources', { venueId, name, kind: 'court' }),
      'id',
    );
    const terms = {
      venueId,
      category: 'sport',
      resourceIds: [resourceId],
      durationMinutes: 60,
      price: { amount: PRICE_MINOR, currency: 'usd' },
    };
    const service = await create('/v1/services', { ...terms, name });
    const brief = await create('/v1/services', {
      ...terms,
      name: `${name}, one second to decide`,
      holdTtlSeconds: 1,
    });
    const slots = await create(`/v1/services/${textOf(service, 'id')}/slots`, {
      slots: hours(midnightMs, { from: 10, to: 13 }),
    });
    const briefSlots = await create(`/v1/services/${textOf(brief, 'id')}/slots`, {
      slots: hours(midnightMs, { from: 15, to: 16 }),
    });
    const court: Court = {
      resourceId,
      serviceId: textOf(service, 'id'),
      briefServiceId: textOf(brief, 'id'),
      slotIds: listOf(slots, 'data').map((slot) => textOf(slot, 'id')),
      briefSlotId: textOf(listOf(briefSlots, 'data')[0], 'id'),
    };
    return [court, `${name}: ${court.slotIds.length + 1} slots, 25.00 usd each`];
  });
}

async function holdAndLose({ platform, tell, tokens }: Cast, court: Court): Promise<string> {
  const body = { slotIds: [court.slotIds[0]] };
  const holdId = await tell('The customer holds the first slot', async () => {
    const answer = await platform.post('/v1/holds', { token: tokens.customer, body });
    const hold = expectAnswer(answer, 201);
    expectSame('a total of', objectOf(objectOf(hold, 'quote'), 'total')['amount'], PRICE_MINOR);
    return [textOf(hold, 'id'), `until ${textOf(hold, 'expiresAt')}`];
  });
  await tell('The rival comes second', async () => {
    const answer = await platform.post('/v1/holds', { token: tokens.rival, body });
    const problem = expectAnswer(answer, 409, 'slot_unavailable');
    const others = listOf(problem, 'alternatives');
    expectSame('the next slot as the first alternative', others[0]?.['id'], court.slotIds[1]);
    return [null, `409 slot_unavailable, ${others.length} alternatives`];
  });
  return holdId;
}

async function payAfterDecline(
  { platform, tell, tokens }: Cast,
  holdId: string,
): Promise<JsonObject> {
  const pay = (paymentMethod: string) =>
    platform.post('/v1/bookings', {
      token: tokens.customer,
      body: { holdId, payment: { processor: 'stripe', paymentMethod } },
    });
  await tell('The first card is declined, the hold stays', async () => {
    expectAnswer(await pay('pm_card_visa_chargeDeclined'), 402, 'payment_declined');
    const hold = expectAnswer(await platform.get(`/v1/holds/${holdId}`, tokens.customer), 200);
    expectSame('a hold that is', hold['status'], 'active');
    return [null, '402 payment_declined, hold active'];
  });
  return await tell('The second card pays: confirmed in one call', async () => {
    const booking = expectAnswer(await pay('pm_card_visa'), 201);
    expectSame('a booking that is', booking['status'], 'confirmed');
    return [booking, `code ${textOf(booking, 'code')}`];
  });
}

async function authenticate(cast: Cast, court: Court): Promise<void> {
  const { platform, simulators, tell, tokens } = cast;
  const booking = await tell('Another card wants 3-D Secure', async () => {
    const answer = await platform.post('/v1/bookings', {
      token: tokens.rival,
      body: {
        slotIds: [court.slotIds[1]],
        payment: { processor: 'stripe', paymentMethod: 'pm_card_authenticationRequired' },
      },
    });
    const pending = expectAnswer(answer, 201);
    expectSame('a booking that is', pending['status'], 'pending');
    const action = objectOf(objectOf(pending, 'payment'), 'action');
    return [pending, `pending, action ${textOf(action, 'type')}`];
  });
  const path = `/v1/bookings/${textOf(booking, 'id')}`;
  await tell('Confirming too early changes nothing', async () => {
    const answer = await platform.post(`${path}/confirm`, { token: tokens.rival });
    expectAnswer(answer, 402, 'payment_incomplete');
    return [null, '402 payment_incomplete'];
  });
  await tell('The payer authenticates; confirmed', async () => {
    const processorId = textOf(objectOf(booking, 'payment'), 'processorId');
    const answer = await simulators.post(`/control/payers/stripe/${processorId}`, {
      body: { action: 'authenticate' },
    });
    if (answer.status >= 300) throw new Surprise(`the payer's page answered ${answer.status}`);
    // The processor's webhook may be at work on the same booking; whoever comes second finds it on its way.
    const confirmed = await eventually('the booking to be confirmed', async () => {
      const seen = await platform.post(`${path}/confirm`, { token: tokens.rival });
      const now = expectAnswer(seen, 200);
      return now['status'] === 'confirmed' ? now : null;
    });
    return [null, `code ${textOf(confirmed, 'code')}`];
  });
}

async function letExpire({ platform, tell, tokens }: Cast, court: Court): Promise<void> {
  await tell('A hold of one second is not paid in time', async () => {
    const body = { slotIds: [court.briefSlotId] };
    const answer = await platform.post('/v1/holds', { token: tokens.customer, body });
    const holdId = textOf(expectAnswer(answer, 201), 'id');
    await eventually('the hold to expire', async () => {
      const hold = expectAnswer(await platform.get(`/v1/holds/${holdId}`, tokens.customer), 200);
      return hold['status'] === 'expired' ? hold : null;
    });
    const late = await platform.post('/v1/bookings', {
      token: tokens.customer,
      body: { holdId, payment: { processor: 'stripe', paymentMethod: 'pm_card_visa' } },
    });
    expectAnswer(late, 410, 'hold_expired');
    const slot = expectAnswer(await platform.get(`/v1/slots/${court.briefSlotId}`), 200);
    expectSame('a slot that is', slot['status'], 'available');
    return [null, '410 hold_expired, the slot is free again'];
  });
}

async function cancel(cast: Cast, booking: JsonObject): Promise<void> {
  const { platform, simulators, tell, tokens } = cast;
  const bookingId = textOf(booking, 'id');
  await tell('The customer cancels and has the money back', async () => {
    const answer = await platform.post(`/v1/bookings/${bookingId}/cancel`, {
      token: tokens.customer,
      body: { reason: 'It rains.' },
    });
    const cancelled = expectAnswer(answer, 200);
    const refund = await eventually("the refund in the processor's books", async () => {
      const books = listOf(expectAnswer(await simulators.get('/control/books'), 200), 'data');
      const refunds = books.filter((row) => row['kind'] === 'refund');
      return refunds.find((row) => objectOf(row, 'metadata')['bookingId'] === bookingId) ?? null;
    });
    expectSame('a refund of', refund['amount'], PRICE_MINOR);
    return [null, `booking ${textOf(cancelled, 'status')}, 25.00 usd back`];
  });
}

async function verifyAudit({ platform, tell, tokens }: Cast, bookingId: string): Promise<void> {
  await tell('The operator verifies the audit chain', async () => {
    const rows = await eventually('the booking in the audit trail', async () => {
      const answer = await platform.get(`/v1/ops/audit?entityId=${bookingId}`, tokens.operator);
      const found = listOf(expectAnswer(answer, 200), 'data');
      return found.length >= 3 ? found : null;
    });
    const verdict = expectAnswer(await platform.get('/v1/ops/audit/verify', tokens.operator), 200);
    expectSame('a chain that is valid:', verdict['valid'], true);
    const chained = listOf(verdict, 'streams').reduce((sum, row) => sum + Number(row['rows']), 0);
    return [null, `valid: ${chained} links, ${rows.length} of this booking`];
  });
}

async function closeCourt({ platform, tell, tokens }: Cast, court: Court): Promise<void> {
  await tell('The provider takes the extra court off sale', async () => {
    for (const id of [court.serviceId, court.briefServiceId]) {
      const answer = await platform.delete(`/v1/services/${id}`, tokens.provider);
      if (answer.status >= 300) throw new Surprise(`expected 2xx, but ${answer.status} came`);
    }
    return [null, 'bookings that were sold keep their terms'];
  });
}

/** The venue of the demo. */
async function venueOf({ platform }: Cast): Promise<string> {
  return textOf(await serviceCalled(platform, DEMO_SERVICES.open), 'venueId');
}

async function serviceCalled(platform: Client, name: string): Promise<JsonObject> {
  const path = `/v1/services?query=${encodeURIComponent(name)}`;
  const found = listOf(expectAnswer(await platform.get(path), 200), 'data');
  const service = found.find((each) => each['name'] === name);
  if (service === undefined) throw new Surprise(`expected the service "${name}" in the catalogue`);
  return service;
}

/** Midnight of a day some days after the next free slot: the platform's clock may not be this machine's. */
async function nextWeek(platform: Client, serviceId: string): Promise<number> {
  const path = `/v1/services/${serviceId}/slots?status=available&limit=1`;
  const [slot] = listOf(expectAnswer(await platform.get(path), 200), 'data');
  const startsAtMs = Date.parse(textOf(slot, 'startAt'));
  return Math.floor(startsAtMs / DAY_MS) * DAY_MS + 5 * DAY_MS;
}

/** One slot for each hour of a day. */
function hours(
  midnightMs: number,
  span: { from: number; to: number },
): { startAt: string; endAt: string }[] {
  const instant = (hour: number): string => new Date(midnightMs + hour * HOUR_MS).toISOString();
  return Array.from({ length: span.to - span.from }, (_, n) => ({
    startAt: instant(span.from + n),
    endAt: instant(span.from + n + 1),
  }));
}
