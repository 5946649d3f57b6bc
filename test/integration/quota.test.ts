/**
 * One member's limit over several inventories at once, over HTTP: it is never exceeded, whoever asks where, and what is
 * given back is there for the very next hold.
 */
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Features } from '../../src/domain/subscription/plan.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, shardsSettled, type Answer, type Person } from '../support/api.ts';
import { provisionShop } from '../support/shard-shop.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SHARDS = Array.from({ length: 8 }, (_, index) => `gqqqqqq0${index}`);
const SLOTS_PER_SHARD = 30;
const LIMIT = 5;

/** Slots by shard; no two of a shard overlap. */
const slots: string[][] = [];

beforeAll(async () => {
  for (const shardKey of SHARDS) {
    const shop = await provisionShop(shardKey);
    const starts = Array.from({ length: SLOTS_PER_SHARD }, (_, index) => ({
      startsInMs: (48 + index) * HOUR_MS,
    }));
    slots.push(await shop.createSlots(starts));
  }
});

afterAll(() => shardsSettled(SHARDS), 30_000);

/** The n-th slot, shard after shard in turn. */
function slotAt(index: number): string {
  const slotId = slots[index % SHARDS.length]?.[Math.floor(index / SHARDS.length)];
  if (slotId === undefined) throw new Error(`there is no slot ${index}`);
  return slotId;
}

async function makeMember(features: Features): Promise<Person> {
  const person = await makePerson();
  const nowMs = Date.now();
  await servicesOf(env)
    .objects.member(person.id)
    .putEntitlements({
      memberId: person.id,
      subscriptionId: `sub_${person.id}`,
      group: 'membership',
      planId: 'pln_a',
      planName: 'A',
      features: { 'access.members': true, ...features },
      currency: 'usd',
      periodStartMs: nowMs - DAY_MS,
      periodEndMs: nowMs + 30 * DAY_MS,
      validUntilMs: nowMs + 37 * DAY_MS,
      version: nowMs,
    });
  return person;
}

function hold(as: Person, slotId: string, key: string): Promise<Answer> {
  return call('POST /v1/holds', { as, key, body: { slotIds: [slotId] } });
}

function codesOf(answers: readonly Answer[]): string[] {
  return [...new Set(answers.map(({ status, json }) => `${status} ${json.code ?? ''}`.trim()))];
}

it('lets a member hold as often as the plan allows, however many ask in how many places at once', async () => {
  const member = await makeMember({ 'bookings.perPeriod': LIMIT });
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => hold(member, slotAt(index), `k${index}`)),
  );
  const held = answers.filter(({ status }) => status === 201);
  expect(held).toHaveLength(LIMIT);
  expect(codesOf(answers).toSorted()).toEqual(['201', '403 quota_exhausted']);

  const [first] = held;
  expect((await call(`DELETE /v1/holds/${first?.json.id}`, { as: member })).status).toBe(204);
  const again = await Promise.all(
    Array.from({ length: 8 }, (_, index) => hold(member, slotAt(200 + index), `again${index}`)),
  );
  expect(again.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(codesOf(again).toSorted()).toEqual(['201', '403 quota_exhausted']);
});

it('counts a call once, however often it is repeated, and a key once in each place', async () => {
  const member = await makeMember({ 'bookings.perPeriod': 2 });
  const repeats = await Promise.all(
    Array.from({ length: 20 }, () => hold(member, slotAt(208), 'same')),
  );
  const ids = new Set(repeats.map(({ json }) => json.id));
  expect([codesOf(repeats), ids.size]).toEqual([['201'], 1]);
  expect((await hold(member, slotAt(209), 'same')).status).toBe(201);
  expect((await hold(member, slotAt(210), 'same')).json.code).toBe('quota_exhausted');
});

it('gives a booking back when it is cancelled, before the cancellation is answered', async () => {
  const member = await makeMember({ 'bookings.perPeriod': 1 });
  const body = { slotIds: [slotAt(211)] };
  const booked = await call('POST /v1/bookings', { as: member, key: 'b1', body });
  expect(booked.json.status).toBe('confirmed');
  expect((await hold(member, slotAt(212), 'h1')).json.code).toBe('quota_exhausted');
  const path = `POST /v1/bookings/${booked.json.id}/cancel`;
  expect((await call(path, { as: member, key: 'c1', body: {} })).status).toBe(200);
  expect((await hold(member, slotAt(212), 'h2')).status).toBe(201);
});

it('gives a refused call back at once', async () => {
  const member = await makeMember({ 'bookings.perPeriod': 1 });
  const other = await makePerson();
  expect((await hold(other, slotAt(213), 'theirs')).status).toBe(201);
  expect((await hold(member, slotAt(213), 'k1')).json.code).toBe('slot_unavailable');
  expect((await hold(member, slotAt(214), 'k2')).status).toBe(201);
});

it('tells the member what became of every grant, until nothing is left to tell', async () => {
  const member = await makeMember({ 'bookings.perPeriod': 9, 'bookings.included': 1 });
  const { objects } = servicesOf(env);
  const body = { slotIds: [slotAt(215)] };
  expect((await call('POST /v1/bookings', { as: member, key: 'b1', body })).status).toBe(201);
  await expect
    .poll(() => objects.shard(SHARDS[215 % SHARDS.length] ?? '').readQuotaNotices(10), {
      timeout: 10_000,
    })
    .toEqual([]);
  const { memberships } = await objects.member(member.id).usage();
  // The slot costs nothing, so the plan has paid for none.
  expect(memberships[0]?.used).toEqual({ 'bookings.perPeriod': 1, 'bookings.included': 0 });
});
