/**
 * Who gets which slot, seen from outside: intervals, buffers, pools, seats and courts, all or nothing, deadlines; and
 * requests that make no sense, which are told so and change nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAD_REQUESTS, forged } from './support/bad-requests.ts';
import { until } from './support/platform-process.ts';
import {
  Api,
  card,
  expectProblem,
  only,
  span,
  spanIn,
  type Booking,
  type Hold,
  type Person,
  type Slot,
  type SlotWish,
} from './support/shop.ts';

const FREE = { price: { amount: 0, currency: 'usd' } };

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

/** The ids of slots of one shop, in the order asked. */
async function slotIds(
  wish: { resources?: readonly object[]; service?: object },
  ...at: readonly SlotWish[]
): Promise<string[]> {
  const shop = await api.makeShop({ owner, ...wish });
  return (await api.addSlots(shop, ...at)).map(({ id }) => id);
}

/** Expects that the rival cannot have it, and gives what they were told. */
async function expectTaken(body: object) {
  return expectProblem(await api.hold(rival, body), 409, 'slot_unavailable');
}

describe('time on one court', () => {
  it('is taken by overlap and not by slot, up to the minute where the next one begins', async () => {
    const [taken = '', ...others] = await slotIds(
      {},
      span(3, '10:00'),
      span(3, '10:30'),
      span(3, '09:30'),
      span(3, '10:15', 30),
      span(3, '09:00', 180),
      span(3, '11:00'),
      span(3, '09:00'),
    );
    const [after = '', before = ''] = others.splice(4);
    await api.mustHold(customer, taken);
    for (const slotId of others) {
      expect((await expectTaken({ slotIds: [slotId] }))['conflicts']).toEqual([slotId]);
      expect((await api.slot(slotId)).status).toBe('held');
    }
    await api.mustHold(rival, after);
    await api.mustHold(rival, before);
  });

  it('is shared by every service that uses the court', async () => {
    const shop = await api.makeShop({ owner });
    const other = { ...shop, serviceId: await api.addService(shop, { name: 'Padel' }) };
    const tennis = only(await api.addSlots(shop, span(3, '10:00')));
    const padel = only(await api.addSlots(other, span(3, '10:30')));
    await api.mustHold(customer, tennis.id);
    await expectTaken({ slotIds: [padel.id] });
  });

  it('includes the buffers, except between slots of one hold', async () => {
    const service = { bufferBeforeMinutes: 15, bufferAfterMinutes: 15 };
    const [first = '', second = '', third = '', later = ''] = await slotIds(
      { service },
      span(3, '10:00'),
      span(3, '11:00'),
      span(3, '12:00'),
      span(3, '12:30'),
    );
    await api.mustHold(customer, first, second);
    await expectTaken({ slotIds: [third] });
    await api.mustHold(rival, later);
  });

  it('goes to the next customer once it is cancelled, and to the same one again', async () => {
    const [slotId = ''] = await slotIds({ service: FREE }, span(3, '10:00'));
    for (const person of [customer, customer, rival]) {
      const booking = await api.mustBook(person, { slotIds: [slotId] });
      const path = `POST /v1/bookings/${booking.id}/cancel`;
      expect((await api.call(path, { as: person, body: {} })).status).toBe(200);
    }
  });
});

describe('what can be had more than once', () => {
  it('counts places of a class over overlapping slots', async () => {
    const wish = { resources: [{ kind: 'class', capacity: 5 }], service: { maxQuantity: 5 } };
    const [early = '', late = ''] = await slotIds(wish, span(3, '10:00'), span(3, '10:30'));
    expect(await api.slot(early)).toMatchObject({ capacity: 5, remaining: 5 });
    expect((await api.hold(customer, { slotIds: [early], quantity: 3 })).status).toBe(201);
    expect((await api.slot(late)).remaining).toBe(2);
    await expectTaken({ slotIds: [late], quantity: 3 });
    expect((await api.hold(rival, { slotIds: [late], quantity: 2 })).status).toBe(201);
    expect(await api.slot(early)).toMatchObject({ remaining: 0, status: 'held' });
  });

  it('leaves the others of a class alone when one is cancelled', async () => {
    const wish = { resources: [{ capacity: 2 }], service: FREE };
    const [slotId = ''] = await slotIds(wish, span(3, '10:00'));
    const mine = await api.mustBook(customer, { slotIds: [slotId] });
    const theirs = await api.mustBook(rival, { slotIds: [slotId] });
    expect(await api.slot(slotId)).toMatchObject({ remaining: 0, status: 'booked' });
    await api.call(`POST /v1/bookings/${mine.id}/cancel`, { as: customer, body: {} });
    expect((await api.slot(slotId)).remaining).toBe(1);
    expect((await api.booking(rival, theirs.id)).status).toBe('confirmed');
  });

  it('keeps to the smaller capacity of a slot', async () => {
    const wish = { resources: [{ capacity: 5 }], service: { maxQuantity: 5 } };
    const [slotId = ''] = await slotIds(wish, { ...span(3, '10:00'), capacity: 2 });
    expect(await api.slot(slotId)).toMatchObject({ capacity: 2, remaining: 2 });
    expect((await api.hold(customer, { slotIds: [slotId], quantity: 2 })).status).toBe(201);
    await expectTaken({ slotIds: [slotId] });
  });

  it('sells each seat once, and shows the seats that were bought', async () => {
    const wish = { resources: [{ units: ['A1', 'A2', 'A3'] }], service: { maxQuantity: 3 } };
    const [slotId = ''] = await slotIds(wish, span(3, '20:00'));
    const held = await api.hold(customer, { slotIds: [slotId], units: ['A1', 'A2'] });
    expect(held.json).toMatchObject({ quantity: 2, units: ['A1', 'A2'] });
    expect(held.json.quote.total.amount).toBe(5000);
    await expectTaken({ slotIds: [slotId], units: ['A2', 'A3'] });
    const seen = (await api.slot(slotId)).units?.map(({ id, status }) => `${id} ${status}`);
    expect(seen).toEqual(['A1 held', 'A2 held', 'A3 available']);
    const none = await api.hold(rival, { slotIds: [slotId], units: ['Z9'] });
    expectProblem(none, 422, 'validation_failed');
    const booked = await api.mustBook(customer, { holdId: held.json.id, payment: card() });
    expect(booked.slots[0]?.units).toEqual(['A1', 'A2']);
    expect((await api.hold(rival, { slotIds: [slotId], units: ['A3'] })).status).toBe(201);
  });

  it('gives each of a crowd a court of their own, as long as there are courts', async () => {
    const resources = [{ name: 'One' }, { name: 'Two' }, { name: 'Three' }];
    const [slotId = ''] = await slotIds({ resources, service: FREE }, span(3, '10:00'));
    expect(await api.slot(slotId)).toMatchObject({ capacity: 3, remaining: 3 });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        api.book(i % 2 ? customer : rival, { slotIds: [slotId] }),
      ),
    );
    const booked = answers.filter(({ status }) => status === 201).map(({ json }) => json);
    const courts = booked.flatMap(({ slots }) => slots.flatMap((slot) => slot.resourceIds));
    expect([courts.length, new Set(courts).size]).toEqual([3, 3]);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectProblem(answer, 409, 'slot_unavailable');
    }
  });

  it('takes the coach and the court together, or neither', async () => {
    const resources = [{ name: 'Court' }, { name: 'Coach', kind: 'coach' }];
    const shop = await api.makeShop({ owner, resources, service: { allocation: 'all' } });
    const lesson = only(await api.addSlots(shop, span(3, '10:00')));
    const [court = '', coach = ''] = shop.resourceIds;
    const coachOnly = await api.addService({ ...shop, resourceIds: [coach] });
    const courtOnly = await api.addService({ ...shop, resourceIds: [court] });
    const talk = only(await api.addSlots({ ...shop, serviceId: coachOnly }, span(3, '10:30')));
    const game = only(await api.addSlots({ ...shop, serviceId: courtOnly }, span(3, '10:00')));
    expect(lesson.resourceIds).toEqual([court, coach]);
    await api.mustHold(customer, talk.id);
    await expectTaken({ slotIds: [lesson.id] });
    await api.mustHold(rival, game.id);
  });
});

describe('several slots in one hold', () => {
  it('are all had or none, and those in the way are named', async () => {
    const [a = '', b = '', c = '', d = ''] = await slotIds(
      {},
      span(3, '08:00'),
      span(3, '10:00'),
      span(3, '12:00'),
      span(3, '14:00'),
    );
    await api.mustHold(customer, b, d);
    const problem = await expectTaken({ slotIds: [a, b, c, d] });
    expect(problem['conflicts']).toEqual([b, d]);
    for (const slotId of [a, c]) expect((await api.slot(slotId)).status).toBe('available');
    const both = await api.mustHold(rival, a, c);
    expect(both.quote.total.amount).toBe(5000);
  });

  it('cannot be two at once on one court', async () => {
    const [a = '', b = ''] = await slotIds({}, span(3, '10:00'), span(3, '10:30'));
    await expectTaken({ slotIds: [a, b] });
    expect((await api.slot(a)).status).toBe('available');
  });

  it('must be of one venue', async () => {
    const [a = ''] = await slotIds({}, span(3, '10:00'));
    const [b = ''] = await slotIds({}, span(3, '10:00'));
    const answer = await api.hold(customer, { slotIds: [a, b] });
    expectProblem(answer, 422, 'slots_span_shards');
    expect((await api.slot(a)).status).toBe('available');
  });
});

describe('a loser', () => {
  it('is offered what is free nearby, nearest first', async () => {
    const times = ['08:00', '09:00', '10:00', '11:00', '12:00', '16:00'];
    const [, early = '', wanted = '', next = '', noon = ''] = await slotIds(
      {},
      ...times.map((time) => span(3, time)),
    );
    await api.mustHold(customer, wanted);
    const seen = (await expectTaken({ slotIds: [wanted] }))['alternatives'] as Slot[];
    expect(seen.map(({ id }) => id)).toHaveLength(3);
    expect(new Set(seen.slice(0, 2).map(({ id }) => id))).toEqual(new Set([early, next]));
    await api.mustHold(customer, next);
    const later = (await expectTaken({ slotIds: [wanted] }))['alternatives'] as Slot[];
    expect(later.map(({ id }) => id)).not.toContain(next);
    expect(later[0]?.id).toBe(early);
    expect(later.map(({ id }) => id)).toContain(noon);
    await api.mustHold(rival, early);
  });
});

describe('a hold', () => {
  it('is given up once, and giving it up again is no error', async () => {
    const [slotId = ''] = await slotIds({}, span(3, '10:00'));
    const { id } = await api.mustHold(customer, slotId);
    const path = `/v1/holds/${id}`;
    expectProblem(await api.call(`DELETE ${path}`, { as: rival }), 404, 'not_found');
    expect((await api.slot(slotId)).status).toBe('held');
    for (let i = 0; i < 2; i++) {
      expect((await api.call(`DELETE ${path}`, { as: customer })).status).toBe(204);
    }
    expect((await api.call<Hold>(`GET ${path}`, { as: customer })).json.status).toBe('released');
    await api.mustHold(rival, slotId);
    expect((await api.call(`DELETE ${path}`, { as: customer })).status).toBe(204);
    expect((await api.slot(slotId)).status).toBe('held');
  });

  it('cannot be given up once a booking has taken it', async () => {
    const [slotId = ''] = await slotIds({ service: FREE }, span(3, '10:00'));
    const { id } = await api.mustHold(customer, slotId);
    const booking = await api.mustBook(customer, { holdId: id });
    const given = await api.call(`DELETE /v1/holds/${id}`, { as: customer });
    expectProblem(given, 409, 'hold_committed');
    expect((await api.booking(customer, booking.id)).status).toBe('confirmed');
    expect((await api.mustBook(customer, { holdId: id })).id).toBe(booking.id);
  });

  it('ends at its deadline for whoever looks first', async () => {
    const [slotId = ''] = await slotIds({ service: { holdTtlSeconds: 1 } }, span(3, '10:00'));
    const { id } = await api.mustHold(customer, slotId);
    await until(async () => (await api.slot(slotId)).status === 'available', 5_000);
    const seen = await api.call<Hold>(`GET /v1/holds/${id}`, { as: customer });
    expect(seen.json.status).toBe('expired');
    const booked = await api.book(customer, { holdId: id, payment: card() });
    expectProblem(booked, 410, 'hold_expired');
    await api.mustHold(rival, slotId);
  });

  it('ends for the next customer although nobody has looked', async () => {
    const [slotId = ''] = await slotIds({ service: { holdTtlSeconds: 1 } }, span(3, '10:00'));
    await api.mustHold(customer, slotId);
    await until(async () => (await api.hold(rival, { slotIds: [slotId] })).status === 201, 5_000);
  });

  it('keeps a customer to their share of a service, and nobody else', async () => {
    const service = { ...FREE, maxPerCustomer: 2 };
    const at = ['10:00', '11:00', '12:00'].map((time) => span(3, time));
    const [a = '', b = '', c = ''] = await slotIds({ service }, ...at);
    const { id } = await api.mustHold(customer, a);
    await api.mustBook(customer, { slotIds: [b] });
    const third = await api.hold(customer, { slotIds: [c] });
    expectProblem(third, 409, 'customer_limit_reached');
    expect((await api.slot(c)).status).toBe('available');
    await api.call(`DELETE /v1/holds/${id}`, { as: customer });
    await api.mustHold(customer, c);
    await api.mustHold(rival, a);
  });

  it('repeated with its key is the same hold, also when it was refused', async () => {
    const at = [span(3, '10:00'), span(3, '12:00')];
    const [slotId = '', other = ''] = await slotIds({}, ...at);
    const ask = (as: Person, key: string, body: object = { slotIds: [slotId] }) =>
      api.call<Hold>('POST /v1/holds', { as, key, body });
    const [key, lost] = [crypto.randomUUID(), crypto.randomUUID()];
    const first = await ask(customer, key);
    const quoted = await ask(customer, `"${key}"`);
    expect([quoted.status, quoted.text]).toEqual([201, first.text]);
    expect(quoted.headers.get('idempotent-replayed')).toBe('true');
    const reused = await ask(customer, key, { slotIds: [other] });
    expectProblem(reused, 422, 'idempotency_key_reused');
    expect((await api.slot(other)).status).toBe('available');
    const refused = await ask(rival, lost);
    expectProblem(refused, 409, 'slot_unavailable');
    await api.call(`DELETE /v1/holds/${first.json.id}`, { as: customer });
    expect((await ask(rival, lost)).text).toBe(refused.text);
    expect((await api.slot(slotId)).status).toBe('available');
    expect((await ask(rival, crypto.randomUUID())).status).toBe(201);
  });
});

describe('looking', () => {
  it('costs nothing while nothing has changed', async () => {
    const shop = await api.makeShop({ owner });
    const slot = only(await api.addSlots(shop, span(3, '10:00')));
    const path = `GET /v1/services/${shop.serviceId}/slots`;
    const first = await api.call<{ data: Slot[] }>(path);
    const etag = first.headers.get('etag') ?? '';
    expect(first.json.data.map(({ id, status }) => [id, status])).toEqual([[slot.id, 'available']]);
    expect(first.headers.get('cache-control')).toContain('max-age=1');
    const headers = { 'if-none-match': etag };
    const same = await api.call(path, { headers });
    expect([same.status, same.text]).toEqual([304, '']);
    await api.mustHold(customer, slot.id);
    const changed = await api.call<{ data: Slot[] }>(path, { headers });
    expect([changed.status, changed.json.data[0]?.status]).toEqual([200, 'held']);
    expect(changed.headers.get('etag')).not.toBe(etag);
  });
});

describe('a service for members', () => {
  it('lets subscribers in, and names the plans to everybody else', async () => {
    const subscriber = await api.demo('subscriber');
    const slotId = await api.makeSlot({ owner, service: { access: 'subscribers' } });
    for (const refused of [
      await api.hold(customer, { slotIds: [slotId] }),
      await api.book(customer, { slotIds: [slotId], payment: card() }),
    ]) {
      const { plans } = expectProblem(refused, 403, 'subscription_required') as unknown as {
        plans: readonly { id: string; name: string }[];
      };
      expect(only(plans)).toMatchObject({ id: expect.any(String), name: expect.any(String) });
    }
    expect((await api.slot(slotId)).status).toBe('available');
    await api.mustHold(subscriber, slotId);
  });
});

describe('a request that makes no sense', () => {
  let slotId: string;

  beforeAll(async () => {
    slotId = await api.makeSlot({ owner, service: { maxQuantity: 2 } });
  });

  it.each(BAD_REQUESTS)('is refused and changes nothing: $what', async (bad) => {
    const request = { as: customer, ...bad.sent(slotId) };
    for (const path of ['/v1/holds', '/v1/bookings']) {
      const answer = await api.call(`POST ${path}`, request);
      const problem = expectProblem(answer, bad.status, bad.code);
      if (bad.code === 'validation_failed') {
        expect(problem.errors?.[0]?.pointer).toEqual(expect.any(String));
      }
    }
    expect(await api.slot(slotId)).toMatchObject({ status: 'available', remaining: 1 });
  });

  it('is refused before the slot is touched when nobody is signed in', async () => {
    expectProblem(
      await api.call('POST /v1/holds', { body: { slotIds: [slotId] } }),
      401,
      'unauthenticated',
    );
    expect((await api.slot(slotId)).status).toBe('available');
  });

  it.each([
    ['of a time gone by', {}, spanIn(-1), 'slot_past'],
    ['too close', { minimumNoticeMinutes: 120 }, spanIn(1), 'notice_too_short'],
    ['too far away', { bookingWindowDays: 10 }, spanIn(11 * 24), 'outside_booking_window'],
  ])('is refused for a slot %s', async (...[, service, at, code]) => {
    const late = await api.makeSlot({ owner, service: { ...FREE, ...service } }, at);
    expectProblem(await api.hold(customer, { slotIds: [late] }), 409, code);
    expectProblem(await api.book(customer, { slotIds: [late] }), 409, code);
    expect((await api.slot(late)).remaining).toBe(1);
  });

  it('is refused for a booking as for a hold', async () => {
    const { id: holdId } = await api.mustHold(customer, slotId);
    const refusals: [object, number, string][] = [
      [{ holdId, slotIds: [slotId] }, 422, 'validation_failed'],
      [{ holdId, quantity: 2, payment: card() }, 422, 'validation_failed'],
      [{ holdId, payment: { processor: 'cash' } }, 422, 'validation_failed'],
      [{ holdId, payment: { ...card(), amount: 1 } }, 422, 'validation_failed'],
      [{ holdId: forged(holdId), payment: card() }, 404, 'not_found'],
    ];
    for (const [body, status, code] of refusals) {
      expectProblem(await api.book(customer, body), status, code);
    }
    expectProblem(await api.book(rival, { holdId, payment: card() }), 404, 'not_found');
    const kept = await api.call<Hold>(`GET /v1/holds/${holdId}`, { as: customer });
    expect(kept.json).toMatchObject({ status: 'active', bookingId: null });
    await api.call(`DELETE /v1/holds/${holdId}`, { as: customer });
  });

  it('tells a path that is not there from a method that is not', async () => {
    expectProblem(await api.call('GET /v1/nothing', { as: customer }), 404, 'not_found');
    expectProblem(await api.call('PUT /v1/holds', { as: customer }), 405, 'method_not_allowed');
    const path = `GET /v1/bookings/${forged(slotId)}`;
    expectProblem(await api.call<Booking>(path, { as: customer }), 404, 'not_found');
  });
});
