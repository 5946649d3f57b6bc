/**
 * No statement of a repository reads a whole table: each is explained by the database itself, and each repository method
 * is called, so that a new one cannot be forgotten here.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { AuditRepository } from '../../src/storage/d1/audit-repository.ts';
import { ChainHeadRepository } from '../../src/storage/d1/chain-heads.ts';
import { BillingRepository } from '../../src/storage/d1/billing-repository.ts';
import { BookingRepository } from '../../src/storage/d1/booking-repository.ts';
import { CallRepository } from '../../src/storage/d1/call-repository.ts';
import { CardRepository } from '../../src/storage/d1/card-repository.ts';
import { DeadLetterRepository } from '../../src/storage/d1/dead-letter-repository.ts';
import { JobRepository } from '../../src/storage/d1/job-repository.ts';
import { LegalEntityRepository } from '../../src/storage/d1/legal-entity-repository.ts';
import { NoticeRepository } from '../../src/storage/d1/notice-repository.ts';
import { PlanRepository } from '../../src/storage/d1/plan-repository.ts';
import { ProviderRepository } from '../../src/storage/d1/provider-repository.ts';
import { RefreshTokenRepository } from '../../src/storage/d1/refresh-token-repository.ts';
import { EmailClaimRepository, UserRepository } from '../../src/storage/d1/user-repository.ts';
import { ServiceSearchRepository } from '../../src/storage/d1/service-search-repository.ts';
import { VenueRepository } from '../../src/storage/d1/venue-repository.ts';
import { WebhookEventRepository } from '../../src/storage/d1/webhook-event-repository.ts';
import { GENESIS_HASH } from '../../src/domain/chain.ts';
import type { PlanTerms } from '../../src/domain/subscription/plan.ts';
import {
  PAID,
  makeCharge,
  makeInvoice,
  makeNote,
  makeSubscription,
  next,
  withEvents,
} from '../support/billing-fixtures.ts';
import { makeBookingProjection, makeResourceCard, makeServiceCard } from '../support/cards.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { faultsOf, planOf, statementsOf } from '../support/query-plan.ts';
import { recordStatements } from '../support/recording-database.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');

/** Billing of the global database. */
class GlobalBilling extends BillingRepository {
  constructor(database: D1Database) {
    super(database, { region: 'global', clock: new FakeClock(NOW) });
  }
}

/** The steps of the plan of what billing asks. */
async function billingPlan(ask: (store: GlobalBilling) => Promise<unknown>): Promise<string> {
  const { database, statements } = recordStatements(env.DB);
  await ask(new GlobalBilling(database));
  const plans = await Promise.all([...statements].map((sql) => planOf(sql)));
  return plans.flat().join(' ');
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
        bookingSlots: [{ bookingId: 'bkg_one', version: 1, changedAtMs: 0, slots: [] }],
        resources: [makeResourceCard()],
        services: [makeServiceCard()],
      };
      await bookings.apply({ ...batch, shardKey: 'gplan0000', throughSeq: 1, headSeq: 1 }, NOW);
      await bookings.byCode('7K2M-Q4VX');
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
      await providers.isMember('prv_plan', 'usr_plan');
      await providers.members('prv_plan');
      await providers.addStaff('prv_plan', { userId: 'usr_staff', createdAtMs: NOW });
      await providers.staffOf('prv_plan');
      await providers.removeStaff('prv_plan', 'usr_staff');
      const hall = { shardKey: 'gplan0001', providerId: 'prv_plan', venueId: 'ven_plan' };
      await providers.insertShard({ ...hall, name: 'East', regionHint: null, createdAtMs: NOW });
      await providers.shardsOf('prv_plan');
      await providers.shardOwner('gplan0000');
      await providers.shardKeys('', 10);
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('venues', async () => {
    const statements = await statementsOf(VenueRepository, async (venues) => {
      const place = { address: null, latitude: 51.5, longitude: -0.1 };
      const record = { id: 'ven_plan', providerId: 'prv_plan', name: 'Plan', timeZone: 'UTC' };
      const rates = { commissionBps: null, tax: null };
      await venues.insert({ ...record, ...place, ...rates, active: true, createdAtMs: NOW });
      await venues.byId('ven_plan');
      await venues.patch('ven_plan', { name: 'Planned' });
      await venues.deactivateAllOf('prv_plan');
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('cards', async () => {
    const statements = await statementsOf(CardRepository, async (cards) => {
      await cards.putResources([makeResourceCard()]);
      await cards.putServices([makeServiceCard()], NOW);
      cards.resourceStatements([]);
      cards.serviceStatements([], NOW);
      const page = { afterId: '', limit: 10, isOnSale: true };
      await cards.serviceIds({ providerId: 'prv_plan' }, page);
      await cards.serviceIds({ venueId: 'ven_plan' }, page);
      await cards.serviceIds({ venueId: 'ven_plan' }, { ...page, isOnSale: false });
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('the search over services', async () => {
    const statements = await statementsOf(ServiceSearchRepository, async (search) => {
      const none = { category: null, tag: null, providerId: null, priceMinorMax: null, near: null };
      const near = { latitude: 51.5, longitude: -0.1, radiusMetres: 5_000 };
      const first = { after: null, limit: 10 };
      const later = { after: { rank: -NOW, id: 'svc_x' }, limit: 10 };
      await search.newest(none, first);
      await search.newest({ ...none, priceMinorMax: 5 }, later);
      await search.newest({ ...none, category: 'x' }, first);
      await search.newest({ ...none, tag: 'x' }, first);
      await search.newest({ ...none, providerId: 'x' }, first);
      await search.nearest({ ...none, near }, first);
      await search.nearest({ ...none, near }, later);
      await search.byText(none, { pieces: ['pad', 'ade'], folded: 'pade', limit: 10 });
      await search.byText({ ...none, near }, { pieces: ['pad'], folded: 'pad', limit: 10 });
      await search.byText(none, { pieces: [], folded: 'pa', limit: 10 });
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
        subscriptionId: null,
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

  it('plans and their versions', async () => {
    const id = 'pln_plan';
    const terms: PlanTerms = {
      planId: id,
      version: 1,
      group: 'membership',
      name: 'Club',
      priceMinor: 1_900,
      currency: 'usd',
      interval: { unit: 'month', count: 1 },
      trialDays: 0,
      trialNeedsMethod: true,
      trialEnd: 'cancel',
      graceDays: 7,
      dunningDays: [1, 3],
      cancelAfterDays: 28,
      changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
      cancelRefund: 'none',
      tax: { rateBps: 0, inclusive: true },
      entitlements: { 'bookings.perPeriod': null },
    };
    const first = { id, code: 'club', terms, status: 'draft', createdAtMs: NOW } as const;
    const second = { ...first, terms: { ...terms, version: 2 } };
    const statements = await statementsOf(PlanRepository, async (plans) => {
      expect(await plans.insert(first)).toBe('done');
      expect(await plans.insert(first)).toBe('done');
      expect(await plans.insert({ ...first, id: 'pln_other' })).toBe('taken');
      expect(await plans.insertVersion(second, 'digest')).toBe('done');
      expect(await plans.insertVersion(second)).toBe('taken');
      expect(await plans.versionOfCall('digest')).toEqual(second);
      await plans.publish(id, 1);
      await plans.publish(id, 2);
      expect(await plans.newest(id)).toEqual({ ...second, status: 'published' });
      expect(await plans.version(id, 1)).toEqual({ ...first, status: 'retired' });
      expect((await plans.onSale(id))?.terms).toEqual(second.terms);
      expect(await plans.published()).toHaveLength(1);
      expect(await plans.versionsOf(id)).toHaveLength(2);
      expect(await plans.list({ after: null, limit: 5 })).toHaveLength(2);
      const after = { createdAtMs: NOW, id, version: 2 };
      expect(await plans.list({ after, limit: 5 })).toHaveLength(1);
      await plans.setMigrationTarget(id, 2);
      await plans.setMigrationTarget(id, 3);
      expect(await plans.migrationTarget(id)).toBe(2);
      await plans.retire(id);
      expect(await plans.onSale(id)).toBeNull();
    });
    expect(await faultsOf(statements)).toEqual([]);
  });

  it('subscriptions and their money', async () => {
    const billing = await statementsOf(GlobalBilling, async (store) => {
      const first = withEvents(makeSubscription(), 1);
      const { id, userId } = first.subscription;
      const customer = { processor: 'stripe', ref: id } as const;
      const notice = { kind: 'invoice_paid', subscriptionId: id, userId, invoiceId: null } as const;
      const invoice = makeInvoice(first.subscription, PAID);
      const notes = { creditNotes: [makeNote(invoice, 1)], notices: [notice], customer };
      const money = { invoices: [invoice], charges: [makeCharge(invoice)] };
      expect(await store.insert({ ...first, ...money, ...notes })).toBe('done');
      expect(await store.save(withEvents(next(first.subscription), 1))).toBe('done');
      expect(await store.save({ subscription: next(first.subscription) })).toBe('conflict');
      await store.load(id);
      await store.liveOf(userId, null);
      await store.liveOf(userId, 'membership');
      await store.hadTrial(userId, 'membership');
      await store.due({ nowMs: NOW, afterId: '', limit: 10 });
      await store.olderThan({ planId: 'pln_store', version: 2, afterId: '', limit: 10 });
      await store.invoice(invoice.id);
      await store.invoicesOf({ subscriptionId: id, before: null, limit: 10 });
      await store.invoicesOf({ subscriptionId: id, before: { atMs: NOW, id: 'x' }, limit: 10 });
      await store.creditNotesOf(invoice.id);
      await store.chargesOf(invoice.id);
      await store.paidAfter(id, NOW);
      await store.charge('chg_plan');
      await store.latestCharge(id);
      await store.refundsOf(id);
      await store.underWay({ afterId: '', limit: 10 });
      await store.reviews({ after: { atMs: NOW, id: 'x' }, limit: 10 });
      await store.markPushed(id, 1);
      await store.unpushed('', 10);
    });
    const heads = await statementsOf(ChainHeadRepository, async (repository) => {
      await repository.list('', 10);
      await repository.of('sub_plan');
    });
    const notices = await statementsOf(NoticeRepository, async (repository) => {
      await repository.unsent({ nowMs: NOW, limit: 10 });
      await repository.markFailed(0, { error: 'x', nextAttemptAtMs: NOW });
      await repository.markSent(0, NOW);
    });
    const entity = await statementsOf(LegalEntityRepository, (repository) => repository.platform());
    expect(await faultsOf([...billing, ...heads, ...notices, ...entity])).toEqual([]);
  });

  it('walks no more of the subscriptions than a list wants', async () => {
    const page = { afterId: '', limit: 10 };
    expect(await billingPlan((store) => store.due({ nowMs: NOW, ...page }))).toContain(
      'USING COVERING INDEX subscription_due (due_at_ms<?)',
    );
    const older = { planId: 'pln_store', version: 2, ...page };
    expect(await billingPlan((store) => store.olderThan(older))).toContain(
      'USING COVERING INDEX subscription_plan (plan_id=? AND plan_version<?)',
    );
    expect(await billingPlan((store) => store.unpushed('', 10))).toContain(
      'INDEX subscription_unpushed (id>?)',
    );
  });

  it('jobs, of which one run at a time holds the lease', async () => {
    const statements = await statementsOf(JobRepository, async (jobs) => {
      const name = 'reconciliation';
      const lease = { name, nowMs: NOW, leaseUntilMs: NOW + 60_000 };
      expect(await jobs.begin({ id: 'run_1', ...lease })).toBe(true);
      expect(await jobs.begin({ id: 'run_2', ...lease })).toBe(false);
      const late = { name, nowMs: NOW + 90_000, leaseUntilMs: NOW + 150_000 };
      expect(await jobs.begin({ id: 'run_3', ...late })).toBe(true);
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
      guestId: null,
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
