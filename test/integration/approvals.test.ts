/** A provider who approves over HTTP, in the runtime that ships: many yeses at the same moment, and a table of visits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, makePerson, shardsSettled, type Answer, type Person } from '../support/api.ts';
import { provisionShop } from '../support/shard-shop.ts';

const HOUR_MS = 3_600_000;
const SHARD = 'gyesyes00';
const ASKING = 10;

let shop: Awaited<ReturnType<typeof provisionShop>>;
let operator: Person;

beforeAll(async () => {
  shop = await provisionShop(SHARD, { requiresApproval: true });
  operator = await makePerson(['operator']);
});

afterAll(() => shardsSettled([SHARD]), 30_000);

async function makeSlot(inHours: number): Promise<string> {
  const [id = ''] = await shop.createSlots([{ startsInMs: inHours * HOUR_MS }]);
  return id;
}

let keys = 0;

function post(path: string, as: Person, body: unknown = {}): Promise<Answer> {
  keys += 1;
  return call(`POST ${path}`, { as, body, key: `k${keys}` });
}

async function request(slotId: string): Promise<{ person: Person; id: string }> {
  const person = await makePerson();
  const asked = await post('/v1/bookings', person, { slotIds: [slotId] });
  expect([asked.status, asked.json.status]).toEqual([201, 'awaiting_approval']);
  return { person, id: asked.json.id };
}

async function statusOf(id: string): Promise<string> {
  return (await call(`GET /v1/bookings/${id}`, { as: operator })).json.status;
}

describe('requests for one slot', () => {
  it('are all waiting at once, and one of them gets it when all are approved at the same moment', async () => {
    const slotId = await makeSlot(48);
    const ids = await Promise.all(Array.from({ length: ASKING }, () => request(slotId)));
    const answers = await Promise.all(
      ids.map(({ id }) => post(`/v1/bookings/${id}/approve`, operator)),
    );
    const won = answers.filter(({ status }) => status === 200);
    const lost = answers.filter(({ status }) => status === 409);
    expect([won.length, lost.length]).toEqual([1, ASKING - 1]);
    expect(won[0]?.json.status).toBe('confirmed');
    expect(new Set(lost.map(({ json }) => json.code))).toEqual(new Set(['slot_unavailable']));
    expect(lost[0]?.json.conflicts).toEqual([slotId]);
    const statuses = await Promise.all(ids.map(({ id }) => statusOf(id)));
    expect(statuses.toSorted()).toEqual([
      ...Array.from({ length: ASKING - 1 }, () => 'cancelled'),
      'confirmed',
    ]);
    expect((await call(`GET /v1/slots/${slotId}`)).json.status).toBe('booked');
  }, 30_000);
});

describe('a request', () => {
  it('says until when it waits, and ends with a reason when it is declined', async () => {
    const { person, id } = await request(await makeSlot(50));
    const read = await call(`GET /v1/bookings/${id}`, { as: person });
    expect(Date.parse(read.json.approveBy)).toBeGreaterThan(Date.now());
    const reason = 'the hall is being painted';
    const declined = await post(`/v1/bookings/${id}/decline`, operator, { reason });
    expect([declined.status, declined.json.status]).toEqual([200, 'cancelled']);
    const history = await call(`GET /v1/bookings/${id}/history`, { as: person });
    expect(history.json.data.at(-1)).toMatchObject({ to: 'cancelled', reason });
    expect((await post(`/v1/bookings/${id}/approve`, operator)).json.code).toBe(
      'invalid_transition',
    );
  });

  it('is decided by its seller, with a reason for a no and no price for a yes', async () => {
    const { person, id } = await request(await makeSlot(52));
    const stranger = await makePerson();
    const price = { amount: 100, currency: 'usd' };
    for (const [path, as, body, status, code] of [
      ['approve', person, {}, 403, 'role_required'],
      ['approve', stranger, {}, 404, 'not_found'],
      ['decline', stranger, { reason: 'no' }, 404, 'not_found'],
      ['decline', operator, {}, 422, 'validation_failed'],
      ['approve', operator, { price }, 422, 'validation_failed'],
      ['check-in', operator, {}, 409, 'invalid_transition'],
      ['complete', operator, {}, 409, 'invalid_transition'],
      ['no-show', operator, {}, 409, 'invalid_transition'],
    ] as const) {
      const answer = await post(`/v1/bookings/${id}/${path}`, as, body);
      expect([path, answer.status, answer.json.code]).toEqual([path, status, code]);
    }
    expect(await statusOf(id)).toBe('awaiting_approval');
  });
});

describe('a visit', () => {
  it('is checked in and completed by the seller, each of them once', async () => {
    const { id } = await request(await makeSlot(54));
    expect((await post(`/v1/bookings/${id}/approve`, operator)).status).toBe(200);
    expect((await post(`/v1/bookings/${id}/no-show`, operator)).json.code).toBe(
      'invalid_transition',
    );
    const came = await post(`/v1/bookings/${id}/check-in`, operator);
    expect([came.status, came.json.status]).toEqual([200, 'in_progress']);
    expect((await post(`/v1/bookings/${id}/check-in`, operator)).status).toBe(409);
    const done = await post(`/v1/bookings/${id}/complete`, operator);
    expect([done.status, done.json.status]).toEqual([200, 'completed']);
    expect((await post(`/v1/bookings/${id}/complete`, operator)).status).toBe(409);
  });
});
