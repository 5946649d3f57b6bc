/**
 * No statement of a repository reads a whole table: each is explained by the database itself, and each repository method
 * is called, so that a new one cannot be forgotten here.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { ServiceQuery } from '../../src/application/catalogue-ports.ts';
import { AuditRepository } from '../../src/storage/d1/audit-repository.ts';
import { BookingRepository } from '../../src/storage/d1/booking-repository.ts';
import { CallRepository } from '../../src/storage/d1/call-repository.ts';
import { CardRepository } from '../../src/storage/d1/card-repository.ts';
import { DeadLetterRepository } from '../../src/storage/d1/dead-letter-repository.ts';
import { JobRepository } from '../../src/storage/d1/job-repository.ts';
import { PlanRepository } from '../../src/storage/d1/plan-repository.ts';
import { ProviderRepository } from '../../src/storage/d1/provider-repository.ts';
import { RefreshTokenRepository } from '../../src/storage/d1/refresh-token-repository.ts';
import { SubscriptionRepository } from '../../src/storage/d1/subscription-repository.ts';
import { EmailClaimRepository, UserRepository } from '../../src/storage/d1/user-repository.ts';
import { VenueRepository } from '../../src/storage/d1/venue-repository.ts';
import { WebhookEventRepository } from '../../src/storage/d1/webhook-event-repository.ts';
import { GENESIS_HASH } from '../../src/domain/chain.ts';
import { makeBookingProjection, makeResourceCard, makeServiceCard } from '../support/cards.ts';
import { parameterCount, recordStatements } from '../support/recording-database.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');

/** Parts of a plan that read everything and may: a parameter's own rows are no table. */
const ALLOWED_SCANS: readonly RegExp[] = [/^SCAN json_each VIRTUAL TABLE/, /^SCAN CONSTANT ROW$/];

/** Runs a repository's calls, checks that none of its methods was left out, and answers what it asked the database. */
async function statementsOf<T extends object>(
  Repository: new (database: D1Database) => T,
  exercise: (repository: T) => Promise<unknown>,
): Promise<string[]> {
  const { database, statements } = recordStatements(env.DB);
  const repository = new Repository(database);
  const called = new Set<string>();
  const watched = new Proxy(repository, {
    get(target, property) {
      called.add(String(property));
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  await exercise(watched);
  const methods = Object.getOwnPropertyNames(Repository.prototype).filter(
    (name) => name !== 'constructor',
  );
  expect(methods.filter((name) => !called.has(name))).toEqual([]);
  expect(statements.size).toBeGreaterThan(0);
  return [...statements];
}

/** What of the statements' plans reads more than it needs. */
async function faultsOf(statements: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  for (const sql of statements) {
    const values = Array.from({ length: parameterCount(sql) }, () => '[]');
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>();
    for (const { detail } of results) {
      const isAllowed = ALLOWED_SCANS.some((pattern) => pattern.test(detail));
      if (detail.startsWith('SCAN') && !isAllowed) faults.push(`${detail} in ${sql}`);
    }
  }
  return faults;
}

describe('every statement finds its rows by an index', () => {
  it('audit trail', async () => {
    const statements = await statementsOf(AuditRepository, async (audit) => {
      const event = {
        seq: 1,
        id: 'evt_plan',
        entityId: 'bkg_plan',
        parentId: null,
        type: 't',
        from: null,
        to: 'confirmed',
        actor: 'usr_plan',
        reason: null,
        metadata: {},
        atMs: NOW,
        previousHash: GENESIS_HASH,
        hash: 'b'.repeat(64),
      };
      await audit.append('gplan0000', [event]);
      await audit.appliedSeq('gplan0000');
      await audit.readStream('gplan0000', 0, 10);
      await audit.streams('', 10);
      const after = { atMs: NOW, stream: 'g', seq: 1 };
      for (const entityId of [null, 'bkg_plan']) {
        await audit.search({ entityId, fromMs: null, toMs: null, after: null, limit: 10 });
        await audit.search({ entityId, fromMs: 1, toMs: NOW, after, limit: 10 });
      }
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('read model of bookings', async () => {
    const statements = await statementsOf(BookingRepository, async (bookings) => {
      await bookings.appliedSeq('gplan0000');
      const batch = {
        bookings: [makeBookingProjection()],
        resources: [makeResourceCard()],
        services: [makeServiceCard()],
      };
      await bookings.apply({ ...batch, shardKey: 'gplan0000', throughSeq: 1, headSeq: 1 }, NOW);
      for (const kind of ['customer', 'provider', 'venue'] as const) {
        const owner = { kind, id: 'x' };
        await bookings.list({ owner, status: null, after: null, limit: 5 });
        const after = { createdAtMs: NOW, id: 'bkg_x' };
        await bookings.list({ owner, status: 'confirmed', after, limit: 5 });
      }
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('providers', async () => {
    const statements = await statementsOf(ProviderRepository, async (providers) => {
      const names = { id: 'prv_plan', name: 'Plan', currency: 'usd', timeZone: 'Europe/London' };
      const rest = { region: null, dataRegion: 'global', commissionBps: null } as const;
      const record = { ...names, ...rest, shardKey: 'gplan0000', active: true, createdAtMs: NOW };
      await providers.insert(record, 'usr_plan');
      await providers.byId('prv_plan');
      await providers.patch('prv_plan', { name: 'Planned' });
      await providers.isOwner('prv_plan', 'usr_plan');
      await providers.owners('prv_plan');
      await providers.shardOwner('gplan0000');
      await providers.shardKeys('', 10);
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('venues', async () => {
    const statements = await statementsOf(VenueRepository, async (venues) => {
      const place = { address: null, latitude: 51.5, longitude: -0.1, commissionBps: null };
      const record = { id: 'ven_plan', providerId: 'prv_plan', name: 'Plan', timeZone: 'UTC' };
      await venues.insert({ ...record, ...place, active: true, createdAtMs: NOW });
      await venues.byId('ven_plan');
      await venues.patch('ven_plan', { name: 'Planned' });
      await venues.deactivateAllOf('prv_plan');
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('cards and the search over them', async () => {
    const statements = await statementsOf(CardRepository, async (cards) => {
      await cards.putResources([makeResourceCard()]);
      await cards.putServices([makeServiceCard()], NOW);
      cards.resourceStatements([]);
      cards.serviceStatements([], NOW);
      const page = { afterId: '', limit: 10 };
      await cards.activeServiceIds({ providerId: 'prv_plan' }, page);
      await cards.activeServiceIds({ venueId: 'ven_plan' }, page);
      const all: ServiceQuery = {
        text: null,
        category: null,
        tag: null,
        providerId: null,
        priceMinorMax: null,
        after: null,
        limit: 10,
      };
      await cards.search(all);
      await cards.search({ ...all, after: { createdAtMs: NOW, id: 'svc_x' } });
      await cards.search({ ...all, text: 'x', priceMinorMax: 5 });
      await cards.search({ ...all, category: 'x' });
      await cards.search({ ...all, tag: 'x' });
      await cards.search({ ...all, providerId: 'x' });
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('inbox', async () => {
    const statements = await statementsOf(WebhookEventRepository, async (inbox) => {
      await inbox.insert({
        id: 'whk_plan',
        processor: 'stripe',
        dedupeKey: 'evt_plan',
        type: 't',
        objectRef: null,
        bookingId: null,
        payload: '{}',
        isExpected: true,
        receivedAtMs: NOW,
        nextAttemptAtMs: NOW,
      });
      await inbox.byId('whk_plan');
      await inbox.markFailed('whk_plan', { error: 'x', nextAttemptAtMs: NOW });
      await inbox.markHandled('whk_plan', NOW);
      await inbox.due(NOW, 10);
      await inbox.list({ after: null, limit: 10 });
      await inbox.list({ after: { receivedAtMs: NOW, id: 'whk_x' }, limit: 10 });
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('dead letters', async () => {
    const statements = await statementsOf(DeadLetterRepository, async (letters) => {
      const letter = { id: 'm1', queue: 'q', body: '{}', error: null, receivedAtMs: NOW };
      await letters.insert([letter]);
      await letters.byId('m1');
      await letters.markReplayed('m1', NOW);
      await letters.list({ after: { receivedAtMs: NOW, id: 'm1' }, limit: 10 });
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('plans and subscriptions', async () => {
    const interval = { intervalUnit: 'month', intervalCount: 1 } as const;
    const plans = await statementsOf(PlanRepository, async (repository) => {
      await repository.insert({
        id: 'pln_plan',
        code: 'club',
        name: 'Club',
        priceMinor: 1_900,
        currency: 'usd',
        ...interval,
        entitlements: {},
        version: 1,
        status: 'published',
        createdAtMs: NOW,
      });
      await repository.byId('pln_plan');
      await repository.published();
      await repository.namesOf(['pln_plan']);
    });
    const subscriptions = await statementsOf(SubscriptionRepository, async (repository) => {
      await repository.insert({
        id: 'sub_plan',
        userId: 'usr_plan',
        planId: 'pln_plan',
        status: 'active',
        currentPeriodStartMs: NOW,
        currentPeriodEndMs: NOW + 1,
        entitlementVersion: NOW,
        pushedVersion: 0,
        createdAtMs: NOW,
      });
      await repository.byId('sub_plan');
      await repository.liveOf('usr_plan');
      await repository.unpushed('', 10);
      await repository.markPushed('sub_plan', NOW);
    });
    expect(await faultsOf([...plans, ...subscriptions])).toEqual([]);
  });

  it('jobs, of which one run at a time holds the lease', async () => {
    const statements = await statementsOf(JobRepository, async (jobs) => {
      const name = 'reconciliation';
      const lease = { name, nowMs: NOW, leaseUntilMs: NOW + 60_000 };
      expect(await jobs.begin({ id: 'run_1', ...lease })).toBe(true);
      expect(await jobs.begin({ id: 'run_2', ...lease })).toBe(false);
      expect(await jobs.renew({ id: 'run_1', name, leaseUntilMs: NOW + 90_000 })).toBe(true);
      const late = { name, nowMs: NOW + 90_000, leaseUntilMs: NOW + 150_000 };
      expect(await jobs.begin({ id: 'run_3', ...late })).toBe(true);
      expect(await jobs.renew({ id: 'run_1', name, leaseUntilMs: NOW + 200_000 })).toBe(false);
      const end = { name, status: 'done', nowMs: NOW + 90_001, report: { looked: 3 } } as const;
      await jobs.finish({ id: 'run_1', ...end });
      expect(await jobs.begin({ id: 'run_4', ...late })).toBe(false);
      await jobs.finish({ id: 'run_3', ...end });
      expect(await jobs.begin({ id: 'run_4', ...late })).toBe(true);
      const runs = await jobs.latest(name, 10);
      expect(runs.map((run) => [run.id, run.status])).toContainEqual(['run_3', 'done']);
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('people, their addresses and their refresh tokens', async () => {
    const user = {
      id: 'usr_plan',
      email: 'plan@example.test',
      emailKey: 'key',
      name: null,
      passwordHash: '$scrypt$',
      roles: ['customer'],
      dataRegion: 'global',
      createdAtMs: NOW,
    } as const;
    const token = {
      tokenHash: 'first',
      familyId: 'family',
      userId: user.id,
      generation: 1,
      familyExpiresAtMs: NOW + 2,
      expiresAtMs: NOW + 1,
      usedAtMs: null,
      revokedAtMs: null,
      createdAtMs: NOW,
    };
    const claims = await statementsOf(EmailClaimRepository, async (emails) => {
      expect(await emails.claim(user)).toBe(true);
      expect(await emails.claim(user)).toBe(false);
      expect(await emails.find('key')).toEqual({ userId: user.id, dataRegion: 'global' });
    });
    const users = await statementsOf(UserRepository, async (people) => {
      await people.remove(user.id);
      await people.insert(user);
      await people.grantRole(user.id, 'provider');
      expect(await people.byId(user.id)).toMatchObject({ roles: ['customer', 'provider'] });
    });
    const tokens = await statementsOf(RefreshTokenRepository, async (repository) => {
      await repository.insert(token);
      expect(
        await repository.rotate('first', { ...token, tokenHash: 'second', generation: 2 }),
      ).toBe(true);
      expect(
        await repository.rotate('first', { ...token, tokenHash: 'third', generation: 2 }),
      ).toBe(false);
      expect(await repository.byHash('second')).toMatchObject({ generation: 2, usedAtMs: null });
      await repository.revokeFamily('family', NOW);
      expect(await repository.rotate('second', { ...token, tokenHash: 'third' })).toBe(false);
      expect(await repository.forgetExpired(NOW + 2)).toBe(2);
    });
    expect(await faultsOf([...claims, ...users, ...tokens])).toEqual([]);
  });

  it('keyed calls that reach no shard', async () => {
    const statements = await statementsOf(CallRepository, async (calls) => {
      const call = { key: 'plan', fingerprint: 'f' };
      const claim = await calls.claim({ callerId: 'usr_plan', call, nowMs: NOW });
      if (claim.kind !== 'run') throw new Error('a fresh key is claimed');
      await calls.release(claim);
      await calls.finish(claim, { answer: { status: 201, body: '{}' }, nowMs: NOW });
      await calls.claim({ callerId: 'usr_plan', call, nowMs: NOW });
      expect(await calls.forgetExpired(NOW + 30 * 86_400_000, 10)).toBe(1);
    });
    expect(await faultsOf(statements)).toEqual([]);
  });
});
