/**
 * The operators' side over HTTP: only for operators, the trail is complete and verifies against the shards, and what was
 * given up on can be sent again. With it the list of bookings, which reads the same copies.
 */
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GENESIS_HASH } from '../../src/domain/chain.ts';
import { advanceAudit } from '../../src/queues/audit.ts';
import { auditDeps } from '../../src/queues/stream-deps.ts';
import { BookingRepository } from '../../src/storage/d1/booking-repository.ts';
import { DeadLetterRepository } from '../../src/storage/d1/dead-letter-repository.ts';
import { WebhookEventRepository } from '../../src/storage/d1/webhook-event-repository.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, settled, type Person } from '../support/api.ts';
import { makeBookingProjection } from '../support/cards.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const OPS = [
  'GET /v1/ops/audit',
  'GET /v1/ops/audit/verify',
  'GET /v1/ops/audit/export',
  'GET /v1/ops/webhook-events',
  'POST /v1/ops/webhook-events/whk_x/replay',
  'GET /v1/ops/dead-letters',
  'POST /v1/ops/dead-letters/x/replay',
];

let operator: Person;
let owner: Person;
let providerId: string;
let venueId: string;
let serviceId: string;

beforeAll(async () => {
  operator = await makePerson(['operator']);
  owner = await makePerson();
  const create = async (path: string, body: object): Promise<string> => {
    const answer = await call(`POST ${path}`, { as: owner, body });
    expect(answer.status, answer.text).toBe(201);
    return answer.json.id as string;
  };
  providerId = await create('/v1/providers', { name: 'Club', currency: 'usd', timeZone: 'UTC' });
  venueId = await create('/v1/venues', { providerId, name: 'Hall', timeZone: 'UTC' });
  const resourceId = await create('/v1/resources', { venueId, name: 'Court', kind: 'court' });
  serviceId = await create('/v1/services', {
    venueId,
    name: 'Padel',
    category: 'sport',
    resourceIds: [resourceId],
    durationMinutes: 60,
    price: { amount: 2_500, currency: 'usd' },
  });
  for (const name of ['Second', 'Third']) {
    await call(`PATCH /v1/services/${serviceId}`, { as: owner, body: { name } });
  }
  await advanceAudit(auditDeps(servicesOf(env)), serviceId.slice(4, 13));
});

afterAll(settled, 15_000);

/** Ids of all bookings listed, over as many pages as it takes. */
async function listAllIds(query: string, as: Person): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const next: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = await call(`GET /v1/bookings?limit=2${query}${next}`, { as });
    expect(page.status, page.text).toBe(200);
    found.push(...page.json.data.map((row: { id: string }) => row.id));
    cursor = page.json.nextCursor as string | null;
  }
  return found;
}

describe('who may', () => {
  it('only operators', async () => {
    for (const route of OPS) {
      expect([route, (await call(route)).status]).toEqual([route, 401]);
      const refused = await call(route, { as: owner });
      expect([route, refused.status, refused.json.code]).toEqual([route, 403, 'role_required']);
    }
  });
});

describe('the audit trail', () => {
  it('has every change with its before and after, found by what changed, page by page', async () => {
    const seen: { seq: number; type: string; from: string | null; to: string }[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await call(
        `GET /v1/ops/audit?entityId=${serviceId}&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
        { as: operator },
      );
      expect(page.status, page.text).toBe(200);
      seen.push(...page.json.data);
      cursor = page.json.nextCursor as string | null;
    }
    expect(seen.map(({ type, from, to }) => [type, from, to])).toEqual([
      ['service.created', null, 'active'],
      ['service.changed', 'active', 'active'],
      ['service.changed', 'active', 'active'],
    ]);
    const later = await call('GET /v1/ops/audit?from=2100-01-01T00:00:00Z', { as: operator });
    expect(later.json).toEqual({ data: [], nextCursor: null });
  });

  it('verifies against the shard, and no longer when a row was changed behind the triggers', async () => {
    const stream = serviceId.slice(4, 13);
    const verdict = await call('GET /v1/ops/audit/verify', { as: operator });
    expect(verdict.json.valid).toBe(true);
    expect(verdict.json.streams).toContainEqual({
      stream,
      rows: 4,
      head: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const trigger = await env.DB.prepare(
      "SELECT sql FROM sqlite_master WHERE name = 'audit_event_refuse_update'",
    ).first<string>('sql');
    const change =
      'UPDATE audit_event SET actor = ?1 WHERE stream = ?2 AND seq = 3 RETURNING actor';
    const before = await env.DB.prepare(
      'SELECT actor FROM audit_event WHERE stream = ?1 AND seq = 3',
    )
      .bind(stream)
      .first<string>('actor');
    await env.DB.prepare('DROP TRIGGER audit_event_refuse_update').run();
    await env.DB.prepare(change).bind('usr_forger', stream).run();
    const forged = await call('GET /v1/ops/audit/verify', { as: operator });
    expect(forged.json.valid).toBe(false);
    expect(forged.json.streams).toContainEqual(expect.objectContaining({ stream, firstBad: 3 }));
    await env.DB.prepare(change).bind(before, stream).run();
    await env.DB.prepare(String(trigger)).run();
  });

  it('can be taken away and checked with nothing but SHA-256 and canonical JSON', async () => {
    const exported = await call('GET /v1/ops/audit/export', { as: operator });
    expect(exported.headers.get('Content-Type')).toBe('application/jsonl; charset=utf-8');
    const lines = exported.text.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    const { digest } = servicesOf(env);
    let head = GENESIS_HASH;
    for (const text of lines) {
      const line = JSON.parse(text) as { previousHash: string; hash: string; event: unknown };
      expect(line.previousHash).toBe(head);
      expect(line.hash).toBe(digest.sha256(head + digest.canonical(line.event)));
      head = line.hash;
    }
  });
});

describe('messages', () => {
  it('an event of the inbox is listed without its payload, and sent again', async () => {
    const id = servicesOf(env).ids.mintInRegion('whk', 'eu');
    const inbox = new WebhookEventRepository(env.DB_EU);
    const event = {
      id,
      processor: 'stripe',
      dedupeKey: 'evt_1',
      type: 'payment_intent.succeeded',
      objectRef: 'pi_1',
      bookingId: null,
      subscriptionId: null,
      payload: '{"secret":"payer@example.test"}',
      isExpected: false,
      receivedAtMs: NOW,
      nextAttemptAtMs: NOW,
    } as const;
    expect(await inbox.insert(event)).toEqual({ inserted: true, id, handled: false });
    const repeat = servicesOf(env).ids.mintInRegion('whk', 'eu');
    const twice = await inbox.insert({ ...event, id: repeat });
    expect(twice).toEqual({ inserted: false, id, handled: false });
    const listed = await call('GET /v1/ops/webhook-events', { as: operator });
    expect(listed.json.data).toEqual([
      expect.objectContaining({ id, eventId: 'evt_1', receivedAt: '2026-11-21T09:00:00Z' }),
    ]);
    expect(listed.text).not.toContain('payer@example.test');
    const replayed = await call(`POST /v1/ops/webhook-events/${id}/replay`, { as: operator });
    expect([replayed.status, replayed.json]).toEqual([202, { id, status: 'enqueued' }]);
    const unknown = await call(`POST /v1/ops/webhook-events/${repeat}/replay`, { as: operator });
    expect([unknown.status, unknown.json.code]).toEqual([404, 'not_found']);
  });

  it('a dead letter is sent again once it is understood', async () => {
    const letters = new DeadLetterRepository(env.DB);
    const shardKey = serviceId.slice(4, 13);
    const known = JSON.stringify({ v: 1, type: 'audit.advance', shardKey });
    const letter = { queue: 'holdfast-dead-letters', error: null, receivedAtMs: NOW };
    await letters.insert([
      { ...letter, id: 'message-1', body: known },
      { ...letter, id: 'message-2', body: '{"v":9}' },
    ]);
    await letters.insert([{ ...letter, id: 'message-1', body: 'changed' }]);
    const replay = (id: string) => call(`POST /v1/ops/dead-letters/${id}/replay`, { as: operator });
    expect((await replay('message-1')).status).toBe(202);
    const refused = await replay('message-2');
    expect([refused.status, refused.json.code]).toEqual([409, 'invalid_transition']);
    expect((await replay('message-3')).status).toBe(404);
    const listed = await call('GET /v1/ops/dead-letters?limit=1', { as: operator });
    expect(listed.json.data).toEqual([
      expect.objectContaining({ id: 'message-2', replayedAt: null }),
    ]);
    const next = await call(
      `GET /v1/ops/dead-letters?limit=1&cursor=${String(listed.json.nextCursor)}`,
      { as: operator },
    );
    expect(next.json.data).toEqual([
      expect.objectContaining({ id: 'message-1', body: known, replayedAt: expect.any(String) }),
    ]);
    expect(next.json.nextCursor).toBeNull();
  });
});

describe('the list of bookings', () => {
  it("is mine over all regions, or a provider's or venue's for whoever runs it", async () => {
    const { ids } = servicesOf(env);
    const customer = await makePerson();
    const shardKey = serviceId.slice(4, 13);
    const makeRow = (createdAtMs: number, overrides = {}) =>
      makeBookingProjection({
        id: ids.mintInShard('bkg', shardKey),
        shardKey,
        providerId,
        venueId,
        serviceId,
        customerId: customer.id,
        createdAtMs,
        ...overrides,
      });
    const mine = [1, 2, 3].map((n) => makeRow(NOW + n));
    const unpaid = { paymentId: null, paymentStatus: null, processor: null, processorRef: null };
    const free = { ...unpaid, status: 'cancelled', capturedMinor: 0, customerId: 'usr_other' };
    const other = makeRow(NOW + 4, free);
    const abroad = makeRow(NOW + 5, { providerId: 'prv_abroad', venueId: 'ven_abroad' });
    const batch = { resources: [], services: [], throughSeq: 1, headSeq: 1 };
    const here = { ...batch, shardKey: 'gbookings', bookings: [...mine, other] };
    await new BookingRepository(env.DB).apply(here, NOW);
    const there = { ...batch, shardKey: 'ebookings', bookings: [abroad] };
    await new BookingRepository(env.DB_EU).apply(there, NOW);

    const newestFirst = mine.map((row) => row.id).toReversed();
    expect(await listAllIds('', customer)).toEqual([abroad.id, ...newestFirst]);
    expect(await listAllIds('&status=cancelled', customer)).toEqual([]);
    const all = [other.id, ...newestFirst];
    expect(await listAllIds(`&providerId=${providerId}`, owner)).toEqual(all);
    expect(await listAllIds(`&venueId=${venueId}&status=cancelled`, owner)).toEqual([other.id]);
    expect(await listAllIds(`&venueId=${venueId}&providerId=${providerId}`, operator)).toEqual(all);

    const page = await call('GET /v1/bookings?limit=1&status=confirmed', { as: customer });
    expect(page.json.data[0]).toMatchObject({
      status: 'confirmed',
      total: { amount: 2_500, currency: 'usd' },
      payment: { status: 'captured', processorId: 'pi_one' },
    });
    const forged = await call('GET /v1/bookings?providerId=prv_0', { as: customer });
    expect(forged.status).toBe(404);
    const unknown = await call('GET /v1/bookings?status=lost', { as: customer });
    expect([unknown.status, unknown.json.code]).toEqual([422, 'validation_failed']);
  });
});
