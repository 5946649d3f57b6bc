/**
 * How a shard gets its key and its provider's card, and which shard a resource goes to. Called wherever providers, their
 * shards and resources are made or changed.
 */
import type { Caller } from '../contracts/calls.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import type { ProviderCard } from '../domain/inventory/cards.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { invalidField, seedOf, type Asker, type CatalogueDeps } from './catalogue-deps.ts';
import type { ProviderRecord, ProviderStore } from './catalogue-ports.ts';

/** Bytes of chance in a shard key that no idempotency key determines. */
const SHARD_SEED_LENGTH = 16;

/** Keys tried; with a million shards the chance that all are taken is one in 10^24. */
const SHARD_KEY_ATTEMPTS_MAX = 4;

/** Passes over a provider's shards while somebody changes its people. */
const PEOPLE_TRIES_MAX = 5;

/** The key of the shard that a resource is placed in: the one that is named, else the provider's first. */
export async function placeOf(
  deps: CatalogueDeps,
  providers: ProviderStore,
  wish: { readonly provider: ProviderRecord; readonly shardId: string | undefined },
): Promise<Result<string>> {
  const { provider, shardId } = wish;
  if (shardId === undefined) return ok(provider.shardKey);
  const key = deps.ids.open('shd', shardId)?.locator;
  const isOwn = key !== undefined && regionOf(key) === provider.dataRegion;
  if (isOwn && (await providers.shardOwner(key)) === provider.id) return ok(key);
  return invalidField('/shardId', 'is not a shard of this provider');
}

/** Gives a shard the card of its provider; a repeat replaces it. Refusals: `overloaded` where the key is another's. */
export function provisionShard(
  deps: CatalogueDeps,
  to: {
    readonly provider: ProviderRecord;
    readonly shardKey: string;
    readonly owners: readonly string[];
    readonly caller: Caller;
  },
): Promise<Result<null>> {
  const { provider, shardKey, owners, caller } = to;
  const { id: providerId, name, currency, region } = provider;
  const card: ProviderCard = { providerId, name, currency, owners };
  return deps.objects.shard(shardKey, region).provision({ shardKey, provider: card, caller });
}

/**
 * Gives every shard of a provider its card, again for as long as its people change meanwhile: whoever was told last looks
 * again, so that no shard keeps somebody who has left. Refusals: those of the first shard that refuses, `overloaded`.
 */
export async function provisionShards(
  deps: CatalogueDeps,
  providers: ProviderStore,
  { provider, caller }: { readonly provider: ProviderRecord; readonly caller: Caller },
): Promise<Result<null>> {
  let owners = await providers.members(provider.id);
  for (let tries = 0; tries < PEOPLE_TRIES_MAX; tries += 1) {
    for (const { shardKey } of await providers.shardsOf(provider.id)) {
      const provisioned = await provisionShard(deps, { provider, shardKey, owners, caller });
      if (!provisioned.ok) return provisioned;
    }
    const now = await providers.members(provider.id);
    if (isSameList(owners, now)) return ok(null);
    owners = now;
  }
  return refuse('overloaded', 'The people of the provider change again and again.', {
    retryAfterSeconds: 1,
  });
}

/** True for the same people in the same order, as the store gives them. */
export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

/**
 * A key that no other provider has. Keys have 40 bits, so that two may meet among many millions of providers; taking
 * another's shard over would be fatal, so a key that is taken is followed by the next one of the same seed.
 */
export async function freeShardKey(
  deps: CatalogueDeps,
  { caller, call }: Asker,
  want: { readonly id: string; readonly dataRegion: DataRegion; readonly providers: ProviderStore },
): Promise<string | null> {
  const seed =
    call === null ? deps.entropy.bytes(SHARD_SEED_LENGTH).join(' ') : seedOf(caller, call);
  for (let attempt = 1; attempt <= SHARD_KEY_ATTEMPTS_MAX; attempt += 1) {
    const shardKey = deps.ids.deriveShardKey(want.dataRegion, `${seed} ${attempt}`);
    const owner = await want.providers.shardOwner(shardKey);
    if (owner === null || owner === want.id) return shardKey;
  }
  return null;
}
