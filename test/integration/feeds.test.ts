/** Private calendar feeds over HTTP: what they show, that their address is all one needs, and that it can be taken back. */
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ProjectionBatch } from '../../src/contracts/shard-streams.ts';
import { BookingRepository } from '../../src/storage/d1/booking-repository.ts';
import { FeedRepository } from '../../src/storage/d1/feed-repository.ts';
import { call, makePerson, settled, type Answer, type Person } from '../support/api.ts';
import { makeBookingProjection } from '../support/cards.ts';
import { services } from '../support/http.ts';
import { faultsOf, statementsOf } from '../support/query-plan.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.parse('2026-11-21T09:00:00Z');

let owner: Person;
let customer: Person;
let resourceId: string;
let providerId: string;
let slotIds: string[];

beforeAll(async () => {
  customer = await makePerson();
  const founder = await makePerson();
  const provider = { name: 'Club', currency: 'usd', timeZone: 'UTC' };
  providerId = await create(founder, '/v1/providers', provider);
  owner = {
    id: founder.id,
    token: await services.tokens.issue({ id: founder.id, roles: ['provider'] }),
  };
  const venueId = await create(owner, '/v1/venues', { providerId, name: 'Hall', timeZone: 'UTC' });
  resourceId = await create(owner, '/v1/resources', { venueId, name: 'Court', kind: 'court' });
  const serviceId = await create(owner, '/v1/services', {
    venueId,
    name: 'Padel',
    category: 'sport',
    resourceIds: [resourceId],
    durationMinutes: 60,
    price: { amount: 0, currency: 'usd' },
  });
  const startMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 48 * HOUR_MS;
  const slots = [0, 1, 2].map((n) => ({
    startAt: new Date(startMs + n * HOUR_MS).toISOString(),
    endAt: new Date(startMs + (n + 1) * HOUR_MS).toISOString(),
  }));
  const made = await call(`POST /v1/services/${serviceId}/slots`, { as: owner, body: { slots } });
  slotIds = made.json.data.map(({ id }: { id: string }) => id);
});

afterAll(settled);

async function create(as: Person, path: string, body: unknown): Promise<string> {
  const made = await call(`POST ${path}`, { as, body });
  expect(made.status).toBe(201);
  return made.json.id;
}

async function makeFeed(as: Person, body?: unknown): Promise<{ id: string; path: string }> {
  const made = await call('POST /v1/feeds', { as, ...(body === undefined ? {} : { body }) });
  expect(made.status).toBe(201);
  return { id: made.json.id, path: new URL(made.json.url).pathname };
}

/** Names of the entries of a feed, with their status. */
function entriesOf({ text }: Answer): string[] {
  return [...text.matchAll(/UID:(.*?)@[\s\S]*?STATUS:(\w+)/g)].map(
    ([, uid, status]) => `${uid} ${status}`,
  );
}

describe('a feed', () => {
  it('shows its owner every slot of every booking, and says what was called off', async () => {
    const { path } = await makeFeed(customer);
    const booked = await call('POST /v1/bookings', {
      as: customer,
      key: 'two',
      body: { slotIds: slotIds.slice(0, 2) },
    });
    const { id } = booked.json;
    await vi.waitFor(async () => {
      expect(entriesOf(await call(`GET ${path}`))).toEqual([
        `${id}-1 CONFIRMED`,
        `${id}-2 CONFIRMED`,
      ]);
    });
    const read = await call(`GET ${path}`);
    expect(read.headers.get('Content-Type')).toBe('text/calendar; charset=utf-8');
    expect(read.text).toContain('SUMMARY:Padel');
    expect(read.text).toContain('LOCATION:Hall');
    expect(read.text).not.toContain(customer.id);
    const headers = { 'If-None-Match': read.headers.get('ETag') ?? '' };
    expect((await call(`GET ${path}`, { headers })).status).toBe(304);

    await call(`POST /v1/bookings/${id}/cancel`, { as: customer, key: 'off' });
    await vi.waitFor(async () => {
      expect(entriesOf(await call(`GET ${path}`, { headers }))).toEqual([
        `${id}-1 CANCELLED`,
        `${id}-2 CANCELLED`,
      ]);
    });
  });

  it('of a resource shows what it is booked for, to its owner alone, for as long as they own it', async () => {
    const { path } = await makeFeed(owner, { resourceId });
    const guest = await makePerson();
    const wish = { as: guest, key: 'one', body: { slotIds: [slotIds[2]] } };
    const { id } = (await call('POST /v1/bookings', wish)).json;
    await vi.waitFor(async () => {
      expect(entriesOf(await call(`GET ${path}`))).toContain(`${id}-1 CONFIRMED`);
    });
    const stranger = await call('POST /v1/feeds', { as: guest, body: { resourceId } });
    expect(stranger.json.code).toBe('not_found');

    const taken = env.DB.prepare('DELETE FROM provider_member WHERE provider_id = ?1 RETURNING *');
    const { results } = await taken.bind(providerId).all<{ user_id: string; role: string }>();
    expect(results).toHaveLength(1);
    expect((await call(`GET ${path}`)).status).toBe(404);
  });

  it('ends when it is revoked, by its owner alone, and is listed until then', async () => {
    const person = await makePerson();
    const { id, path } = await makeFeed(person);
    const other = await makePerson();
    expect((await call(`POST /v1/feeds/${id}/revoke`, { as: other })).status).toBe(404);
    const ids = async () =>
      (await call('GET /v1/feeds', { as: person })).json.data.map(
        (feed: { id: string }) => feed.id,
      );
    expect(await ids()).toEqual([id]);
    expect((await call(`GET ${path}`)).status).toBe(200);
    expect((await call(`POST /v1/feeds/${id}/revoke`, { as: person })).status).toBe(204);
    expect((await call(`GET ${path}`)).status).toBe(404);
    expect((await call(`POST /v1/feeds/${id}/revoke`, { as: person })).status).toBe(404);
    expect(await ids()).toEqual([]);
  });

  it('is found by its whole address and by nothing like it, and its token is kept nowhere', async () => {
    const { path } = await makeFeed(await makePerson());
    const token = path.slice('/v1/feeds/'.length, -'.ics'.length);
    expect(token).toMatch(/^g[0-9a-z]{32}$/);
    for (const like of [
      token,
      `${token}.ICS`,
      `${token.slice(0, -1)}.ics`,
      `e${token.slice(1)}.ics`,
    ])
      expect((await call(`GET /v1/feeds/${like}`)).status).toBe(404);
    const { results } = await env.DB.prepare('SELECT * FROM feed').all();
    expect(JSON.stringify(results)).not.toContain(token);
  });

  it('is one of twenty at most', async () => {
    const person = await makePerson();
    for (let n = 0; n < 20; n += 1) await makeFeed(person);
    expect((await call('POST /v1/feeds', { as: person })).json.code).toBe('validation_failed');
  });
});

describe('the slots of a booking', () => {
  const batch = (version: number, label: string): ProjectionBatch => ({
    shardKey: 'gfeed0000',
    throughSeq: version,
    headSeq: version,
    bookings: [makeBookingProjection({ id: 'bkg_feed', customerId: 'usr_feed', version })],
    bookingSlots: [
      {
        bookingId: 'bkg_feed',
        version,
        changedAtMs: NOW,
        slots: ['res_a', 'res_b'].map((resource) => ({
          place: 0,
          resourceId: resource,
          label,
          startAtMs: NOW,
          endAtMs: NOW + HOUR_MS,
        })),
      },
    ],
    services: [],
    resources: [],
  });
  const window = { fromMs: 0, toMs: NOW * 2, limit: 10 };

  it('are those of its newest version, whatever order the batches come in, one entry for all its resources', async () => {
    const bookings = new BookingRepository(env.DB);
    const feeds = new FeedRepository(env.DB);
    await bookings.apply(batch(2, 'new'), NOW);
    await bookings.apply(batch(1, 'old'), NOW);
    await bookings.apply(batch(2, 'new'), NOW);
    const mine = await feeds.ofCustomer('usr_feed', window);
    expect(mine.map(({ label, version }) => [label, version])).toEqual([['new', 2]]);
    expect(await feeds.ofResource('res_b', window)).toHaveLength(1);
    const { bookingSlots: _, ...older } = batch(3, 'untold');
    await bookings.apply(older, NOW);
    expect((await feeds.ofCustomer('usr_feed', window)).map(({ label }) => label)).toEqual(['new']);
  });

  it('are found by an index', async () => {
    const asked = await statementsOf(FeedRepository, async (feeds) => {
      const feed = { ownerId: 'usr_1', resourceId: null, providerId: null, createdAtMs: NOW };
      await feeds.insert({ id: 'fed_1', tokenHash: 'h', ...feed }, 20);
      await feeds.byTokenHash('h');
      await feeds.ofOwner('usr_1');
      await feeds.revoke('fed_1', 'usr_1', NOW);
      await feeds.ofCustomer('usr_1', window);
      await feeds.ofResource('res_1', window);
    });
    expect(await faultsOf(asked)).toEqual([]);
  });
});
