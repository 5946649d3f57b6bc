/**
 * The read model equals the shards once the queue has drained, whatever is delivered twice, late, out of order or at the
 * same time; and what it lists is complete, newest first, and only what was asked for.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { BookingListQuery } from '../../src/application/booking-list-ports.ts';
import type { BookingProjection, ProjectionBatch } from '../../src/contracts/shard-streams.ts';
import type { ServiceQuery } from '../../src/application/catalogue-ports.ts';
import { advanceProjection, type ProjectionDeps } from '../../src/queues/projections.ts';
import { BookingRepository } from '../../src/storage/d1/booking-repository.ts';
import { CardRepository } from '../../src/storage/d1/card-repository.ts';
import { ProviderRepository } from '../../src/storage/d1/provider-repository.ts';
import { VenueRepository } from '../../src/storage/d1/venue-repository.ts';
import { makeBookingProjection, makeResourceCard, makeServiceCard } from '../support/cards.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const repository = new BookingRepository(env.DB);
const cards = new CardRepository(env.DB);

/** A shard whose chain is a list of changed bookings; its answers are present truth, as a shard's are. */
function fakeShard(shardKey: string, changes: readonly BookingProjection[]) {
  const acknowledged: number[] = [];
  const deps: ProjectionDeps = {
    appliedSeq: (key) => repository.appliedSeq(key),
    readProjection: (_key, { afterSeq, limit }) => {
      const stretch = changes.slice(afterSeq, afterSeq + limit);
      const latest = new Map(changes.map((change) => [change.id, change]));
      const ids = new Set(stretch.map((change) => change.id));
      const batch: ProjectionBatch = {
        shardKey,
        throughSeq: afterSeq + stretch.length,
        headSeq: changes.length,
        bookings: [...ids].flatMap((id) => latest.get(id) ?? []),
        services: [],
        resources: [],
      };
      return Promise.resolve(batch);
    },
    apply: (batch) => repository.apply(batch, NOW),
    acknowledge: (_key, _stream, { seq }) => {
      acknowledged.push(seq);
      return Promise.resolve(changes.length);
    },
  };
  return { deps, acknowledged };
}

/** A life of bookings: each of them changes a few times, interleaved. */
function makeChanges(label: string, count: number): BookingProjection[] {
  const statuses = ['pending', 'confirming', 'confirmed', 'cancelled'];
  return Array.from({ length: count }, (_, index) => {
    const booking = index % Math.ceil(count / statuses.length);
    const version = Math.floor(index / Math.ceil(count / statuses.length)) + 1;
    return makeBookingProjection({
      id: `bkg_${label}_${String(booking).padStart(5, '0')}`,
      customerId: `usr_${label}`,
      providerId: `prv_${label}`,
      venueId: `ven_${label}_${booking % 2}`,
      status: statuses[version - 1] ?? 'pending',
      createdAtMs: NOW + (booking % 50),
      version,
    });
  });
}

async function listAll(query: Omit<BookingListQuery, 'after'>): Promise<BookingProjection[]> {
  const rows: BookingProjection[] = [];
  for (;;) {
    const after = rows.at(-1) ?? null;
    const page = await repository.list({ ...query, after });
    rows.push(...page);
    if (page.length < query.limit) return rows;
  }
}

function present(changes: readonly BookingProjection[]): BookingProjection[] {
  const latest = new Map(changes.map((change) => [change.id, change]));
  return [...latest.values()].toSorted(
    (a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1),
  );
}

/** What a shard tells of one booking, resource and service at a version. */
function makeBatch(version: number, throughSeq: number): ProjectionBatch {
  return {
    shardKey: 'gback0000',
    throughSeq,
    headSeq: 9,
    bookings: [makeBookingProjection({ id: 'bkg_back', customerId: 'usr_back', version })],
    resources: [makeResourceCard({ id: 'res_back', name: `Court v${version}`, version })],
    services: [makeServiceCard({ id: 'svc_back', tags: [`v${version}`], version })],
  };
}

/** A provider with one venue, both on sale. */
async function makeVenue(label: string): Promise<{ providerId: string; venueId: string }> {
  const providerId = `prv_${label}`;
  const venueId = `ven_${label}`;
  const base = { name: label, timeZone: 'Europe/London', commissionBps: null, active: true };
  await new ProviderRepository(env.DB).insert(
    {
      ...base,
      id: providerId,
      currency: 'usd',
      region: null,
      dataRegion: 'global',
      shardKey: `g${label}`,
      createdAtMs: NOW,
    },
    'usr_owner',
  );
  const place = { address: null, latitude: null, longitude: null, tax: null };
  await new VenueRepository(env.DB).insert({
    ...base,
    ...place,
    id: venueId,
    providerId,
    createdAtMs: NOW,
  });
  return { providerId, venueId };
}

describe('following a shard', () => {
  it('equals the shard after one message, and again after a redelivery', async () => {
    const changes = makeChanges('drain', 1_640);
    const shard = fakeShard('gdrain000', changes);
    expect(await advanceProjection(shard.deps, 'gdrain000')).toEqual({
      appliedSeq: 1_640,
      isAtHead: true,
    });
    await advanceProjection(shard.deps, 'gdrain000');
    expect(shard.acknowledged).toEqual([500, 1_000, 1_500, 1_640, 1_640]);
    const owner = { kind: 'customer', id: 'usr_drain' } as const;
    expect(await listAll({ owner, status: null, limit: 60 })).toEqual(present(changes));
  });

  it('equals the shard after several consumers ran at once', async () => {
    const changes = makeChanges('race', 1_200);
    const shard = fakeShard('grace0000', changes);
    await Promise.all(Array.from({ length: 6 }, () => advanceProjection(shard.deps, 'grace0000')));
    const owner = { kind: 'provider', id: 'prv_race' } as const;
    expect(await listAll({ owner, status: null, limit: 500 })).toEqual(present(changes));
    expect(await repository.appliedSeq('grace0000')).toBe(1_200);
  });

  it('never takes a booking, a card or a cursor back in time', async () => {
    await repository.apply(makeBatch(3, 9), NOW);
    await repository.apply(makeBatch(2, 5), NOW);
    const owner = { kind: 'customer', id: 'usr_back' } as const;
    const [row] = await repository.list({ owner, status: null, after: null, limit: 5 });
    expect(row?.version).toBe(3);
    expect(await repository.appliedSeq('gback0000')).toBe(9);
    const stored = await env.DB.prepare("SELECT name FROM resource WHERE id = 'res_back'").all();
    expect(stored.results).toEqual([{ name: 'Court v3' }]);
    const tags = await env.DB.prepare(
      "SELECT tag FROM service_tag WHERE service_id = 'svc_back'",
    ).all();
    expect(tags.results).toEqual([{ tag: 'v3' }]);
  });

  it('takes cards far beyond one parameter of D1', async () => {
    const units = Array.from({ length: 5_000 }, (_, index) => `seat "${index}" of the great hall`);
    const resources = Array.from({ length: 40 }, (_, index) =>
      makeResourceCard({ id: `res_big_${index}`, providerId: 'prv_big', units, capacity: 5_000 }),
    );
    await cards.putResources(resources);
    const count = await env.DB.prepare(
      "SELECT count(*) AS rows, sum(length(card)) AS size FROM resource WHERE provider_id = 'prv_big'",
    ).first<{ rows: number; size: number }>();
    expect(count?.rows).toBe(40);
    expect(count?.size).toBe(resources.reduce((sum, card) => sum + JSON.stringify(card).length, 0));
  });
});

describe('listing bookings', () => {
  it('keeps to the venue and the status', async () => {
    const changes = makeChanges('list', 400);
    await advanceProjection(fakeShard('glist0000', changes).deps, 'glist0000');
    const owner = { kind: 'venue', id: 'ven_list_1' } as const;
    const cancelled = await listAll({ owner, status: 'cancelled', limit: 9 });
    const expected = present(changes).filter((row) => row.venueId === 'ven_list_1');
    expect(cancelled).toEqual(expected.filter((row) => row.status === 'cancelled'));
    expect(await listAll({ owner, status: 'confirmed', limit: 9 })).toEqual([]);
  });
});

describe('searching services', () => {
  const everything: ServiceQuery = {
    text: null,
    category: null,
    tag: null,
    providerId: null,
    priceMinorMax: null,
    after: null,
    limit: 100,
  };

  async function found(query: Partial<ServiceQuery>): Promise<string[]> {
    const rows = await cards.search({ ...everything, ...query });
    return rows.map((row) => row.card.id);
  }

  it('finds by text of any script, category, tag, provider and price, newest first', async () => {
    const home = await makeVenue('search');
    const make = (id: string, card: Partial<ReturnType<typeof makeServiceCard>>) =>
      makeServiceCard({ ...home, id, ...card });
    const yoga = make('svc_s_yoga', {
      name: 'ÉTÉ Yoga',
      category: 'wellness',
      tags: ['calm', 'mat'],
    });
    const padel = make('svc_s_padel', { name: 'Padel', price: { amount: 9_000, currency: 'usd' } });
    const percent = make('svc_s_percent', { name: 'A 100% sure_thing', tags: ['calm'] });
    await cards.putServices([yoga], NOW);
    await cards.putServices([padel], NOW + 1);
    await cards.putServices([percent], NOW + 2);
    const { providerId } = home;
    expect(await found({ providerId })).toEqual(['svc_s_percent', 'svc_s_padel', 'svc_s_yoga']);
    expect(await found({ providerId, text: 'été' })).toEqual(['svc_s_yoga']);
    expect(await found({ providerId, text: '100% SURE_' })).toEqual(['svc_s_percent']);
    expect(await found({ providerId, text: '%' })).toEqual(['svc_s_percent']);
    expect(await found({ providerId, category: 'wellness' })).toEqual(['svc_s_yoga']);
    expect(await found({ providerId, tag: 'calm' })).toEqual(['svc_s_percent', 'svc_s_yoga']);
    expect(await found({ providerId, priceMinorMax: 2_500 })).toEqual([
      'svc_s_percent',
      'svc_s_yoga',
    ]);
    const after = { createdAtMs: NOW + 1, id: 'svc_s_padel' };
    expect(await found({ providerId, after })).toEqual(['svc_s_yoga']);
  });

  it('shows nothing that is off sale: the service, its venue or its provider', async () => {
    const home = await makeVenue('hidden');
    const { providerId } = home;
    await cards.putServices([makeServiceCard({ ...home, id: 'svc_h_one' })], NOW);
    const off = makeServiceCard({ ...home, id: 'svc_h_off', active: false });
    await cards.putServices([off], NOW);
    expect(await found({ providerId })).toEqual(['svc_h_one']);
    const venues = new VenueRepository(env.DB);
    await venues.patch(home.venueId, { active: false });
    expect(await found({ providerId })).toEqual([]);
    await venues.patch(home.venueId, { active: true });
    await new ProviderRepository(env.DB).patch(providerId, { active: false });
    expect(await found({ providerId })).toEqual([]);
  });
});
