/** A booking's papers over HTTP: who may have them, with which link, and a door that lets each booking in once. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, makePerson, settled, type Person } from '../support/api.ts';
import { services } from '../support/http.ts';

const HOUR_MS = 3_600_000;

let owner: Person;
let customer: Person;
let booking: { id: string; code: string; calendar: { icsUrl: string; events: unknown[] } };
let slotId: string;

beforeAll(async () => {
  customer = await makePerson();
  const founder = await makePerson();
  const provider = { name: 'Club', currency: 'usd', timeZone: 'UTC' };
  const providerId = await create(founder, '/v1/providers', provider);
  owner = {
    id: founder.id,
    token: await services.tokens.issue({ id: founder.id, roles: ['provider'] }),
  };
  const place = { name: 'Hall, west', timeZone: 'UTC', latitude: 52.5, longitude: 13.4 };
  const venueId = await create(owner, '/v1/venues', { providerId, ...place });
  const serviceId = await create(owner, '/v1/services', {
    venueId,
    name: 'Padel',
    category: 'sport',
    resourceIds: [await create(owner, '/v1/resources', { venueId, name: 'Court', kind: 'court' })],
    durationMinutes: 60,
    price: { amount: 0, currency: 'usd' },
  });
  const startMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS;
  const slot = {
    startAt: new Date(startMs).toISOString(),
    endAt: new Date(startMs + HOUR_MS).toISOString(),
  };
  const path = `POST /v1/services/${serviceId}/slots`;
  const made = await call(path, { as: owner, body: { slots: [slot] } });
  slotId = made.json.data[0].id;
  const booked = await call('POST /v1/bookings', {
    as: customer,
    key: 'booked',
    body: { slotIds: [slotId] },
  });
  expect(booked.status).toBe(201);
  booking = booked.json;
});

afterAll(settled);

async function create(as: Person, path: string, body: unknown): Promise<string> {
  const made = await call(`POST ${path}`, { as, body });
  expect(made.status).toBe(201);
  return made.json.id;
}

it('gives a calendar to whoever may read the booking, and to its secret link, with a tag', async () => {
  const path = `/v1/bookings/${booking.id}/calendar.ics`;
  const read = await call(`GET ${path}`, { as: customer });
  expect(read.headers.get('Content-Type')).toBe('text/calendar; charset=utf-8');
  expect(read.headers.get('Content-Disposition')).toContain(`${booking.code}.ics`);
  expect(read.text).toContain('LOCATION:Hall\\, west');
  expect(read.text).toContain('GEO:52.5;13.4');
  const { pathname, search } = new URL(booking.calendar.icsUrl);
  const linked = await call(`GET ${pathname}${search}`);
  expect(linked.text).toBe(read.text);
  const headers = { 'If-None-Match': read.headers.get('ETag') ?? '' };
  expect((await call(`GET ${pathname}${search}`, { headers })).status).toBe(304);

  expect((await call(`GET ${path}`)).status).toBe(401);
  expect((await call(`GET ${path}?token=guess`)).status).toBe(404);
  expect((await call(`GET ${path}`, { as: await makePerson() })).status).toBe(404);
});

it('puts each slot into the calendars that have a form for it', async () => {
  expect(booking.calendar.events).toEqual([
    {
      slotId,
      googleUrl: expect.stringMatching(
        /^https:\/\/calendar\.google\.com\/.*&text=Padel&dates=\d{8}T\d{6}Z\/\d{8}T\d{6}Z&details=/,
      ),
      outlookUrl: expect.stringMatching(/^https:\/\/outlook\.live\.com\/.*&subject=Padel&startdt=/),
    },
  ]);
});

it('gives a ticket whose code lets the booking in once', async () => {
  const path = `/v1/bookings/${booking.id}/ticket`;
  const given = await call(`GET ${path}`, { as: customer });
  expect(given.json).toMatchObject({ bookingId: booking.id, code: booking.code });
  const { pathname, search } = new URL(given.json.svgUrl);
  const picture = await call(`GET ${pathname}${search}`);
  expect(picture.headers.get('Content-Type')).toBe('image/svg+xml');
  expect(picture.text).toMatch(/^<svg [^>]*viewBox="0 0 (\d+) \1"/);
  expect((await call(`GET ${path}`, { as: await makePerson() })).status).toBe(404);

  const door = `POST /v1/bookings/${booking.id}/check-in`;
  const shown = { ticket: given.json.token };
  const forged = { ticket: `${given.json.token.slice(0, -4)}AAAA` };
  const refused = await call(door, { as: owner, key: 'forged', body: forged });
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, '/ticket']);
  const first = await call(door, { as: owner, key: 'first', body: shown });
  expect([first.status, first.json.status]).toEqual([200, 'in_progress']);
  expect((await call(door, { as: owner, key: 'first', body: shown })).status).toBe(200);
  expect((await call(door, { as: owner, key: 'second', body: shown })).json.code).toBe(
    'invalid_transition',
  );
});

it('gives no ticket to a booking that was called off, and says so in its calendar', async () => {
  const cancelled = await call(`POST /v1/bookings/${booking.id}/cancel`, { as: owner, key: 'off' });
  expect(cancelled.json.status).toBe('cancelled');
  const ticket = await call(`GET /v1/bookings/${booking.id}/ticket`, { as: customer });
  expect([ticket.status, ticket.json.code]).toEqual([409, 'invalid_transition']);
  const calendar = await call(`GET /v1/bookings/${booking.id}/calendar.ics`, { as: customer });
  expect(calendar.text).toContain('METHOD:CANCEL');
  expect(calendar.text).toContain('STATUS:CANCELLED');
});

it('tags a slot, so that asking again costs a change only, and never shows an old one', async () => {
  const read = await call(`GET /v1/slots/${slotId}`);
  expect(read.headers.get('Cache-Control')).toBe('public, no-cache');
  const headers = { 'If-None-Match': read.headers.get('ETag') ?? '' };
  expect((await call(`GET /v1/slots/${slotId}`, { headers })).status).toBe(304);
  const held = { as: customer, key: 'again', body: { slotIds: [slotId] } };
  expect((await call('POST /v1/holds', held)).status).toBe(201);
  expect((await call(`GET /v1/slots/${slotId}`, { headers })).status).toBe(200);
});
