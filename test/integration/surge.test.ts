/**
 * Crowds, over HTTP: one unit is sold once, a call that is repeated has one effect, courts are never shared, and whoever
 * comes too late is told so at once. Whoever asks too much is told that too, and pays nothing for asking again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, makePerson, settled, type Answer, type Person } from '../support/api.ts';

const CROWD = 200;
const REPEATS = 50;
/** Live holds of one person at a time, as the Worker under test is configured. */
const HOLD_BUDGET = 10;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const FREE = { price: { amount: 0, currency: 'usd' } };

let owner: Person;
let venueId: string;

beforeAll(async () => {
  owner = await makePerson();
  const providerId = await create('/v1/providers', {
    name: 'Club',
    currency: 'usd',
    timeZone: 'UTC',
  });
  venueId = await create('/v1/venues', { providerId, name: 'Hall', timeZone: 'UTC' });
});

afterAll(settled, 15_000);

async function create(path: string, body: object): Promise<string> {
  const answer = await call(`POST ${path}`, { as: owner, body });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id as string;
}

/** Slots of a service of its own over a resource of its own, each so many minutes after the first and an hour long. */
async function makeSlots(
  minutes: readonly number[],
  wish: { resource?: object; service?: object } = {},
): Promise<string[]> {
  const resource = { venueId, name: 'Court', kind: 'court', ...wish.resource };
  const serviceId = await create('/v1/services', {
    venueId,
    name: 'Padel',
    category: 'sport',
    resourceIds: [await create('/v1/resources', resource)],
    durationMinutes: 60,
    price: { amount: 2_500, currency: 'usd' },
    ...wish.service,
  });
  const firstMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 48 * HOUR_MS;
  const slots = minutes.map((offset) => {
    const startMs = firstMs + offset * MINUTE_MS;
    return {
      startAt: new Date(startMs).toISOString(),
      endAt: new Date(startMs + HOUR_MS).toISOString(),
    };
  });
  const path = `POST /v1/services/${serviceId}/slots`;
  const answer = await call(path, { as: owner, body: { slots } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.data.map(({ id }: { id: string }) => id);
}

function makeCrowd(size: number): Promise<Person[]> {
  return Promise.all(Array.from({ length: size }, () => makePerson()));
}

function hold(as: Person, slotId: string | undefined, key: string): Promise<Answer> {
  return call('POST /v1/holds', { as, key, body: { slotIds: [slotId] } });
}

function statusesOf(answers: readonly Answer[]): number[] {
  return [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b);
}

/** Expects that every repeat got the one answer, or was told that it is being worked on. */
function expectOneAnswer(answers: readonly Answer[]): Answer {
  const given = answers.filter(({ status }) => status === 201);
  const [first] = given;
  if (first === undefined) throw new Error(`No repeat succeeded: ${answers[0]?.text}`);
  for (const answer of given) expect(answer.text).toBe(first.text);
  const originals = given.filter(({ headers }) => !headers.has('Idempotent-Replayed'));
  expect(originals).toHaveLength(1);
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expect([answer.status, answer.json.code]).toEqual([409, 'idempotency_key_in_progress']);
    expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
  }
  return first;
}

describe('a crowd on one unit', () => {
  it('has one winner, and every loser is shown what is still free', async () => {
    const [wanted, free] = await makeSlots([0, 60]);
    const crowd = await makeCrowd(CROWD);
    const answers = await Promise.all(crowd.map((person) => hold(person, wanted, 'surge')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const losers = answers.filter(({ status }) => status !== 201);
    expect(statusesOf(losers)).toEqual([409]);
    for (const { json } of losers) {
      expect(json).toMatchObject({ code: 'slot_unavailable', conflicts: [wanted] });
      expect(json.alternatives.map(({ id }: { id: string }) => id)).toEqual([free]);
    }
    const slot = await call(`GET /v1/slots/${wanted}`);
    expect(slot.json).toMatchObject({ status: 'held', remaining: 0 });
  });

  it('has one booking when it books at once', async () => {
    const [slotId] = await makeSlots([0], { service: FREE });
    const crowd = await makeCrowd(REPEATS);
    const body = { slotIds: [slotId] };
    const answers = await Promise.all(
      crowd.map((as) => call('POST /v1/bookings', { as, key: 'surge', body })),
    );
    const booked = answers.filter(({ status }) => status === 201);
    expect(booked.map(({ json }) => json.status)).toEqual(['confirmed']);
    expect(statusesOf(answers)).toEqual([201, 409]);
    expect((await call(`GET /v1/slots/${slotId}`)).json.status).toBe('booked');
  });

  it('fills a class to its last place and no further', async () => {
    const [slotId] = await makeSlots([0], { resource: { capacity: 30 } });
    const crowd = await makeCrowd(100);
    const answers = await Promise.all(crowd.map((person) => hold(person, slotId, 'surge')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(30);
    expect(statusesOf(answers)).toEqual([201, 409]);
    const slot = await call(`GET /v1/slots/${slotId}`);
    expect(slot.json).toMatchObject({ remaining: 0, capacity: 30 });
  });

  it('leaves the unit free when every winner gives it up again', async () => {
    const [slotId] = await makeSlots([0], { resource: { capacity: 3 } });
    const crowd = await makeCrowd(30);
    await Promise.all(
      crowd.map(async (person) => {
        const held = await hold(person, slotId, 'surge');
        if (held.status !== 201) return;
        const given = await call(`DELETE /v1/holds/${held.json.id}`, { as: person });
        expect(given.status).toBe(204);
      }),
    );
    const slot = await call(`GET /v1/slots/${slotId}`);
    expect(slot.json).toMatchObject({ status: 'available', remaining: 3 });
  });
});

describe('a call that is repeated at once', () => {
  it('holds once', async () => {
    const [slotId] = await makeSlots([0], { resource: { capacity: REPEATS } });
    const person = await makePerson();
    const answers = await Promise.all(
      Array.from({ length: REPEATS }, () => hold(person, slotId, 'same')),
    );
    expectOneAnswer(answers);
    expect((await call(`GET /v1/slots/${slotId}`)).json.remaining).toBe(REPEATS - 1);
  });

  it('books once', async () => {
    const [slotId] = await makeSlots([0], { resource: { capacity: REPEATS }, service: FREE });
    const request = { as: await makePerson(), key: 'same', body: { slotIds: [slotId] } };
    const answers = await Promise.all(
      Array.from({ length: REPEATS }, () => call('POST /v1/bookings', request)),
    );
    const booked = expectOneAnswer(answers);
    expect(booked.json.status).toBe('confirmed');
    expect((await call(`GET /v1/slots/${slotId}`)).json.remaining).toBe(REPEATS - 1);
    const path = `GET /v1/bookings/${booked.json.id}/history`;
    const history = await call(path, { as: request.as });
    expect(history.json.data.map(({ to }: { to: string }) => to)).toEqual(['pending', 'confirmed']);
  });
});

describe('overlapping slots of one court', () => {
  it('are never both had, whoever wins', async () => {
    const offsets = Array.from({ length: 40 }, (_, index) => index * 15);
    const slotIds = await makeSlots(offsets);
    const crowd = await makeCrowd(slotIds.length * 3);
    const answers = await Promise.all(
      crowd.map((person, index) => hold(person, slotIds[(index * 7) % slotIds.length], 'surge')),
    );
    expect(statusesOf(answers)).toEqual([201, 409]);
    const starts = answers
      .filter(({ status }) => status === 201)
      .map(({ json }) => offsets[slotIds.indexOf(json.slotIds[0])] ?? -1)
      .toSorted((a, b) => a - b);
    const gaps = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(60);
    // Nothing is left that the winners do not stand in the way of.
    expect(Math.max(...gaps)).toBeLessThan(120);
  });
});

describe('the budget of holds', () => {
  it('ends what one person can keep from the others, and no repeat counts against it', async () => {
    const [slotId] = await makeSlots([0], { resource: { capacity: 100 } });
    const person = await makePerson();
    const first = await hold(person, slotId, 'k0');
    for (let i = 1; i < HOLD_BUDGET; i++) {
      expect((await hold(person, slotId, `k${i}`)).status).toBe(201);
      expect((await hold(person, slotId, 'k0')).text).toBe(first.text);
    }
    const refused = await hold(person, slotId, 'one-more');
    expect([refused.status, refused.json.code]).toEqual([429, 'hold_limit_reached']);
    expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
    expect((await call(`GET /v1/slots/${slotId}`)).json.remaining).toBe(100 - HOLD_BUDGET);
    expect((await hold(await makePerson(), slotId, 'another')).status).toBe(201);
    await call(`DELETE /v1/holds/${first.json.id}`, { as: person });
    expect((await hold(person, slotId, 'one-more')).status).toBe(201);
  });

  it('is not exceeded by asking at once', async () => {
    const [slotId] = await makeSlots([0], { resource: { capacity: 100 } });
    const person = await makePerson();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => hold(person, slotId, `k${index}`)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(HOLD_BUDGET);
    expect(statusesOf(answers)).toEqual([201, 429]);
  });
});
