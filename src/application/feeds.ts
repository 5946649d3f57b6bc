/**
 * Private calendar feeds: made, listed, revoked and read. The token in a feed's address is its only credential, because
 * calendars cannot sign in; it is kept as a hash, is revoked alone, and ends when its owner no longer runs the resource's
 * provider. A feed is read from the read model and may lag by seconds.
 */
import type { Caller } from '../contracts/calls.ts';
import {
  encodeIdChars,
  regionLetter,
  regionOf,
  regionOfId,
  type DataRegion,
} from '../domain/ids.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { DAY_MS } from '../domain/time.ts';
import type { ProviderStore } from './catalogue-ports.ts';
import type { Feed, FeedEntry, FeedEntryStore, FeedStore } from './feed-ports.ts';
import type { Clock, Digest, Entropy, IdCodec, ObjectDirectory } from './ports.ts';

/** Feeds that one person may have: some for themselves, one for each resource that they look after. */
export const FEEDS_MAX = 20;
/** Characters of a token after its region: 160 bits. */
const TOKEN_LENGTH = 32;
const TOKEN = /^[ge][0-9a-hjkmnp-tv-z]{32}$/;
/** What a feed shows of the past: last month, for those who look back. */
const PAST_MS = 30 * DAY_MS;
/** And of the future: as far as services sell by default. */
const FUTURE_MS = 366 * DAY_MS;
/** Entries of a feed at most, the earliest; a calendar asks again and sees those that follow. */
const ENTRIES_MAX = 1_000;

export interface FeedDeps {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly digest: Digest;
  readonly ids: IdCodec;
  readonly objects: Pick<ObjectDirectory, 'shard'>;
  feeds(region: DataRegion): FeedStore & FeedEntryStore;
  providers(region: DataRegion): Pick<ProviderStore, 'isMember'>;
  /** The guest whose bookings are the person's; null for none. */
  guestOf(userId: string): Promise<string | null>;
}

/** A feed whose token is seen for the only time. */
export interface NewFeed extends Feed {
  readonly token: string;
}

/** Makes a feed of the caller's bookings, or of a resource. Refusals: not_found for a resource of somebody else, validation_failed. */
export async function createFeed(
  deps: FeedDeps,
  caller: Caller,
  resourceId: string | null,
): Promise<Result<NewFeed>> {
  const providerId = resourceId === null ? null : await ownedProvider(deps, caller, resourceId);
  if (resourceId !== null && providerId === null)
    return refuse('not_found', 'There is no such resource.');
  const region = regionOfId(caller.id);
  const token = regionLetter(region) + encodeIdChars(deps.entropy.bytes(TOKEN_LENGTH));
  const feed: Feed = {
    id: deps.ids.mintInRegion('fed', region),
    ownerId: caller.id,
    resourceId,
    providerId,
    createdAtMs: deps.clock.nowMs(),
  };
  const tokenHash = deps.digest.sha256(token);
  if (await deps.feeds(region).insert({ ...feed, tokenHash }, FEEDS_MAX))
    return ok({ ...feed, token });
  return refuse('validation_failed', `At most ${FEEDS_MAX} feeds at a time; revoke one.`, {
    errors: [{ pointer: '', detail: `there are ${FEEDS_MAX} feeds already` }],
  });
}

/** The caller's feeds. */
export function listFeeds(deps: FeedDeps, caller: Caller): Promise<Feed[]> {
  return deps.feeds(regionOfId(caller.id)).ofOwner(caller.id);
}

/** Ends a feed. Refusals: not_found, also for somebody else's and one that was ended before. */
export async function revokeFeed(
  deps: FeedDeps,
  caller: Caller,
  id: string,
): Promise<Result<null>> {
  const store = deps.feeds(regionOfId(caller.id));
  const isRevoked = await store.revoke(id, caller.id, deps.clock.nowMs());
  return isRevoked ? ok(null) : refuse('not_found', 'There is no such feed.');
}

/** What the feed of a token shows. Refusals: not_found. */
export async function readFeed(
  deps: FeedDeps,
  token: string,
): Promise<Result<{ feed: Feed; entries: FeedEntry[] }>> {
  const feed = TOKEN.test(token)
    ? await deps.feeds(regionOf(token)).byTokenHash(deps.digest.sha256(token))
    : null;
  if (feed === null || !(await isStillOwned(deps, feed)))
    return refuse('not_found', 'There is no such feed.');
  const nowMs = deps.clock.nowMs();
  const window = { fromMs: nowMs - PAST_MS, toMs: nowMs + FUTURE_MS, limit: ENTRIES_MAX };
  const { ownerId, resourceId } = feed;
  if (resourceId !== null) {
    const entries = await deps.feeds(regionOfId(resourceId)).ofResource(resourceId, window);
    return ok({ feed, entries });
  }
  const guestId = await deps.guestOf(ownerId);
  const customerIds = guestId === null ? [ownerId] : [ownerId, guestId];
  // A customer's bookings may be in either region.
  const lists = await Promise.all(
    (['global', 'eu'] as const).flatMap((region) =>
      customerIds.map((customerId) => deps.feeds(region).ofCustomer(customerId, window)),
    ),
  );
  const entries = lists.flat().toSorted((a, b) => a.endAtMs - b.endAtMs);
  return ok({ feed, entries: entries.slice(0, ENTRIES_MAX) });
}

async function isStillOwned(deps: FeedDeps, { ownerId, providerId }: Feed): Promise<boolean> {
  if (providerId === null) return true;
  return deps.providers(regionOfId(providerId)).isMember(providerId, ownerId);
}

/** The provider of a resource that the caller owns; null otherwise. The shard knows whose it is. */
async function ownedProvider(
  deps: FeedDeps,
  caller: Caller,
  resourceId: string,
): Promise<string | null> {
  const parts = deps.ids.open('res', resourceId);
  if (parts === null) return null;
  const card = await deps.objects.shard(parts.locator).getResource(resourceId);
  if (!card.ok) return null;
  const { providerId } = card.value;
  const isMember = await deps.providers(regionOfId(providerId)).isMember(providerId, caller.id);
  return isMember ? providerId : null;
}
