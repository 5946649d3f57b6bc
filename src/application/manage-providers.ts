/**
 * Providers: whoever signs up as one becomes its owner and gets an inventory shard. The shard is provisioned first,
 * then D1 is written: a provider that can be read can be used. A keyed call that died in between resumes with the
 * same ids. Called by the provider routes.
 */
import type { Caller } from '../contracts/calls.ts';
import type { CreateProviderBody, PatchProviderBody } from '../contracts/http/catalogue.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import type { ProviderCard } from '../domain/inventory/cards.ts';
import { refuse, type Result } from '../domain/result.ts';
import {
  isManager,
  notFound,
  regionId,
  seedOf,
  type Asker,
  type CatalogueDeps,
} from './catalogue-deps.ts';
import type { CatalogueStores, ProviderRecord, ProviderStore } from './catalogue-ports.ts';
import { deactivateServices } from './deactivate-services.ts';

/** Bytes of chance in a shard key that no idempotency key determines. */
const SHARD_SEED_LENGTH = 16;

/** Keys tried; with a million shards the chance that all are taken is one in 10^24. */
const SHARD_KEY_ATTEMPTS_MAX = 4;

/** Creates a provider with its first shard. Effects: the shard, D1, the caller's role. */
export async function createProvider(
  deps: CatalogueDeps,
  asker: Asker,
  body: CreateProviderBody,
): Promise<Result<ProviderRecord>> {
  const dataRegion = body.dataRegion ?? 'global';
  const { providers } = deps.catalogue(dataRegion);
  const id = regionId(deps, asker, { kind: 'prv', region: dataRegion });
  const shardKey = await freeShardKey(deps, asker, { id, dataRegion, providers });
  if (shardKey === null) return refuse('overloaded', 'No shard could be found. Try again.');
  const record: ProviderRecord = {
    id,
    name: body.name,
    currency: body.currency,
    timeZone: body.timeZone,
    region: body.region ?? null,
    dataRegion,
    commissionBps: body.commissionBps ?? null,
    shardKey,
    active: true,
    createdAtMs: deps.clock.nowMs(),
  };
  const provisioned = await provision(deps, record, [asker.caller.id]);
  if (!provisioned.ok) return provisioned;
  const stored = await providers.insert(record, asker.caller.id);
  await deps.grantProviderRole(asker.caller.id);
  return { ok: true, value: stored };
}

/** Reads a provider. Refusals: `not_found`. */
export async function readProvider(
  deps: CatalogueDeps,
  id: string,
): Promise<Result<ProviderRecord>> {
  const parts = deps.ids.open('prv', id);
  if (parts === null) return notFound('provider');
  const record = await deps.catalogue(regionOf(parts.locator)).providers.byId(id);
  return record === null ? notFound('provider') : { ok: true, value: record };
}

/** Changes a provider; its shard learns a new name first. Refusals: `not_found`, also for somebody else's. */
export async function patchProvider(
  deps: CatalogueDeps,
  caller: Caller,
  change: { readonly id: string; readonly body: PatchProviderBody },
): Promise<Result<ProviderRecord>> {
  const found = await managedProvider(deps, caller, change.id);
  if (!found.ok) return found;
  const { stores, record } = found.value;
  const { name, timeZone } = change.body;
  if (name !== undefined) {
    const owners = await stores.providers.owners(record.id);
    const provisioned = await provision(deps, { ...record, name }, owners);
    if (!provisioned.ok) return provisioned;
  }
  const patched = await stores.providers.patch(record.id, {
    ...(name === undefined ? {} : { name }),
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return patched === null ? notFound('provider') : { ok: true, value: patched };
}

/** Takes a provider with all it sells off sale; sold bookings stay. Refusals: `not_found`, also for somebody else's. */
export async function deactivateProvider(
  deps: CatalogueDeps,
  caller: Caller,
  id: string,
): Promise<Result<null>> {
  const found = await managedProvider(deps, caller, id);
  if (!found.ok) return found;
  const { stores } = found.value;
  const owner = { providerId: id };
  const deactivated = await deactivateServices(deps, stores.cards, { caller, owner });
  if (!deactivated.ok) return deactivated;
  await stores.venues.deactivateAllOf(id);
  await stores.providers.patch(id, { active: false });
  return { ok: true, value: null };
}

/** A provider that the caller may manage, with the stores of its region. Refusals: `not_found`. */
export async function managedProvider(
  deps: CatalogueDeps,
  caller: Caller,
  id: string,
): Promise<Result<{ readonly stores: CatalogueStores; readonly record: ProviderRecord }>> {
  const parts = deps.ids.open('prv', id);
  if (parts === null) return notFound('provider');
  const stores = deps.catalogue(regionOf(parts.locator));
  const record = await stores.providers.byId(id);
  if (record === null || !(await isManager(stores.providers, caller, id))) {
    return notFound('provider');
  }
  return { ok: true, value: { stores, record } };
}

function provision(
  deps: CatalogueDeps,
  record: ProviderRecord,
  owners: readonly string[],
): Promise<Result<null>> {
  const { shardKey, region, name, currency } = record;
  const provider: ProviderCard = { providerId: record.id, name, currency, owners };
  return deps.objects.shard(shardKey, region).provision({ shardKey, provider });
}

/**
 * A key that no other provider has. Keys have 40 bits, so that two may meet among many millions of providers; taking
 * another's shard over would be fatal, so a key that is taken is followed by the next one of the same seed.
 */
async function freeShardKey(
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
