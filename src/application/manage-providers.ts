/**
 * Providers: whoever signs up as one becomes its owner and gets an inventory shard. The shard is provisioned first,
 * then D1 is written: a provider that can be read can be used. A keyed call that died in between resumes with the
 * same ids. Called by the provider routes.
 */
import type { Caller } from '../contracts/calls.ts';
import type { CreateProviderBody, PatchProviderBody } from '../contracts/http/catalogue.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import { refuse, type Result } from '../domain/result.ts';
import {
  isManager,
  isProprietor,
  notFound,
  regionId,
  type Asker,
  type CatalogueDeps,
} from './catalogue-deps.ts';
import type { CatalogueStores, ProviderRecord } from './catalogue-ports.ts';
import { deactivateServices } from './change-services.ts';
import { freeShardKey, provisionShard, provisionShards } from './provision-shards.ts';

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
  const owners = [asker.caller.id];
  const provisioned = await provisionShard(deps, {
    provider: record,
    shardKey,
    owners,
    caller: asker.caller,
  });
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

/** Changes a provider; its shards learn a new name first. Refusals: `not_found`, also for somebody else's. */
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
    const provisioned = await provisionShards(deps, stores.providers, {
      provider: { ...record, name },
      caller,
    });
    if (!provisioned.ok) return provisioned;
  }
  const patched = await stores.providers.patch(record.id, {
    ...(name === undefined ? {} : { name }),
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return patched === null ? notFound('provider') : { ok: true, value: patched };
}

/** Takes a provider with all it sells off sale; sold bookings stay. Refusals: `not_found`, also for its staff. */
export async function deactivateProvider(
  deps: CatalogueDeps,
  caller: Caller,
  id: string,
): Promise<Result<null>> {
  const found = await ownedProvider(deps, caller, id);
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

/** A provider of whose money, people and end the caller decides. Refusals: `not_found`, for its staff too. */
export async function ownedProvider<S extends Pick<CatalogueStores, 'providers'>>(
  deps: Pick<CatalogueDeps, 'ids'> & { catalogue(region: DataRegion): S },
  caller: Caller,
  id: string,
): Promise<Result<{ readonly stores: S; readonly record: ProviderRecord }>> {
  const parts = deps.ids.open('prv', id);
  if (parts === null) return notFound('provider');
  const stores = deps.catalogue(regionOf(parts.locator));
  const record = await stores.providers.byId(id);
  if (record === null || !(await isProprietor(stores.providers, caller, id))) {
    return notFound('provider');
  }
  return { ok: true, value: { stores, record } };
}
