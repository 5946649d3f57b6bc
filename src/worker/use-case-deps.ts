/**
 * Joins use cases to this isolate's services: which store serves which region, and who keeps roles.
 * Decides nothing. Called by the routes' handlers.
 */
import type { AuditStore } from '../application/audit-ports.ts';
import type { BillingDeps } from '../application/billing/billing-deps.ts';
import { migrateSubscribers } from '../application/billing/migrate-subscribers.ts';
import type { ReadInvoicesDeps } from '../application/billing/read-invoices.ts';
import { setOverrides } from '../application/billing/set-overrides.ts';
import type { CatalogueDeps } from '../application/catalogue-deps.ts';
import type { ListBookingsDeps } from '../application/list-bookings.ts';
import type { LookupDeps } from '../application/look-up-booking.ts';
import type { StaffDeps } from '../application/manage-staff.ts';
import { commissionTermsOf } from '../application/payouts/set-commissions.ts';
import type { CouponDeps } from '../application/promotion/manage-coupons.ts';
import type { SearchDeps } from '../application/search-services.ts';
import type { ReplayDeps } from '../application/replay-messages.ts';
import type { VerifyAuditDeps } from '../application/verify-audit.ts';
import { toSubscriptionView } from '../contracts/http/subscriptions.ts';
import { parseQueueMessage } from '../contracts/queue-messages.ts';
import type { DataRegion } from '../domain/ids.ts';
import { platformCalendar } from '../platform/calendar.ts';
import { createNotifier } from '../platform/notifier.ts';
import { AuditRepository } from '../storage/d1/audit-repository.ts';
import { ChainHeadRepository } from '../storage/d1/chain-heads.ts';
import { BillingRepository } from '../storage/d1/billing-repository.ts';
import { BookingRepository } from '../storage/d1/booking-repository.ts';
import { CardRepository } from '../storage/d1/card-repository.ts';
import { CommissionRepository } from '../storage/d1/commission-repository.ts';
import { CouponRepository } from '../storage/d1/coupon-repository.ts';
import { DeadLetterRepository } from '../storage/d1/dead-letter-repository.ts';
import { LegalEntityRepository } from '../storage/d1/legal-entity-repository.ts';
import { LookupRepository } from '../storage/d1/lookup-repository.ts';
import { PlanRepository } from '../storage/d1/plan-repository.ts';
import { ProviderRepository } from '../storage/d1/provider-repository.ts';
import { ServiceSearchRepository } from '../storage/d1/service-search-repository.ts';
import { VenueRepository } from '../storage/d1/venue-repository.ts';
import { WebhookEventRepository } from '../storage/d1/webhook-event-repository.ts';
import type { Services } from './context.ts';
import { createMessageSender, createRenewalSender } from './message-sender.ts';
import type { SubscriberCommands } from './routes/ops-plans.ts';

const EVERY_REGION: readonly DataRegion[] = ['global', 'eu'];

/** For the catalogue's use cases. */
export function catalogueDeps(services: Services): CatalogueDeps {
  const { clock, entropy, ids, objects, databases, settings } = services;
  return {
    clock,
    entropy,
    ids,
    objects,
    commissionTerms: (venueId) =>
      commissionTermsOf(
        {
          ids,
          commissions: (region) => new CommissionRepository(databases.of(region)),
          configuredBps: settings.commissionBps,
        },
        venueId,
      ),
    catalogue: (region) => {
      const database = databases.of(region);
      return {
        providers: new ProviderRepository(database),
        venues: new VenueRepository(database),
        cards: new CardRepository(database),
        search: new ServiceSearchRepository(database),
      };
    },
    grantProviderRole: async (userId) =>
      databases.forId(userId).users.grantRole(userId, 'provider'),
  };
}

/** For who works for a provider. */
export function staffDeps(services: Services): StaffDeps {
  const { accounts } = services;
  const emailKey = (email: string) => accounts.emailKey(email);
  return { ...catalogueDeps(services), people: accounts.people, emailKey };
}

/** For the search over services. */
export function searchDeps(services: Services): SearchDeps {
  return { ...catalogueDeps(services), log: services.log };
}

/** For coupons. */
export function couponDeps(services: Services): CouponDeps {
  return {
    ...catalogueDeps(services),
    objects: services.objects,
    coupons: (region) => new CouponRepository(services.databases.of(region)),
  };
}

/** For the list of bookings. */
export function listBookingsDeps(services: Services): ListBookingsDeps {
  const bookings = (region: DataRegion) => new BookingRepository(services.databases.of(region));
  return { ...catalogueDeps(services), bookings };
}

/** For looking bookings up by their codes. */
export function lookupDeps(services: Services): LookupDeps {
  const { accounts, clock, databases, ids, log, objects, settings } = services;
  return {
    clock,
    log,
    ids,
    objects,
    people: databases.people,
    lookups: new LookupRepository(databases.of('global')),
    bookings: (region) => new BookingRepository(databases.of(region)),
    emailKey: (email) => accounts.emailKey(email),
    tell: createNotifier(settings.notifications, { clock, log }),
  };
}

/** For subscriptions and their money. */
export function billingDeps(services: Services): BillingDeps {
  const { clock, entropy, digest, ids, databases, objects, gateways, log } = services;
  return {
    clock,
    entropy,
    digest,
    ids,
    objects,
    gateways,
    log,
    calendar: platformCalendar,
    plans: new PlanRepository(databases.of('global')),
    billing: (region) => new BillingRepository(databases.of(region), { region, clock }),
  };
}

/** For reading invoices. */
export function invoiceDeps(services: Services): ReadInvoicesDeps {
  const legalEntity = (region: DataRegion) =>
    new LegalEntityRepository(services.databases.of(region)).platform();
  return { ...billingDeps(services), legalEntity };
}

/** What operators command of subscribers. */
export function subscriberCommands(services: Services, env: Env): SubscriberCommands {
  const deps = { ...billingDeps(services), send: createRenewalSender(env) };
  return {
    migrateSubscribers: (planId, version) => migrateSubscribers(deps, { planId, version }),
    setOverrides: async (subscriptionId, own, actor) => {
      const caller = { id: actor, roles: ['operator'] as const };
      const changed = await setOverrides(deps, { caller, subscriptionId, ...own });
      if (!changed.ok) return changed;
      return { ok: true, value: toSubscriptionView(changed.value, services.settings.publicUrl) };
    },
  };
}

/** The trails of every region. */
export function auditStores(services: Services): AuditStore[] {
  return EVERY_REGION.map((region) => new AuditRepository(services.databases.of(region)));
}

/** For the verification of the trail. */
export function verifyAuditDeps({ databases, digest, objects }: Services): VerifyAuditDeps {
  return {
    digest,
    trails: EVERY_REGION.map((region) => {
      const providers = new ProviderRepository(databases.of(region));
      return {
        audit: new AuditRepository(databases.of(region)),
        shardKeys: (afterKey, limit) => providers.shardKeys(afterKey, limit),
        heads: new ChainHeadRepository(databases.of(region)),
      };
    }),
    chainHashAt: (shardKey, seq) => objects.shard(shardKey).chainHashAt(seq),
  };
}

/** For what operators look at and send again. */
export function replayDeps(env: Env, services: Services): ReplayDeps {
  const { clock, ids, databases } = services;
  return {
    clock,
    ids,
    messages: createMessageSender(env),
    letters: new DeadLetterRepository(databases.of('global')),
    inbox: (region) => new WebhookEventRepository(databases.of(region)),
    parseMessage: parseQueueMessage,
  };
}
