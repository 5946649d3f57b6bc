/**
 * Guests over HTTP: a session and its draft, what its token opens and what it does not, registering with everything that
 * was booked, and the page behind a manage link. Nobody learns anything of anybody else.
 */
import { env } from 'cloudflare:workers';
import { createExecutionContext } from 'cloudflare:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { call, makePerson, settled, type Answer, type Person } from '../support/api.ts';
import { openShop, slotAt } from '../support/http-shop.ts';
import { ORIGIN, services } from '../support/http.ts';
import { createApp } from '../../src/worker/app.ts';

const FREE = { price: { amount: 0, currency: 'usd' } };
const PASSWORD = 'correct horse battery';
const CONTACT = { email: 'eve@example.test', name: 'Eve', phone: '+44 20 7946 0000' };
const DAY_SECONDS = 86_400;

let slots: string[];
let closedSlot: string;
let next = 0;
let keys = 0;

const freshSlot = (): string => slots[next++] ?? '';
const freshKey = (): string => `guest-key-${(keys += 1)}`;
const freshEmail = (): string => `guest${(keys += 1)}@example.test`;

beforeAll(async () => {
  const { owner, serviceId, venueId, resourceId } = await openShop({ service: FREE });
  slots = await sell(owner, serviceId, 20);
  const { json } = await call('POST /v1/services', {
    as: owner,
    body: {
      ...FREE,
      venueId,
      name: 'For members',
      category: 'sport',
      durationMinutes: 60,
      resourceIds: [resourceId],
      access: 'subscribers',
    },
  });
  closedSlot = (await sell(owner, json.id as string, 1))[0] ?? '';
});

afterAll(settled, 20_000);

async function sell(owner: Person, serviceId: string, count: number): Promise<string[]> {
  const body = { slots: Array.from({ length: count }, (_, index) => slotAt(index + 1)) };
  const made = await call(`POST /v1/services/${serviceId}/slots`, { as: owner, body });
  expect(made.status, made.text).toBe(201);
  return (made.json.data as { id: string }[]).map(({ id }) => id);
}

async function beginSession(fields: object = {}): Promise<Person> {
  const { status, json } = await call('POST /v1/guest-sessions', {
    body: { ...CONTACT, ...fields },
  });
  expect(status).toBe(201);
  return json as Person;
}

async function book(as: Person, slotId = freshSlot()): Promise<Answer['json']> {
  const answer = await call('POST /v1/bookings', {
    as,
    key: freshKey(),
    body: { slotIds: [slotId] },
  });
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
}

/** Registers, with a guest's token or without; answers the person, or the refusal. */
async function register(as: Person | null, fields: object = {}): Promise<Answer> {
  const body = { email: freshEmail(), password: PASSWORD, ...fields };
  return call('POST /v1/auth/register', { as, body });
}

/** Posts a form without following where it sends the browser. */
function fetchManually(path: string): Promise<Response> {
  const request = new Request(`${ORIGIN}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  return Promise.resolve(createApp().fetch(request, env, createExecutionContext()));
}

/** A draft of so many bytes of JSON. */
const draftOf = (bytes: number) => ({ draft: { a: 'x'.repeat(bytes - '{"a":""}'.length) } });

const pathOf = (url: string): string => new URL(url).pathname;

const personOf = ({ json }: Answer): Person => ({
  id: json.user.id as string,
  token: json.accessToken as string,
});

const idsOf = (list: Answer): string[] => (list.json.data as { id: string }[]).map(({ id }) => id);

describe('a guest session', () => {
  it('is a token that lives a day, and the contact in the database of its region', async () => {
    const answer = await call('POST /v1/guest-sessions', {
      body: { ...CONTACT, dataRegion: 'eu' },
    });
    const { id, token, expiresAt } = answer.json as Record<'id' | 'token' | 'expiresAt', string>;
    expect(id).toMatch(/^gst_e/);
    expect(decodeProtectedHeader(token).typ).toBe('gst+jwt');
    const { sub, iat = 0, exp = 0, aud } = decodeJwt(token);
    expect({ sub, aud, seconds: exp - iat }).toEqual({
      sub: id,
      aud: 'holdfast-guest',
      seconds: DAY_SECONDS,
    });
    expect(Math.floor(Date.parse(expiresAt) / 1_000)).toBe(exp);
    const row = await services.databases.forRegion('eu').guests.byId(id);
    expect(row).toMatchObject(CONTACT);
    expect(await services.databases.forRegion('global').guests.byId(id)).toBeNull();
  });

  it('keeps a draft, gives it back, and forgets it', async () => {
    const guest = await beginSession();
    const path = `/v1/guest-sessions/${guest.id}`;
    const draft = { step: 2, slotIds: ['slt_x'], note: { text: 'naïve' } };
    const kept = await call(`PATCH ${path}`, { as: guest, body: { draft } });
    expect(kept.json).toEqual({ id: guest.id, ...CONTACT, draft, expiresAt: expect.any(String) });
    expect((await call(`GET ${path}`, { as: guest })).json.draft).toEqual(draft);
    expect(
      (await call(`PATCH ${path}`, { as: guest, body: { draft: null } })).json.draft,
    ).toBeNull();
  });

  it('takes a draft of 16 KiB and not a byte more', async () => {
    const guest = await beginSession();
    const path = `PATCH /v1/guest-sessions/${guest.id}`;
    expect((await call(path, { as: guest, body: draftOf(16_384) })).status).toBe(200);
    const refused = await call(path, { as: guest, body: draftOf(16_385) });
    expect(refused.status).toBe(422);
    expect(refused.json.errors[0].pointer).toBe('/draft');
  });

  it('of somebody else does not exist', async () => {
    const [eve, mallory] = [await beginSession(), await beginSession()];
    for (const as of [mallory, await makePerson(), await makePerson(['operator'])]) {
      expect((await call(`GET /v1/guest-sessions/${eve.id}`, { as })).status).toBe(404);
      const body = { draft: { mine: true } };
      expect((await call(`PATCH /v1/guest-sessions/${eve.id}`, { as, body })).status).toBe(404);
    }
  });

  it('is over after a day', async () => {
    const yesterday = services.clock.nowMs() - (DAY_SECONDS + 1) * 1_000;
    const id = services.ids.mintInRegion('gst', 'global');
    const token = await services.tokens.issueGuest(id, yesterday);
    const answer = await call(`GET /v1/guest-sessions/${id}`, { as: { id, token } });
    expect(answer.json.code).toBe('unauthenticated');
  });

  it.each([
    [{ email: 'nobody' }, '/email'],
    [{ name: '' }, '/name'],
    [{ phone: 'call me' }, '/phone'],
    [{ role: 'operator' }, '/role'],
  ])('is refused with %j', async (fields, pointer) => {
    const { status, json } = await call('POST /v1/guest-sessions', {
      body: { ...CONTACT, ...fields },
    });
    expect(status).toBe(422);
    expect(json.errors[0].pointer).toBe(pointer);
  });
});

describe('a guest', () => {
  it('holds, books, reads and cancels, and lists nothing but their own', async () => {
    const [eve, other] = [await beginSession(), await beginSession()];
    const held = await call('POST /v1/holds', {
      as: eve,
      key: freshKey(),
      body: { slotIds: [freshSlot()] },
    });
    expect(held.status, held.text).toBe(201);
    const booked = await call('POST /v1/bookings', {
      as: eve,
      key: freshKey(),
      body: { holdId: held.json.id },
    });
    expect(booked.json.status).toBe('confirmed');
    const path = `/v1/bookings/${booked.json.id}`;
    expect((await call(`GET ${path}`, { as: other })).status).toBe(404);
    expect((await call(`POST ${path}/cancel`, { as: other, key: freshKey() })).status).toBe(404);
    await settled();
    expect(idsOf(await call('GET /v1/bookings', { as: eve }))).toEqual([booked.json.id]);
    expect(idsOf(await call('GET /v1/bookings', { as: other }))).toEqual([]);
    const cancelled = await call(`POST ${path}/cancel`, { as: eve, key: freshKey() });
    expect(cancelled.json.status).toBe('cancelled');
  });

  it('is told that a service is for subscribers', async () => {
    const as = await beginSession();
    const body = { slotIds: [closedSlot] };
    const refused = await call('POST /v1/holds', { as, key: freshKey(), body });
    expect(refused.json.code).toBe('subscription_required');
  });

  it.each([
    ['POST /v1/providers', { name: 'Mine', currency: 'usd', timeZone: 'UTC' }],
    ['GET /v1/me', undefined],
    ['GET /v1/subscriptions/current', undefined],
    ['GET /v1/payment-methods', undefined],
    ['GET /v1/ops/money', undefined],
  ])('has no account, and so no %s', async (route, body) => {
    const refused = await call(route, { as: await beginSession(), body, key: freshKey() });
    expect(refused.status, refused.text).toBe(403);
    expect(refused.json.code).toBe('role_required');
  });

  it('cannot make a token speak for an account, nor an account’s for a guest', async () => {
    const { ids, tokens, clock } = services;
    const user = ids.mintInRegion('usr', 'global');
    const asUser = { id: user, token: await tokens.issueGuest(user, clock.nowMs()) };
    expect((await call('GET /v1/bookings', { as: asUser })).status).toBe(401);
    const guest = ids.mintInRegion('gst', 'global');
    const token = await tokens.issue({ id: guest, roles: ['customer'] });
    expect((await call('GET /v1/bookings', { as: { id: guest, token } })).status).toBe(401);
  });

  it('is counted by address, as production is configured, since a new session costs nothing', async () => {
    const counted: string[] = [];
    const limit = async ({ key }: { key: string }) => {
      counted.push(key);
      return { success: true };
    };
    const { token } = await beginSession();
    const init = { headers: { Authorization: `Bearer ${token}`, 'CF-Connecting-IP': '192.0.2.9' } };
    const changes = { RATE_LIMITS: 'binding', RATE_LIMITER: { limit } };
    const request = new Request(`${ORIGIN}/v1/bookings`, init);
    await createApp().fetch(request, { ...env, ...changes }, createExecutionContext());
    expect(counted).toEqual(['ip:192.0.2.9']);
  });

  it('shares the holds of an address with every other guest there', async () => {
    const headers = { 'CF-Connecting-IP': '192.0.2.77' };
    const app = createApp();
    const hold = async (token: string, slotId: string): Promise<number> => {
      const request = new Request(`${ORIGIN}/v1/holds`, {
        method: 'POST',
        headers: {
          ...headers,
          Authorization: `Bearer ${token}`,
          'Idempotency-Key': freshKey(),
          'Content-Type': 'application/json',
        },
        body: JSON.stringify({ slotIds: [slotId] }),
      });
      const changed = { ...env, GUEST_HOLDS_PER_ADDRESS: '1' };
      return (await app.fetch(request, changed, createExecutionContext())).status;
    };
    expect(await hold((await beginSession()).token, freshSlot())).toBe(201);
    expect(await hold((await beginSession()).token, freshSlot())).toBe(429);
    expect(await hold((await makePerson()).token, freshSlot())).toBe(201);
  });
});

describe('registering as a guest', () => {
  it('brings the bookings along, at once and for every later log-in', async () => {
    const eve = await beginSession();
    const booking = await book(eve);
    const email = freshEmail();
    const person = personOf(await register(eve, { email }));
    await settled();
    const own = await book(person);
    await settled();
    // Newest first, whoever they were made as.
    expect(idsOf(await call('GET /v1/bookings', { as: person }))).toEqual([own.id, booking.id]);
    const logIn = await call('POST /v1/auth/login', { body: { email, password: PASSWORD } });
    const { refreshToken } = logIn.json as { refreshToken: string };
    const refreshed = await call('POST /v1/auth/refresh', { body: { refreshToken } });
    for (const as of [personOf(logIn), personOf(refreshed)]) {
      expect((await call(`GET /v1/bookings/${booking.id}`, { as })).status).toBe(200);
    }
    const feed = await call('POST /v1/feeds', { as: person, body: {} });
    const calendar = await call(`GET ${pathOf(feed.json.url as string)}`);
    for (const { id } of [own, booking] as { id: string }[]) expect(calendar.text).toContain(id);
    const path = `POST /v1/bookings/${booking.id}/cancel`;
    const cancelled = await call(path, { as: person, key: freshKey() });
    expect(cancelled.json.status).toBe('cancelled');
  });

  it('takes the name and the region of the session, and its draft', async () => {
    const eve = await beginSession({ dataRegion: 'eu' });
    const path = `/v1/guest-sessions/${eve.id}`;
    await call(`PATCH ${path}`, { as: eve, body: { draft: { step: 3 } } });
    const other = await register(eve, { dataRegion: 'global' });
    expect(other.json.errors[0].pointer).toBe('/dataRegion');
    const registered = await register(eve);
    expect(registered.json.user).toMatchObject({
      id: expect.stringMatching(/^usr_e/),
      name: 'Eve',
    });
    const as = personOf(registered);
    expect((await call(`GET ${path}`, { as })).json.draft).toEqual({ step: 3 });
    expect((await call(`GET ${path}`, { as: eve })).status).toBe(404);
  });

  it('works once: whoever has the token cannot take the bookings a second time', async () => {
    const eve = await beginSession();
    const booking = await book(eve);
    expect((await register(eve)).status).toBe(201);
    const again = await register(eve);
    expect(again.json.code).toBe('unauthenticated');
    const stranger = personOf(await register(null));
    expect((await call(`GET /v1/bookings/${booking.id}`, { as: stranger })).status).toBe(404);
  });

  it('gives them to one of several accounts that are made at once', async () => {
    const eve = await beginSession();
    const booking = await book(eve);
    const made = await Promise.all([register(eve), register(eve), register(eve)]);
    const seen = await Promise.all(
      made
        .filter(({ status }) => status === 201)
        .map((answer) => call(`GET /v1/bookings/${booking.id}`, { as: personOf(answer) })),
    );
    expect(seen.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('loses nothing when it dies before the guest is given to the account', async () => {
    const eve = await beginSession();
    const booking = await book(eve);
    const email = freshEmail();
    await register(eve, { email });
    // What is there when the process died after the account could be found.
    await env.DB.prepare('UPDATE guest_session SET user_id = NULL WHERE id = ?').bind(eve.id).run();
    const logIn = await call('POST /v1/auth/login', { body: { email, password: PASSWORD } });
    const seen = await call(`GET /v1/bookings/${booking.id}`, { as: personOf(logIn) });
    expect(seen.status).toBe(200);
  });

  it('leaves the guest as they were when the address is taken', async () => {
    const eve = await beginSession();
    const email = freshEmail();
    await register(null, { email });
    expect((await register(eve, { email })).json.code).toBe('email_taken');
    expect((await register(eve)).status).toBe(201);
  });

  it('means nothing with the token of an account', async () => {
    const person = await makePerson();
    const registered = await register(person);
    expect(registered.status).toBe(201);
    expect(decodeJwt(registered.json.accessToken as string)['guest']).toBeUndefined();
  });
});

describe('the page behind a manage link', () => {
  it('shows the booking to whoever has the link, and to no log, cache, frame or other site', async () => {
    const booking = await book(await beginSession());
    const page = await call(`GET ${pathOf(booking.manageUrl as string)}`);
    expect(page.text).toContain(booking.code);
    expect(page.headers.get('Referrer-Policy')).toBe('no-referrer');
    expect(page.headers.get('Cache-Control')).toBe('private, no-store');
    expect(page.headers.get('X-Robots-Tag')).toBe('noindex');
    const policy = page.headers.get('Content-Security-Policy');
    expect(policy).toContain("form-action 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(page.text).not.toContain('<script');
  });

  it('cancels by its form, once, and then shows that it is cancelled', async () => {
    const booking = await book(await beginSession());
    const path = pathOf(booking.manageUrl as string);
    const action = /action="([^"]+)"/.exec((await call(`GET ${path}`)).text)?.[1] ?? '';
    const logged = vi.spyOn(console, 'log');
    for (let time = 0; time < 2; time += 1) {
      const sent = await fetchManually(action);
      expect(sent.status).toBe(303);
      expect(sent.headers.get('Location')).toBe(path);
    }
    const page = await call(`GET ${path}`);
    expect(page.text).toContain('cancelled');
    expect(page.text).not.toContain('<form');
    const late = await fetchManually(action.replace(/form=.*/, 'form=another'));
    expect(late.status).toBe(409);
    expect(await late.text()).toContain('role="alert"');
    const token = path.split('.').at(-1) ?? '';
    expect(JSON.stringify(logged.mock.calls)).not.toContain(token);
    logged.mockRestore();
  });

  it('is dead once the link was replaced, and so is its form', async () => {
    const guest = await beginSession();
    const booking = await book(guest);
    const old = pathOf(booking.manageUrl as string);
    const rotated = await call(`POST /v1/bookings/${booking.id}/manage-link/rotate`, {
      as: guest,
      key: freshKey(),
    });
    expect(rotated.status, rotated.text).toBe(200);
    expect((await call(`GET ${old}`)).status).toBe(404);
    expect((await fetchManually(`${old}/cancel?form=a`)).status).toBe(404);
    expect((await call(`GET ${pathOf(rotated.json.manageUrl as string)}`)).status).toBe(200);
    const read = await call(`GET /v1/bookings/${booking.id}`, { as: guest });
    expect(read.json).toMatchObject({ status: 'confirmed', manageUrl: rotated.json.manageUrl });
  });

  it('does not cancel when it is only read, as mail scanners do', async () => {
    const guest = await beginSession();
    const booking = await book(guest);
    const path = pathOf(booking.manageUrl as string);
    expect((await call(`GET ${path}/cancel?form=a`)).status).toBe(405);
    const read = await call(`GET /v1/bookings/${booking.id}`, { as: guest });
    expect(read.json.status).toBe('confirmed');
  });
});
