/**
 * A provider of the whole platform sells by rules: three courts for a week, made once, edited while somebody holds, and a day
 * kept from sale; over a `kill -9` of the runtime all of it stands.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PlatformProcess, rowsOf, textOf } from './support/platform-process.ts';

const WEEK = { from: '2027-03-22', to: '2027-03-29' };

let platform: PlatformProcess;
let token: string;
let customer: string;

beforeAll(async () => {
  platform = await PlatformProcess.start();
  token = await platform.logIn('provider@example.test');
  customer = await platform.logIn('customer@example.test');
}, 120_000);

afterAll(async () => {
  await platform.killAll();
  await platform.stop();
});

async function make(path: string, body: object): Promise<string> {
  const answer = await platform.call('POST', path, { token, body });
  expect(answer.status, JSON.stringify(answer.json)).toBe(201);
  return textOf(answer.json, 'id');
}

async function slotsOf(serviceId: string) {
  return rowsOf(await platform.call('GET', `/v1/services/${serviceId}/slots?limit=500`));
}

it('makes slots of rules, leaves what is sold when a rule changes, and keeps a day from sale', async () => {
  const zone = { timeZone: 'Europe/Paris' };
  const providerId = await make('/v1/providers', { name: 'Club', currency: 'eur', ...zone });
  const venueId = await make('/v1/venues', { providerId, name: 'Hall', ...zone });
  const resourceIds: string[] = [];
  for (const name of ['Court 1', 'Court 2', 'Court 3'])
    resourceIds.push(await make('/v1/resources', { venueId, name, kind: 'court' }));
  const serviceId = await make('/v1/services', {
    venueId,
    name: 'An hour of tennis',
    category: 'sport',
    durationMinutes: 60,
    price: { amount: 0, currency: 'eur' },
    resourceIds,
  });
  const ruleId = await make(`/v1/services/${serviceId}/availability-rules`, {
    rrule: 'FREQ=DAILY',
    startTime: '09:00',
    endTime: '12:00',
    validFrom: '2027-01-01',
  });
  const generate = () =>
    platform.call('POST', `/v1/services/${serviceId}/slots/generate`, { token, body: WEEK });
  expect((await generate()).json).toMatchObject({ created: 21, skipped: 0 });
  expect((await generate()).json).toMatchObject({ created: 0, skipped: 21 });

  const [first] = await slotsOf(serviceId);
  const slotId = textOf(first, 'id');
  const held = await platform.call('POST', '/v1/holds', {
    token: customer,
    body: { slotIds: [slotId] },
  });
  expect(held.status).toBe(201);

  const edit = { token, body: { startTime: '10:00' } };
  const look = await platform.call('PATCH', `/v1/availability-rules/${ruleId}?dryRun=true`, edit);
  const expected = { created: 0, removed: 6, kept: [{ slotId, reason: 'held' }] };
  expect(look.json).toMatchObject({ ...expected, dryRun: true });
  expect(await slotsOf(serviceId)).toHaveLength(21);
  await platform.crashRuntime();
  const done = await platform.call('PATCH', `/v1/availability-rules/${ruleId}`, edit);
  expect(done.json).toMatchObject({ ...expected, dryRun: false });
  expect(await slotsOf(serviceId)).toHaveLength(15);

  const day = { from: '2027-03-22T00:00:00Z', to: '2027-03-23T00:00:00Z', reason: 'tournament' };
  for (const resourceId of resourceIds) {
    const path = `/v1/resources/${resourceId}/blocks`;
    const blocked = await platform.call('POST', path, { token, body: day });
    expect(blocked.status).toBe(200);
  }
  await platform.crashRuntime();
  const monday = (await slotsOf(serviceId)).slice(0, 3);
  expect(monday.map((slot) => slot['status'])).toEqual(['held', 'blocked', 'blocked']);
  const refused = await platform.call('POST', '/v1/holds', {
    token: customer,
    body: { slotIds: [textOf(monday[1], 'id')] },
  });
  expect(refused.status).toBe(409);
  expect(refused.json).toMatchObject({ code: 'slot_unavailable' });
});
