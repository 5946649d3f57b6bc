/**
 * The catalogue over HTTP: what a provider writes is at once what anybody reads, nobody else can touch it, a repeated call
 * has one effect, and what is off sale cannot be found.
 */
import { env } from 'cloudflare:workers';
import { afterAll, describe, expect, it } from 'vitest';
import { advanceProjection } from '../../src/queues/projections.ts';
import { projectionDeps } from '../../src/queues/stream-deps.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, settled } from '../support/api.ts';
import { openShop, SERVICE, slotAt } from '../support/http-shop.ts';

afterAll(settled, 15_000);

describe('opening a shop', () => {
  it('makes whoever asks a provider, whose role shows at the next login', async () => {
    const account = { email: 'owner@example.test', password: 'a long enough password' };
    const registered = await call('POST /v1/auth/register', { body: account });
    expect(registered.status, registered.text).toBe(201);
    const owner = { id: registered.json.user.id, token: registered.json.accessToken };
    const body = { name: 'Club', currency: 'gbp', timeZone: 'Europe/London', commissionBps: 750 };
    const created = await call('POST /v1/providers', {
      as: owner,
      body: { ...body, region: 'weur' },
    });
    expect(created.json).toMatchObject({
      name: 'Club',
      currency: 'gbp',
      timeZone: 'Europe/London',
      region: 'weur',
      dataRegion: 'global',
      commissionBps: 750,
      active: true,
    });
    const loggedIn = await call('POST /v1/auth/login', { body: account });
    expect(loggedIn.json.user.roles).toContain('provider');
    const read = await call(`GET /v1/providers/${created.json.id}`);
    expect(read.json).toEqual(created.json);
  });

  it("gives a service the defaults of the contract, and its venue's zone", async () => {
    const shop = await openShop();
    const read = await call(`GET /v1/services/${shop.serviceId}`);
    expect(read.status).toBe(200);
    expect(read.json).toEqual({
      ...SERVICE,
      id: shop.serviceId,
      providerId: shop.providerId,
      venueId: shop.venueId,
      description: null,
      subcategory: null,
      tags: [],
      active: true,
      resourceIds: [shop.resourceId],
      allocation: 'any',
      timeZone: 'Europe/Paris',
      bufferBeforeMinutes: 0,
      bufferAfterMinutes: 0,
      minimumNoticeMinutes: 0,
      bookingWindowDays: 365,
      holdTtlSeconds: 300,
      access: 'open',
      planIds: [],
      maxQuantity: 1,
      maxPerCustomer: null,
      maxPerCustomerPerDay: null,
      saleStartsAt: null,
      requirements: null,
      minimumDurationMinutes: null,
      maximumDurationMinutes: null,
      priceType: 'fixed',
      requiresApproval: false,
      pledge: null,
      noShowFee: null,
      tax: null,
      cancellationPolicy: [{ hoursBefore: 0, refundPercent: 100 }],
      version: 1,
    });
    const resource = await call(`GET /v1/resources/${shop.resourceId}`);
    expect(resource.json).toMatchObject({ capacity: 1, units: null, active: true, version: 1 });
  });

  it('takes named units, and a resource without a venue', async () => {
    const shop = await openShop();
    const body = { providerId: shop.providerId, name: 'Row A', kind: 'seats', units: ['A1', 'A2'] };
    const created = await call('POST /v1/resources', { as: shop.owner, body });
    expect(created.json).toMatchObject({ venueId: null, capacity: 2, units: ['A1', 'A2'] });
  });

  it('keeps what belongs to the EU in the EU', async () => {
    const shop = await openShop({ provider: { dataRegion: 'eu' }, service: { name: 'EU padel' } });
    expect(shop.providerId).toMatch(/^prv_e/);
    expect(shop.serviceId).toMatch(/^svc_e/);
    const count = 'SELECT count(*) AS rows FROM service WHERE provider_id = ?1';
    const inEu = await env.DB_EU.prepare(count).bind(shop.providerId).first('rows');
    const outside = await env.DB.prepare(count).bind(shop.providerId).first('rows');
    expect([inEu, outside]).toEqual([1, 0]);
    const found = await call('GET /v1/services?query=eu%20padel');
    expect(found.json.data.map((service: { id: string }) => service.id)).toEqual([shop.serviceId]);
  });
});

describe('idempotency', () => {
  it('creates once and answers the same, and refuses another request under the key', async () => {
    const owner = await makePerson();
    const body = { name: 'Once', currency: 'usd', timeZone: 'UTC' };
    const first = await call('POST /v1/providers', { as: owner, body, key: 'k-1' });
    const again = await call('POST /v1/providers', { as: owner, body, key: '"k-1"' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.text).toBe(first.text);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    const other = await call('POST /v1/providers', {
      as: owner,
      body: { ...body, name: 'Twice' },
      key: 'k-1',
    });
    expect([other.status, other.json.code]).toEqual([422, 'idempotency_key_reused']);
  });

  it('names the same objects when a call that died is repeated', async () => {
    const owner = await makePerson();
    const body = { name: 'Resumed', currency: 'usd', timeZone: 'UTC' };
    const first = await call('POST /v1/providers', { as: owner, body, key: 'k-2' });
    // As if the Worker had died before the answer was recorded.
    const { results } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%call%'",
    ).all<{ name: string }>();
    for (const { name } of results) await env.DB.prepare(`DELETE FROM "${name}"`).run();
    const again = await call('POST /v1/providers', { as: owner, body, key: 'k-2' });
    expect(again.text).toBe(first.text);
    const shards = await env.DB.prepare('SELECT count(*) AS rows FROM shard WHERE provider_id = ?1')
      .bind(first.json.id)
      .first('rows');
    expect(shards).toBe(1);
  });
});

describe('whose it is', () => {
  it("answers 404 for what is somebody else's, whatever is tried", async () => {
    const shop = await openShop();
    const stranger = await makePerson(['customer', 'provider']);
    const tries: [string, unknown][] = [
      [`PATCH /v1/providers/${shop.providerId}`, { name: 'Mine' }],
      [`DELETE /v1/providers/${shop.providerId}`, undefined],
      [`PATCH /v1/venues/${shop.venueId}`, { name: 'Mine' }],
      [`DELETE /v1/venues/${shop.venueId}`, undefined],
      [`PATCH /v1/resources/${shop.resourceId}`, { name: 'Mine' }],
      [`DELETE /v1/resources/${shop.resourceId}`, undefined],
      [`PATCH /v1/services/${shop.serviceId}`, { name: 'Mine' }],
      [`DELETE /v1/services/${shop.serviceId}`, undefined],
      ['POST /v1/venues', { providerId: shop.providerId, name: 'Mine', timeZone: 'UTC' }],
      ['POST /v1/resources', { venueId: shop.venueId, name: 'Mine', kind: 'court' }],
      ['POST /v1/services', { ...SERVICE, venueId: shop.venueId, resourceIds: [shop.resourceId] }],
      [
        `POST /v1/services/${shop.serviceId}/slots`,
        { slots: [{ startAt: '2027-01-01T09:00:00Z', endAt: '2027-01-01T10:00:00Z' }] },
      ],
      [`GET /v1/bookings?providerId=${shop.providerId}`, undefined],
      [`GET /v1/bookings?venueId=${shop.venueId}`, undefined],
    ];
    for (const [route, body] of tries) {
      const answer = await call(route, { as: stranger, body });
      expect([route, answer.status, answer.json?.code]).toEqual([route, 404, 'not_found']);
      const anonymous = await call(route, { body });
      expect([route, anonymous.status]).toEqual([route, 401]);
    }
    const service = await call(`GET /v1/services/${shop.serviceId}`);
    expect(service.json.version).toBe(1);
  });

  it('answers 404 for ids that nobody made', async () => {
    const shop = await openShop();
    const forged = shop.serviceId.replace(/.$/, (end) => (end === '0' ? '1' : '0'));
    const routes = [
      `GET /v1/services/${forged}`,
      `GET /v1/services/${forged}/slots`,
      'GET /v1/services/nonsense',
      `GET /v1/providers/${shop.venueId}`,
      `GET /v1/venues/${shop.providerId}`,
      'GET /v1/slots/slt_0',
      'GET /v1/resources/res_%00',
    ];
    for (const route of routes) {
      const answer = await call(route);
      expect([route, answer.status]).toEqual([route, 404]);
    }
  });

  it('lets an operator manage any provider', async () => {
    const shop = await openShop();
    const operator = await makePerson(['operator']);
    const body = { name: 'Renamed' };
    const answer = await call(`PATCH /v1/venues/${shop.venueId}`, { as: operator, body });
    expect([answer.status, answer.json.name]).toEqual([200, 'Renamed']);
  });
});

describe('what a service refuses', () => {
  it('resources of several shards, of nobody, of somebody else; unknown plans; another currency', async () => {
    const shop = await openShop();
    const other = await openShop();
    const base = { ...SERVICE, venueId: shop.venueId, resourceIds: [shop.resourceId] };
    const forged = shop.resourceId.replace(/.$/, (end) => (end === '0' ? '1' : '0'));
    const unknown = servicesOf(env).ids.mintInShard('res', shop.resourceId.slice(4, 13));
    const cases: [object, string, string | undefined][] = [
      [{ resourceIds: [shop.resourceId, other.resourceId] }, 'slots_span_shards', undefined],
      [{ resourceIds: [shop.resourceId, forged] }, 'validation_failed', '/resourceIds/1'],
      [{ resourceIds: [other.resourceId] }, 'validation_failed', '/resourceIds/0'],
      [{ resourceIds: [unknown] }, 'validation_failed', '/resourceIds'],
      [{ planIds: ['pln_none'] }, 'validation_failed', '/planIds/0'],
      [{ price: { amount: 1, currency: 'eur' } }, 'validation_failed', '/price/currency'],
      [{ noShowFee: { amount: 1, currency: 'eur' } }, 'validation_failed', '/noShowFee/currency'],
      [{ colour: 'red' }, 'validation_failed', '/colour'],
    ];
    for (const [overrides, code, pointer] of cases) {
      const answer = await call('POST /v1/services', {
        as: shop.owner,
        body: { ...base, ...overrides },
      });
      expect([answer.status, answer.json.code]).toEqual([422, code]);
      expect(answer.json.errors?.[0]?.pointer).toBe(pointer);
    }
  });
});

describe('changing', () => {
  it('a service in its shard, where anybody reads it at once', async () => {
    const shop = await openShop();
    const body = { name: 'Two hours', price: { amount: 4_000, currency: 'usd' }, tags: ['long'] };
    const changed = await call(`PATCH /v1/services/${shop.serviceId}`, { as: shop.owner, body });
    expect(changed.json).toMatchObject({ ...body, version: 2, saleStartsAt: null });
    const read = await call(`GET /v1/services/${shop.serviceId}`);
    expect(read.json).toEqual(changed.json);
    const found = await call(`GET /v1/services?tag=long&providerId=${shop.providerId}`);
    expect(found.json.data).toEqual([{ ...changed.json, nextFreeSlot: null }]);
    const euros = { price: { amount: 1, currency: 'eur' } };
    const refused = await call(`PATCH /v1/services/${shop.serviceId}`, {
      as: shop.owner,
      body: euros,
    });
    expect([refused.status, refused.json.code]).toEqual([422, 'validation_failed']);
  });

  it('takes a venue off sale with its services, again and again', async () => {
    const shop = await openShop({ service: { tags: ['venue-off'] } });
    for (const _ of ['once', 'again']) {
      const gone = await call(`DELETE /v1/venues/${shop.venueId}`, { as: shop.owner });
      expect([gone.status, gone.text]).toEqual([204, '']);
    }
    expect((await call(`GET /v1/services/${shop.serviceId}`)).json.active).toBe(false);
    expect((await call(`GET /v1/venues/${shop.venueId}`)).json.active).toBe(false);
    expect((await call('GET /v1/services?tag=venue-off')).json.data).toEqual([]);
    const body = { venueId: shop.venueId, name: 'Court 2', kind: 'court' };
    const late = await call('POST /v1/resources', { as: shop.owner, body });
    expect([late.status, late.json.code]).toEqual([409, 'invalid_transition']);
  });

  it('takes a provider off sale with everything', async () => {
    const shop = await openShop({ service: { tags: ['provider-off'] } });
    const gone = await call(`DELETE /v1/providers/${shop.providerId}`, { as: shop.owner });
    expect(gone.status).toBe(204);
    expect((await call(`GET /v1/services/${shop.serviceId}`)).json.active).toBe(false);
    expect((await call(`GET /v1/venues/${shop.venueId}`)).json.active).toBe(false);
    expect((await call(`GET /v1/providers/${shop.providerId}`)).json.active).toBe(false);
  });
});

describe('slots', () => {
  it('are published once, read by anybody, page by page', async () => {
    const shop = await openShop();
    const path = `/v1/services/${shop.serviceId}/slots`;
    const body = { slots: Array.from({ length: 25 }, (_, index) => slotAt(index + 1)) };
    const created = await call(`POST ${path}`, { as: shop.owner, body, key: 'slots-1' });
    expect(created.status, created.text).toBe(201);
    expect(created.json.data).toHaveLength(25);
    const again = await call(`POST ${path}`, { as: shop.owner, body, key: 'slots-1' });
    expect([again.text, again.headers.get('Idempotent-Replayed')]).toEqual([created.text, 'true']);
    const seen: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const from = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await call(`GET ${path}?limit=10&from=2027-01-01T00:00:00Z${from}`);
      seen.push(...page.json.data);
      cursor = page.json.nextCursor as string | null;
    }
    expect(seen).toEqual(created.json.data);
    const one = await call(`GET /v1/slots/${created.json.data[3].id}`);
    expect(one.json).toEqual(created.json.data[3]);
    expect(one.json).toMatchObject({ localStart: '2027-01-04T10:00:00', timeZone: 'Europe/Paris' });
  });

  it('carry a hash of the answer, so that an unchanged one costs nothing', async () => {
    const shop = await openShop();
    const path = `/v1/services/${shop.serviceId}/slots`;
    await call(`POST ${path}`, { as: shop.owner, body: { slots: [slotAt(1)] } });
    const list = `GET ${path}?from=2027-01-01T00:00:00Z`;
    const first = await call(list);
    const etag = first.headers.get('ETag') ?? '';
    expect(first.headers.get('Cache-Control')).toBe('public, max-age=1');
    for (const header of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const known = await call(list, { headers: { 'If-None-Match': header } });
      expect([header, known.status, known.text]).toEqual([header, 304, '']);
      expect(known.headers.get('ETag')).toBe(etag);
    }
    await call(`POST ${path}`, { as: shop.owner, body: { slots: [slotAt(2)] } });
    const changed = await call(list, { headers: { 'If-None-Match': etag } });
    expect([changed.status, changed.json.data.length]).toEqual([200, 2]);
  });

  it('refuse a cursor of another list', async () => {
    const shop = await openShop();
    const answer = await call(`GET /v1/services/${shop.serviceId}/slots?cursor=abc`);
    expect([answer.status, answer.json.code]).toEqual([422, 'validation_failed']);
  });
});

describe('search', () => {
  it('merges the regions, newest first, and pages without a gap', async () => {
    const tag = 'merged';
    for (const dataRegion of ['global', 'eu', 'global', 'eu', 'global']) {
      await openShop({ provider: { dataRegion }, service: { tags: [tag] } });
    }
    const all = await call(`GET /v1/services?tag=${tag}`);
    expect(all.json.data).toHaveLength(5);
    const paged: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await call(
        `GET /v1/services?tag=${tag}&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      paged.push(...page.json.data);
      cursor = page.json.nextCursor as string | null;
    }
    expect(paged).toEqual(all.json.data);
  });

  it('finds what only the shard told of', async () => {
    const shop = await openShop({ service: { tags: ['told'] } });
    // As if the Worker had died between the shard and D1.
    await env.DB.prepare('DELETE FROM service WHERE id = ?1').bind(shop.serviceId).run();
    await env.DB.prepare('DELETE FROM service_tag WHERE service_id = ?1')
      .bind(shop.serviceId)
      .run();
    const shardKey = shop.serviceId.slice(4, 13);
    await env.DB.prepare('DELETE FROM projection_stream WHERE shard_key = ?1').bind(shardKey).run();
    await advanceProjection(projectionDeps(servicesOf(env)), shardKey);
    expect((await call('GET /v1/services?tag=told')).json.data).toHaveLength(1);
  });
});
