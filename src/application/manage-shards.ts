/**
 * Inventory shards of a provider. It begins with one; further ones are for halls or sections that would outgrow it, and
 * take the resources that are placed in them. A shard is provisioned first, then D1 is written: what can be read can be
 * used. Called by the venue routes.
 */
import type { Caller } from '../contracts/calls.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import type { Asker, CatalogueDeps } from './catalogue-deps.ts';
import type { ShardRecord } from './catalogue-ports.ts';
import { managedVenue } from './manage-venues.ts';
import { freeShardKey, isSameList, provisionShard, provisionShards } from './provision-shards.ts';

/** A shard as its provider sees it. */
export type NamedShard = ShardRecord & { readonly id: string };

/**
 * Opens a further shard for a venue. Refusals: `not_found` for somebody else's venue, `invalid_transition` for one that is
 * off sale, `overloaded` where no key is free.
 */
export async function openVenueShard(
  deps: CatalogueDeps,
  asker: Asker,
  wish: { readonly venueId: string; readonly name: string },
): Promise<Result<NamedShard>> {
  const found = await managedVenue(deps, asker.caller, wish.venueId);
  if (!found.ok) return found;
  const { stores, record: venue } = found.value;
  const provider = await stores.providers.byId(venue.providerId);
  if (!venue.active || provider?.active !== true)
    return refuse('invalid_transition', 'The venue is deactivated.');
  const { providers } = stores;
  const { id, dataRegion } = provider;
  const shardKey = await freeShardKey(deps, asker, { id, dataRegion, providers });
  if (shardKey === null) return refuse('overloaded', 'No shard could be found. Try again.');
  const owners = await providers.members(provider.id);
  const { caller } = asker;
  const provisioned = await provisionShard(deps, { provider, shardKey, owners, caller });
  if (!provisioned.ok) return provisioned;
  const stored = await providers.insertShard({
    shardKey,
    providerId: provider.id,
    venueId: venue.id,
    name: wish.name,
    regionHint: provider.region,
    createdAtMs: deps.clock.nowMs(),
  });
  // Whoever changed the provider's people meanwhile did not see this shard yet.
  if (!isSameList(owners, await providers.members(provider.id))) {
    const told = await provisionShards(deps, providers, { provider, caller });
    if (!told.ok) return told;
  }
  return ok(named(deps, stored));
}

/** The shards of a venue, oldest first; the provider's first one serves them all and comes first. Refusals: `not_found`. */
export async function listVenueShards(
  deps: CatalogueDeps,
  caller: Caller,
  venueId: string,
): Promise<Result<NamedShard[]>> {
  const found = await managedVenue(deps, caller, venueId);
  if (!found.ok) return found;
  const { stores, record } = found.value;
  const shards = await stores.providers.shardsOf(record.providerId);
  const serving = shards.filter((shard) => shard.venueId === null || shard.venueId === venueId);
  return ok(serving.map((shard) => named(deps, shard)));
}

/** The id says no more than the key, and is the same whenever it is asked for. */
function named(deps: CatalogueDeps, shard: ShardRecord): NamedShard {
  return { ...shard, id: deps.ids.deriveInShard('shd', shard.shardKey, shard.shardKey) };
}
