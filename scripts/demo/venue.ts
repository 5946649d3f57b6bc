/**
 * What else a provider sells, told with real calls: courts by rules of the calendar, a hall with numbered seats, a class
 * with a waiting list. Each scene
 * brings resources of its own, so that it can be told again on the same state.
 */
import { randomUUID } from 'node:crypto';
import type { Cast } from './cast.ts';
import { expectAnswer, expectSame, listOf, objectOf, textOf, type JsonObject } from './client.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A hall of twelve rows with twenty seats each. */
const ROWS = 'ABCDEFGHIJKL';
const SEATS_PER_ROW = 20;
const SEATS = ROWS.length * SEATS_PER_ROW;

/** Creates something as the provider. */
async function create(
  { platform, tokens }: Cast,
  path: string,
  body: unknown,
): Promise<JsonObject> {
  return expectAnswer(await platform.post(path, { token: tokens.provider, body }), 201);
}

/** Two courts that are open by a rule: slots of five weeks, a weekly series, and an edit that spares what is sold. */
export async function sellByRules(cast: Cast, venueId: string): Promise<void> {
  const { platform, tell, tokens } = cast;
  const name = `Rule courts ${randomUUID().slice(0, 8)}`;
  const serviceId = await tell('Two courts open by a rule: weekdays, 9 to 13', async () => {
    const service = await openCourts(cast, { venueId, name });
    return [textOf(service, 'id'), 'any free one of the two'];
  });
  const path = `/v1/services/${serviceId}`;
  const rule = await tell('Its slots are made, once however often', async () => {
    const today = textOf(expectAnswer(await platform.get(path), 200), 'timeZone');
    const from = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10);
    const to = new Date(Date.now() + 37 * DAY_MS).toISOString().slice(0, 10);
    const made = await create(cast, `${path}/availability-rules`, {
      rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
      startTime: '09:00',
      endTime: '13:00',
      validFrom: from,
    });
    const token = tokens.provider;
    const generate = async (): Promise<JsonObject> =>
      expectAnswer(
        await platform.post(`${path}/slots/generate`, { token, body: { from, to } }),
        200,
      );
    const first = await generate();
    const second = await generate();
    expectSame('a second run that makes', second['created'], 0);
    return [made, `${String(first['created'])} slots in ${today}, then 0 more`];
  });
  const booking = await tell('The customer books four weeks at once, by card', async () => {
    const seen = await platform.get(`${path}/slots?status=available&limit=1`);
    const [slot] = listOf(expectAnswer(seen, 200), 'data');
    const series = { firstSlotId: textOf(slot, 'id'), count: 4, every: 'week' };
    const payment = { processor: 'stripe', paymentMethod: 'pm_card_visa' };
    const token = tokens.customer;
    const made = expectAnswer(
      await platform.post('/v1/bookings', { token, body: { series, payment } }),
      201,
    );
    expectSame('a booking that is', made['status'], 'confirmed');
    const starts = listOf(made, 'slots').map((one) => textOf(one, 'localStart').slice(5, 16));
    return [made, starts.join(', ')];
  });
  await tell('Shorter hours would spare what is sold', async () => {
    const answer = await platform.patch(
      `/v1/availability-rules/${textOf(rule, 'id')}?dryRun=true`,
      {
        token: tokens.provider,
        body: { startTime: '11:00' },
      },
    );
    const change = expectAnswer(answer, 200);
    const kept = listOf(change, 'kept').length;
    expectSame('booked slots that stay', kept, listOf(booking, 'slots').length);
    return [null, `${String(change['removed'])} would go, ${kept} would stay`];
  });
}

async function openCourts(
  cast: Cast,
  { venueId, name }: { venueId: string; name: string },
): Promise<JsonObject> {
  const resourceIds: string[] = [];
  for (const court of ['North', 'South']) {
    const made = await create(cast, '/v1/resources', { venueId, name: court, kind: 'court' });
    resourceIds.push(textOf(made, 'id'));
  }
  const price = { amount: 2_000, currency: 'usd' };
  const terms = { venueId, category: 'sport', resourceIds, durationMinutes: 60, price };
  return create(cast, '/v1/services', { ...terms, name });
}

/** A hall whose seats have names: those that were chosen, or the best that are left. */
export async function sellSeats(cast: Cast, venueId: string): Promise<void> {
  const { platform, tell, tokens } = cast;
  const slotId = await tell('A hall with 240 numbered seats goes on sale', async () => {
    const units = Array.from(ROWS).flatMap((row) =>
      Array.from({ length: SEATS_PER_ROW }, (_, seat) => `${row}${seat + 1}`),
    );
    const name = `Hall ${randomUUID().slice(0, 8)}`;
    const hall = await create(cast, '/v1/resources', { venueId, name, kind: 'hall', units });
    const concert = await create(cast, '/v1/services', {
      venueId,
      name: `Concert in ${name}`,
      category: 'music',
      resourceIds: [textOf(hall, 'id')],
      durationMinutes: 120,
      price: { amount: 4_500, currency: 'usd' },
      maxQuantity: 6,
    });
    const startMs = Math.ceil(Date.now() / DAY_MS) * DAY_MS + 20 * DAY_MS + 19 * HOUR_MS;
    const slots = [instants(startMs, startMs + 2 * HOUR_MS)];
    const made = await create(cast, `/v1/services/${textOf(concert, 'id')}/slots`, { slots });
    const [slot] = listOf(made, 'data');
    expectSame('seats that are left:', slot?.['remaining'], SEATS);
    return [textOf(slot, 'id'), `${SEATS} seats, 45.00 usd each`];
  });
  const hold = (token: string, wish: object) =>
    platform.post('/v1/holds', { token, body: { slotIds: [slotId], ...wish } });
  await tell('The customer takes two seats by name', async () => {
    const answer = await hold(tokens.customer, { units: ['F10', 'F11'] });
    const held = expectAnswer(answer, 201);
    const total = objectOf(objectOf(held, 'quote'), 'total')['amount'];
    expectSame('a total of', total, 9_000);
    return [null, 'F10 and F11 held'];
  });
  await tell('Nobody else has them, and all the rest', async () => {
    expectAnswer(await hold(tokens.rival, { units: ['F11', 'F12'] }), 409, 'slot_unavailable');
    const best = expectAnswer(await hold(tokens.rival, { quantity: 3 }), 201);
    const slot = expectAnswer(await platform.get(`/v1/slots/${slotId}`), 200);
    expectSame('seats that are left:', slot['remaining'], SEATS - 5);
    return [textOf(best, 'id'), `409 for F11; 3 others held, ${String(slot['remaining'])} left`];
  });
}

/** A class with two places: the third in line gets the place that somebody gives back, and nobody else does. */
export async function fillClass(cast: Cast, venueId: string): Promise<void> {
  const { platform, tell, tokens } = cast;
  const slotId = await tell('A class has two places, free of charge', async () => {
    const name = `Class ${randomUUID().slice(0, 8)}`;
    const room = await create(cast, '/v1/resources', { venueId, name, kind: 'room', capacity: 2 });
    const service = await create(cast, '/v1/services', {
      venueId,
      name,
      category: 'wellness',
      resourceIds: [textOf(room, 'id')],
      durationMinutes: 60,
      price: { amount: 0, currency: 'usd' },
    });
    const startMs = Math.ceil(Date.now() / DAY_MS) * DAY_MS + 3 * DAY_MS + 8 * HOUR_MS;
    const slots = [instants(startMs, startMs + HOUR_MS)];
    const made = await create(cast, `/v1/services/${textOf(service, 'id')}/slots`, { slots });
    return [textOf(listOf(made, 'data')[0] ?? {}, 'id'), 'confirmed without a payment'];
  });
  const book = (token: string) =>
    platform.post('/v1/bookings', { token, body: { slotIds: [slotId] } });
  const booking = await tell('Two customers book, and it is full', async () => {
    const first = expectAnswer(await book(tokens.customer), 201);
    expectAnswer(await book(tokens.subscriber), 201);
    expectAnswer(await book(tokens.rival), 409, 'slot_unavailable');
    return [first, '409 slot_unavailable for the third'];
  });
  const entryId = await tell('The third joins the waiting list', async () => {
    const path = `/v1/slots/${slotId}/waitlist`;
    const entry = expectAnswer(await platform.post(path, { token: tokens.rival }), 201);
    return [textOf(entry, 'id'), `number ${String(entry['position'])}`];
  });
  await tell('A place is given back, and offered to them alone', async () => {
    const path = `/v1/bookings/${textOf(booking, 'id')}/cancel`;
    expectAnswer(await platform.post(path, { token: tokens.customer }), 200);
    expectAnswer(await book(tokens.customer), 409, 'slot_unavailable');
    const entry = expectAnswer(await platform.get(`/v1/waitlist/${entryId}`, tokens.rival), 200);
    const offer = objectOf(entry, 'offer');
    const taken = expectAnswer(await book(tokens.rival), 201);
    expectSame('a booking that is', taken['status'], 'confirmed');
    return [null, `offer until ${textOf(offer, 'expiresAt')}, taken`];
  });
}

function instants(startMs: number, endMs: number): { startAt: string; endAt: string } {
  return { startAt: new Date(startMs).toISOString(), endAt: new Date(endMs).toISOString() };
}
