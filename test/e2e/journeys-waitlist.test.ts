/** A class that is sold out, seen from outside: people wait, a paid place is cancelled, and the first in line buys it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api, card, expectProblem, type Person } from './support/shop.ts';

interface Entry {
  readonly id: string;
  readonly status: string;
  readonly position: number | null;
  readonly offer?: { readonly expiresAt: string };
}

let api: Api;
let ann: Person;
let bob: Person;
let cyd: Person;

beforeAll(async () => {
  api = await Api.start();
  ann = await api.register('ann');
  bob = await api.register('bob');
  cyd = await api.register('cyd');
}, 120_000);

afterAll(() => api.stop());

async function wait(as: Person, slotId: string): Promise<Entry> {
  const joined = await api.call<Entry>(`POST /v1/slots/${slotId}/waitlist`, { as, body: {} });
  expect(joined.status, joined.text).toBe(201);
  return joined.json;
}

async function read(as: Person, { id }: Entry): Promise<Entry> {
  return (await api.call<Entry>(`GET /v1/waitlist/${id}`, { as })).json;
}

it('sells a cancelled place to the first in line, across a crash, and to nobody who did not wait', async () => {
  const slotId = await api.makeSlot();
  const sold = await api.mustBook(ann, { slotIds: [slotId], payment: card() });
  expect(sold.status).toBe('confirmed');
  const first = await wait(bob, slotId);
  const second = await wait(cyd, slotId);
  expect([first.position, second.position]).toEqual([1, 2]);
  expect((await api.cancel(ann, sold)).json.status).toBe('refunded');
  await api.platform.crashRuntime();
  expect(await read(bob, first)).toMatchObject({ status: 'offered', position: null });
  expectProblem(await api.hold(cyd, { slotIds: [slotId] }), 409, 'slot_unavailable');
  const bought = await api.mustBook(bob, { slotIds: [slotId], payment: card() });
  expect(bought.status).toBe('confirmed');
  expect((await read(bob, first)).status).toBe('taken');
  expect(await read(cyd, second)).toMatchObject({ status: 'waiting', position: 1 });
});
