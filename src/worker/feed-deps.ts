/** What the use cases of calendar feeds work with. */
import { guestOf } from '../application/accounts.ts';
import type { FeedDeps } from '../application/feeds.ts';
import { FeedRepository } from '../storage/d1/feed-repository.ts';
import { ProviderRepository } from '../storage/d1/provider-repository.ts';
import type { Services } from './context.ts';

/** For making, listing, revoking and reading feeds. */
export function feedDeps(services: Services): FeedDeps {
  const { clock, entropy, digest, ids, objects, databases } = services;
  return {
    clock,
    entropy,
    digest,
    ids,
    objects,
    feeds: (region) => new FeedRepository(databases.of(region)),
    providers: (region) => new ProviderRepository(databases.of(region)),
    guestOf: (userId) => guestOf(databases.people, userId),
  };
}
