/**
 * The read model equals the shards once the queue has drained, whatever is delivered twice, late, out of order or at the
 * same time; and what it lists is complete, newest first, and only what was asked for.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { BookingListQuery } from '../../src/application/booking-list-ports.ts';
import type { BookingProjection, ProjectionBatch } from '../../src/contracts/shard-streams.ts';
import { advanceProjection, type ProjectionDeps } from '../../src/queues/projections.ts';
import { BookingRepository } from '../../src/storage/d1/booking-repository.ts';
import { CardRepository } from '../../src/storage/d1/card-repository.ts';
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
