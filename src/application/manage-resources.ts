/**
 * Resources: what can be claimed. The shard has a resource before D1 does, and its id carries the shard's key,
 * so that every later request finds it without a look-up. Called by the resource routes.
 */
import type { Caller, Reply } from '../contracts/calls.ts';
import type { CreateResourceBody } from '../contracts/http/catalogue.ts';
import { regionOf } from '../domain/ids.ts';
import type { ResourceCard } from '../domain/inventory/cards.ts';
import { refuse, type Result } from '../domain/result.ts';
import { notFound, shardId, type Asker, type CatalogueDeps } from './catalogue-deps.ts';
import type { CatalogueStores, ProviderRecord } from './catalogue-ports.ts';
import { placeOf } from './provision-shards.ts';
import { managedProvider } from './manage-providers.ts';
import { managedVenue } from './manage-venues.ts';

/** What of a resource may change. */
export type ResourceChange = Partial<Pick<ResourceCard, 'name' | 'kind' | 'active'>>;

/**
 * Creates a resource in the shard that is named, else in its provider's first. Refusals: `not_found`,
 * `invalid_transition` where deactivated, `validation_failed` for another's shard.
 */
export async function createResource(
  deps: CatalogueDeps,
  asker: Asker,
  body: CreateResourceBody,
): Promise<Result<ResourceCard>> {
  const home = await homeOf(deps, asker.caller, body);
  if (!home.ok) return home;
  const { stores, provider, venueId } = home.value;
  if (!provider.active) return refuse('invalid_transition', 'The provider is deactivated.');
  const place = await placeOf(deps, stores.providers, { provider, shardId: body.shardId });
  if (!place.ok) return place;
  const shardKey = place.value;
  const reply = await deps.objects.shard(shardKey, provider.region).putResource({
    caller: asker.caller,
    card: {
      id: shardId(deps, asker, { kind: 'res', shardKey }),
      providerId: provider.id,
      venueId,
      name: body.name,
      kind: body.kind,
      capacity: body.capacity ?? body.units?.length ?? 1,
      units: body.units ?? null,
    },
  });
  if (reply.ok) await stores.cards.putResources([reply.value]);
  return reply;
}

/** Reads a resource from its shard. Refusals: `not_found`. */
export async function readResource(deps: CatalogueDeps, id: string): Promise<Reply<ResourceCard>> {
  const parts = deps.ids.open('res', id);
  if (parts === null) return notFound('resource');
  return deps.objects.shard(parts.locator).getResource(id);
}

/** Changes a resource in its shard, then D1. Refusals: those of the shard; somebody else's is `not_found`. */
export async function changeResource(
  deps: CatalogueDeps,
  caller: Caller,
  change: { readonly id: string; readonly patch: ResourceChange },
): Promise<Reply<ResourceCard>> {
  const parts = deps.ids.open('res', change.id);
  if (parts === null) return notFound('resource');
  const reply = await deps.objects.shard(parts.locator).patchResource({ caller, ...change });
  if (reply.ok) await deps.catalogue(regionOf(parts.locator)).cards.putResources([reply.value]);
  return reply;
}

type Home = {
  readonly stores: CatalogueStores;
  readonly provider: ProviderRecord;
  readonly venueId: string | null;
};

/** Where the resource belongs: a venue, or a provider where it serves several venues. */
async function homeOf(
  deps: CatalogueDeps,
  caller: Caller,
  body: CreateResourceBody,
): Promise<Result<Home>> {
  if (body.venueId === undefined) {
    const found = await managedProvider(deps, caller, body.providerId ?? '');
    if (!found.ok) return found;
    const { stores, record } = found.value;
    return { ok: true, value: { stores, provider: record, venueId: null } };
  }
  const found = await managedVenue(deps, caller, body.venueId);
  if (!found.ok) return found;
  const { stores, record: venue } = found.value;
  if (!venue.active) return refuse('invalid_transition', 'The venue is deactivated.');
  const provider = await stores.providers.byId(venue.providerId);
  if (provider === null) return notFound('venue');
  return { ok: true, value: { stores, provider, venueId: venue.id } };
}
