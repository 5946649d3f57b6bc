/** Waiting lines over HTTP, in the runtime that ships: joined, offered, taken, declined, read, and gone with nobody else's. */
import { evictDurableObject } from 'cloudflare:test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, makePerson, shardsSettled, type Person } from '../support/api.ts';
import { provisionShop } from '../support/shard-shop.ts';

const HOUR_MS = 3_600_000;
const SHARD = 'gwaat0000';

let shop: Awaited<ReturnType<typeof provisionShop>>;
let operator: Person;

beforeAll(async () => {
  shop = await provisionShop(SHARD);
  operator = await makePerson(['operator']);
});

afterAll(() => shardsSettled([SHARD]), 30_000);

async function makeSlot(inHours: number): Promise<string> {
  const [id = ''] = await shop.createSlots([{ startsInMs: inHours * HOUR_MS }]);
  return id;
}

function wait(slotId: string, as: Person, body?: object) {
  return call(`POST /v1/slots/${slotId}/waitlist`, { as, ...(body === undefined ? {} : { body }) });
}

function hold(slotId: string, as: Person, key = 'hold') {
  return call('POST /v1/holds', { as, key, body: { slotIds: [slotId] } });
}

async function read(id: string, as: Person = operator) {
  return (await call(`GET /v1/waitlist/${id}`, { as })).json;
}

it('offers what becomes free to the first in line, whose hold takes it, across an eviction', async () => {
  const slotId = await makeSlot(48);
  const [ann, bob, cyd] = [await makePerson(), await makePerson(), await makePerson()];
  const held = await hold(slotId, ann);
  const first = await wait(slotId, bob);
  expect([first.status, first.json]).toMatchObject([
    201,
    { slotId, quantity: 1, position: 1, status: 'waiting' },
  ]);
  const second = await wait(slotId, cyd, { quantity: 1 });
  expect(second.json.position).toBe(2);
  const given = await call(`DELETE /v1/holds/${held.json.id}`, { as: ann });
  expect(given.status).toBe(204);
  await evictDurableObject(shop.stub);
  const offered = await read(first.json.id, bob);
  expect(offered).toMatchObject({ status: 'offered', position: null });
  expect(Date.parse(offered.offer.expiresAt)).toBeGreaterThan(Date.now() + 14 * 60_000);
  expect((await call(`GET /v1/slots/${slotId}`)).json).toMatchObject({
    status: 'held',
    remaining: 0,
  });
  const line = await call(`GET /v1/slots/${slotId}/waitlist?limit=1`, { as: operator });
  expect(line.json.data.map((entry: { id: string }) => entry.id)).toEqual([first.json.id]);
  const rest = `GET /v1/slots/${slotId}/waitlist?limit=1&cursor=${line.json.nextCursor}`;
  const next = await call(rest, { as: operator });
  expect(next.json).toMatchObject({ data: [{ id: second.json.id }], nextCursor: null });
  expect((await hold(slotId, cyd)).json.code).toBe('slot_unavailable');
  expect((await hold(slotId, bob)).status).toBe(201);
  expect((await read(first.json.id)).status).toBe('taken');
});

it('passes a declined offer on, and knows nothing of it for anybody else', async () => {
  const slotId = await makeSlot(50);
  const [ann, bob, cyd] = [await makePerson(), await makePerson(), await makePerson()];
  const held = await hold(slotId, ann);
  const [first, second] = [await wait(slotId, bob), await wait(slotId, cyd)];
  await call(`DELETE /v1/holds/${held.json.id}`, { as: ann });
  const path = `/v1/waitlist/${first.json.id}`;
  for (const method of ['GET', 'DELETE'])
    expect((await call(`${method} ${path}`, { as: cyd })).status).toBe(404);
  expect((await call(`GET ${path}`)).status).toBe(401);
  for (const _ of [1, 2]) expect((await call(`DELETE ${path}`, { as: bob })).status).toBe(204);
  expect((await read(first.json.id)).status).toBe('left');
  expect((await read(second.json.id)).status).toBe('offered');
  expect((await call(`GET /v1/slots/${slotId}/waitlist`, { as: bob })).status).toBe(404);
});

it('lets nobody wait for what is free, or for more than is sold, or with fields that do not exist', async () => {
  const slotId = await makeSlot(52);
  const ann = await makePerson();
  expect((await wait(slotId, ann)).json).toMatchObject({ status: 409, code: 'invalid_transition' });
  expect((await wait(slotId, ann, { quantity: 9 })).json.code).toBe('quantity_limit_exceeded');
  expect((await wait(slotId, ann, { seat: 1 })).json.code).toBe('validation_failed');
  expect((await call(`POST /v1/slots/${slotId}/waitlist`, { body: {} })).status).toBe(401);
});

it('makes one offer of one court, however many wait and however many ask at the moment it is given back', async () => {
  const slotId = await makeSlot(54);
  const ann = await makePerson();
  const held = await hold(slotId, ann);
  const waiting = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const person = await makePerson();
      return { person, id: (await wait(slotId, person)).json.id as string };
    }),
  );
  const crowd = await Promise.all(Array.from({ length: 8 }, () => makePerson()));
  const [, ...answers] = await Promise.all([
    call(`DELETE /v1/holds/${held.json.id}`, { as: ann }),
    ...crowd.map((person, index) => hold(slotId, person, `crowd-${index}`)),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(crowd.map(() => 409));
  const states = await Promise.all(waiting.map(async ({ id }) => (await read(id)).status));
  expect(states.filter((status) => status === 'offered')).toHaveLength(1);
  expect(states.filter((status) => status === 'waiting')).toHaveLength(7);
});
