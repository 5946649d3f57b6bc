/**
 * A provider is set up by one call on the whole platform, with an account at the processor, and the same call again over a
 * `kill -9` of the runtime is the same provider; while somebody has booked it cannot be undone, and then it can.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PlatformProcess, rowsOf, textOf, type JsonObject } from './support/platform-process.ts';

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

const CLUB = {
  provider: { name: 'Riverside', currency: 'gbp', timeZone: 'Europe/London' },
  staff: ['customer@example.test'],
  venue: { name: 'Hall', timeZone: 'Europe/London' },
  shards: [{ ref: 'east', name: 'East wing' }],
  resources: [{ ref: 'court', shard: 'east', name: 'Court', kind: 'court' }],
  services: [
    {
      ref: 'tennis',
      name: 'Tennis',
      category: 'sport',
      durationMinutes: 60,
      price: { amount: 0, currency: 'gbp' },
      resources: ['court'],
      availabilityRules: [
        { rrule: 'FREQ=DAILY', startTime: '09:00', endTime: '12:00', validFrom: '2027-01-01' },
      ],
    },
  ],
  payoutAccount: {},
};

function firstOf(answer: JsonObject, list: string): JsonObject {
  const rows = answer[list] as readonly JsonObject[];
  return rows[0] ?? {};
}

it('is one provider however often it is asked for, and goes when nobody has anything of it', async () => {
  const provision = () =>
    platform.call('POST', '/v1/provisioning', { token, body: CLUB, key: 'riverside' });
  const [once, twice] = await Promise.all([provision(), provision()]);
  const statuses = [once.status, twice.status].toSorted((a, b) => a - b);
  expect(statuses[0]).toBe(201);
  await platform.crashRuntime();
  const { status, json } = await provision();
  expect(status, JSON.stringify(json)).toBe(201);
  expect(json).toMatchObject({ status: 'done', payoutRefusal: null });
  expect(textOf(json['payoutAccount'] as JsonObject, 'url')).toMatch(/^http/);
  for (const first of [once, twice].filter((answer) => answer.status === 201))
    expect(first.json).toEqual(json);

  const serviceId = textOf(firstOf(json, 'services'), 'id');
  const path = `/v1/services/${serviceId}/slots`;
  const week = { from: '2027-03-22', to: '2027-03-29' };
  const made = await platform.call('POST', `${path}/generate`, { token: customer, body: week });
  expect(made.json).toMatchObject({ created: 21 });
  const [slot] = rowsOf(await platform.call('GET', `${path}?from=2027-03-22T00:00:00Z`));
  const slotIds = [textOf(slot, 'id')];
  const booked = await platform.call('POST', '/v1/bookings', {
    token: customer,
    body: { slotIds },
  });
  expect(booked.status, JSON.stringify(booked.json)).toBe(201);

  const undo = () =>
    platform.call('POST', `/v1/provisioning/${textOf(json, 'id')}/undo`, { token });
  const refused = await undo();
  expect(refused.status).toBe(409);
  expect(refused.json).toMatchObject({ code: 'slot_booked', liveBookings: 1 });
  const cancel = `/v1/bookings/${textOf(booked.json, 'id')}/cancel`;
  expect((await platform.call('POST', cancel, { token, body: {} })).status).toBe(200);
  expect((await undo()).json).toMatchObject({ status: 'undone' });
  await platform.crashRuntime();
  expect((await undo()).json).toMatchObject({ status: 'undone' });
  const service = await platform.call('GET', `/v1/services/${serviceId}`);
  expect(service.json).toMatchObject({ active: false });
});
