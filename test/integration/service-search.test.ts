/**
 * The search over services, over HTTP: by text with mistakes in it, by place, by what is free, page by page; what is off
 * sale is not found.
 */
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CardRepository } from '../../src/storage/d1/card-repository.ts';
import { ProviderRepository } from '../../src/storage/d1/provider-repository.ts';
import { ServiceSearchRepository } from '../../src/storage/d1/service-search-repository.ts';
import { VenueRepository } from '../../src/storage/d1/venue-repository.ts';
import { call, makePerson, settled } from '../support/api.ts';
import { makeServiceCard } from '../support/cards.ts';
import { create, openShop, slotAt, type Shop } from '../support/http-shop.ts';

interface Hit {
  readonly name: string;
  readonly nextFreeSlot: { readonly id: string; readonly startAt: string } | null;
  readonly distanceMetres?: number;
}

async function search(query: string): Promise<Hit[]> {
  const answer = await call(`GET /v1/services?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json.data as Hit[];
}

async function names(query: string): Promise<string[]> {
  return (await search(query)).map(({ name }) => name);
}

/** When each service with the tag is free next. */
async function nextFree(tag: string, range: string) {
  const hits = await search(`tag=${tag}${range}`);
  return hits.map(({ nextFreeSlot }) => nextFreeSlot?.startAt);
}

/** A service of its own venue, at a place. */
async function sellAt(name: string, latitude: number, longitude: number): Promise<void> {
  const owner = await makePerson();
  const providerId = await create('/v1/providers', owner, {
    name,
    currency: 'usd',
    timeZone: 'UTC',
  });
  const place = { providerId, name, timeZone: 'UTC', latitude, longitude };
  const venueId = await create('/v1/venues', owner, place);
  const resourceId = await create('/v1/resources', owner, { venueId, name, kind: 'court' });
  await create('/v1/services', owner, {
    venueId,
    resourceIds: [resourceId],
    name,
    category: 'sport',
    tags: ['placed'],
    durationMinutes: 60,
    price: { amount: 1_000, currency: 'usd' },
  });
}

afterAll(settled, 15_000);

describe('by text', () => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await openShop({
      service: { name: 'Padel doubles', description: 'Für Anfänger', category: 'Racket sport' },
    });
    const body = {
      venueId: shop.venueId,
      resourceIds: [shop.resourceId],
      durationMinutes: 60,
      price: { amount: 1_000, currency: 'usd' },
    };
    await create('/v1/services', shop.owner, { ...body, name: 'Tennis', category: 'Racket sport' });
    await create('/v1/services', shop.owner, { ...body, name: '瑜伽课', category: 'calm' });
  });

  it.each([
    ['padel', ['Padel doubles']],
    ['PADLE', ['Padel doubles']],
    ['pade', ['Padel doubles']],
    ['dubles padel', ['Padel doubles']],
    ['anfanger', ['Padel doubles']],
    ['tenis', ['Tennis']],
    ['瑜伽', ['瑜伽课']],
    ['padel chess', []],
    ['"padel" OR NEAR(', []],
    ['%', []],
    ['"', []],
  ])('%s finds %j', async (text, expected) => {
    const query = `query=${encodeURIComponent(text)}&providerId=${shop.providerId}`;
    expect(await names(query)).toEqual(expected);
  });

  it('finds by the name of the venue, also once it is renamed', async () => {
    const own = `providerId=${shop.providerId}`;
    const body = { name: 'Riverside' };
    await call(`PATCH /v1/venues/${shop.venueId}`, { as: shop.owner, body });
    expect(await names(`query=riverside&${own}`)).toHaveLength(3);
    expect(await names(`query=hall&${own}`)).toEqual([]);
  });

  it('follows a service that is renamed', async () => {
    const body = { name: 'Squash' };
    const changed = await call(`PATCH /v1/services/${shop.serviceId}`, { as: shop.owner, body });
    expect(changed.status).toBe(200);
    expect(await names(`query=squash&providerId=${shop.providerId}`)).toEqual(['Squash']);
    expect(await names(`query=padel&providerId=${shop.providerId}`)).toEqual([]);
  });

  it('puts what was typed rightly first, and pages without a gap', async () => {
    const one = await openShop({ service: { name: 'Archery', tags: ['bows'] } });
    const body = {
      venueId: one.venueId,
      resourceIds: [one.resourceId],
      durationMinutes: 60,
      category: 'sport',
      price: { amount: 1_000, currency: 'usd' },
    };
    for (const name of ['Archary', 'Archery course', 'Archerys'])
      await create('/v1/services', one.owner, { ...body, name });
    const query = `query=archery&providerId=${one.providerId}`;
    const all = await names(query);
    expect(all[3]).toBe('Archary');
    expect(new Set(all.slice(0, 2))).toEqual(new Set(['Archery', 'Archery course']));
    const paged: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const rest: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await call(`GET /v1/services?${query}&limit=1${rest}`);
      paged.push(...(page.json.data as Hit[]).map(({ name }) => name));
      cursor = page.json.nextCursor as string | null;
    }
    expect(paged).toEqual(all);
  });
});

describe('by place', () => {
  beforeAll(async () => {
    await sellAt('Greenwich', 51.477, 0);
    await sellAt('Paris', 48.8566, 2.3522);
    await sellAt('Westminster', 51.5007, -0.1246);
    await sellAt('Suva', -18.1416, 178.4419);
    await sellAt('Apia', -13.8333, -171.7667);
  });

  it('lists the nearest first, with how far it is, and nothing beyond the radius', async () => {
    const hits = await search('tag=placed&near=51.5,-0.12&radiusKm=100');
    expect(hits.map(({ name }) => name)).toEqual(['Westminster', 'Greenwich']);
    expect(hits[0]?.distanceMetres).toBeGreaterThan(300);
    expect(hits[0]?.distanceMetres).toBeLessThan(360);
    expect(await names('tag=placed&near=51.5,-0.12&radiusKm=400')).toEqual([
      'Westminster',
      'Greenwich',
      'Paris',
    ]);
  });

  it('goes the shorter way around the world', async () => {
    expect(await names('tag=placed&near=-18.1,-179.9&radiusKm=400')).toEqual(['Suva']);
  });

  it('keeps to the radius where text is asked for as well', async () => {
    expect(await names('query=paris&near=51.5,-0.12&radiusKm=100')).toEqual([]);
    expect(await names('query=pariz&near=48.8,2.3&radiusKm=100')).toEqual(['Paris']);
  });

  it.each(['near=91,0', 'near=1', 'near=a,b', 'radiusKm=5', 'near=1,1&radiusKm=0'])(
    'refuses %s',
    async (query) => {
      const answer = await call(`GET /v1/services?${query}`);
      expect([answer.status, answer.json.code]).toEqual([422, 'validation_failed']);
    },
  );
});

describe('by what is free', () => {
  it('finds only services with a free slot in the range, and says which is next', async () => {
    const shop = await openShop({ service: { tags: ['free-search'] } });
    const path = `/v1/services/${shop.serviceId}/slots`;
    const made = await call(`POST ${path}`, {
      as: shop.owner,
      body: { slots: [slotAt(5), slotAt(6)] },
    });
    const [first, second] = made.json.data as { id: string; startAt: string }[];
    expect(await nextFree('free-search', '')).toEqual([first?.startAt]);
    const customer = await makePerson();
    const body = { slotIds: [first?.id] };
    expect((await call('POST /v1/holds', { as: customer, body, key: 'h' })).status).toBe(201);
    expect(await nextFree('free-search', '')).toEqual([second?.startAt]);
    expect(
      await nextFree('free-search', '&from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z'),
    ).toEqual([]);
    expect(
      await nextFree('free-search', '&from=2027-01-05T00:00:00Z&to=2027-01-07T00:00:00Z'),
    ).toEqual([second?.startAt]);
    expect(await nextFree('free-search', '&from=2027-02-01T00:00:00Z')).toEqual([]);
    expect(await nextFree('free-search', '&quantity=2&from=2027-01-01T00:00:00Z')).toEqual([]);
  });

  it('goes on behind services that are full, until the page has what was asked for', async () => {
    const tag = 'page-search';
    const free: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const shop = await openShop({ service: { name: `Number ${n}`, tags: [tag] } });
      if (n % 2 === 1) continue;
      const body = { slots: [slotAt(7)] };
      await call(`POST /v1/services/${shop.serviceId}/slots`, { as: shop.owner, body });
      free.unshift(`Number ${n}`);
    }
    const range = 'from=2027-01-07T00:00:00Z&to=2027-01-08T00:00:00Z';
    expect(await names(`tag=${tag}&${range}`)).toEqual(free);
    const page = await call(`GET /v1/services?tag=${tag}&${range}&limit=1`);
    expect((page.json.data as Hit[]).map(({ name }) => name)).toEqual(free.slice(0, 1));
    const rest = await call(
      `GET /v1/services?tag=${tag}&${range}&limit=1&cursor=${page.json.nextCursor as string}`,
    );
    expect((rest.json.data as Hit[]).map(({ name }) => name)).toEqual(free.slice(1));
  });

  it.each([
    'from=2027-01-08T00:00:00Z&to=2027-01-07T00:00:00Z',
    'from=2027-01-08T00:00:00Z&to=2029-01-07T00:00:00Z',
  ])('refuses %s', async (query) => {
    const answer = await call(`GET /v1/services?${query}`);
    expect([answer.status, answer.json.errors[0].pointer]).toEqual([422, '/to']);
  });
});

describe('the store behind it', () => {
  const cards = new CardRepository(env.DB);
  const store = new ServiceSearchRepository(env.DB);
  const NOW = Date.parse('2026-11-21T09:00:00Z');
  const none = { category: null, tag: null, providerId: null, priceMinorMax: null, near: null };

  it('filters by category, tag, provider and price, newest first, and hides what is off sale', async () => {
    const shop = await openShop({ service: { active: false } });
    const home = { providerId: shop.providerId, venueId: shop.venueId };
    const make = (id: string, card: Partial<ReturnType<typeof makeServiceCard>>) =>
      makeServiceCard({ ...home, id, ...card });
    const yoga = make('svc_s_yoga', { category: 'wellness', tags: ['calm', 'mat'] });
    const padel = make('svc_s_padel', { price: { amount: 9_000, currency: 'usd' } });
    const calm = make('svc_s_calm', { tags: ['calm'] });
    for (const [index, card] of [yoga, padel, calm].entries())
      await cards.putServices([card], NOW + index);
    const { providerId } = home;
    const found = async (
      filter: Partial<typeof none>,
      after: { rank: number; id: string } | null,
    ) =>
      (await store.newest({ ...none, providerId, ...filter }, { after, limit: 9 })).map(
        ({ card }) => card.id,
      );
    expect(await found({}, null)).toEqual(['svc_s_calm', 'svc_s_padel', 'svc_s_yoga']);
    const inWellness = { category: 'wellness' } as object;
    expect(await found(inWellness, null)).toEqual(['svc_s_yoga']);
    expect(await found({ tag: 'calm' } as object, null)).toEqual(['svc_s_calm', 'svc_s_yoga']);
    expect(await found({ priceMinorMax: 2_500 } as object, null)).toEqual([
      'svc_s_calm',
      'svc_s_yoga',
    ]);
    const after = { rank: -(NOW + 1), id: 'svc_s_padel' };
    expect(await found({}, after)).toEqual(['svc_s_yoga']);
    const venues = new VenueRepository(env.DB);
    await venues.patch(home.venueId, { active: false });
    expect(await found({}, null)).toEqual([]);
    await venues.patch(home.venueId, { active: true });
    await new ProviderRepository(env.DB).patch(providerId, { active: false });
    expect(await found({}, null)).toEqual([]);
  });
});
