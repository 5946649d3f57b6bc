/**
 * Joins use cases to this isolate's services: which store serves which region, and who keeps roles.
 * Decides nothing. Called by the routes' handlers.
 */
import type { AuditStore } from '../application/audit-ports.ts';
import type { CatalogueDeps } from '../application/catalogue-deps.ts';
import type { ListBookingsDeps } from '../application/list-bookings.ts';
import type { ReplayDeps } from '../application/replay-messages.ts';
import type { VerifyAuditDeps } from '../application/verify-audit.ts';
import { parseQueueMessage } from '../contracts/queue-messages.ts';
import type { DataRegion } from '../domain/ids.ts';
import { AuditRepository } from '../storage/d1/audit-repository.ts';
import { BookingRepository } from '../storage/d1/booking-repository.ts';
import { CardRepository } from '../storage/d1/card-repository.ts';
import { DeadLetterRepository } from '../storage/d1/dead-letter-repository.ts';
import { ProviderRepository } from '../storage/d1/provider-repository.ts';
import { VenueRepository } from '../storage/d1/venue-repository.ts';
import { WebhookEventRepository } from '../storage/d1/webhook-event-repository.ts';
import type { Services } from './context.ts';
import { createMessageSender } from './message-sender.ts';

const EVERY_REGION: readonly DataRegion[] = ['global', 'eu'];

/** For the catalogue's use cases. */
export function catalogueDeps(services: Services): CatalogueDeps {
  const { clock, entropy, ids, objects, databases, settings } = services;
  return {
    clock,
    entropy,
    ids,
    objects,
    commissionBps: settings.commissionBps,
    catalogue: (region) => {
      const database = databases.of(region);
      return {
        providers: new ProviderRepository(database),
        venues: new VenueRepository(database),
        cards: new CardRepository(database),
      };
    },
    grantProviderRole: async (userId) =>
      databases.forId(userId).users.grantRole(userId, 'provider'),
  };
}

/** For the list of bookings. */
export function listBookingsDeps(services: Services): ListBookingsDeps {
  const bookings = (region: DataRegion) => new BookingRepository(services.databases.of(region));
  return { ...catalogueDeps(services), bookings };
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
