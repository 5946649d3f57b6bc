/** Venues of a provider. They live in D1 alone; what a venue sells is in the shards. Called by the venue routes. */
import type { Caller } from '../contracts/calls.ts';
import type { CreateVenueBody, PatchVenueBody } from '../contracts/http/catalogue.ts';
import { regionOf } from '../domain/ids.ts';
import { refuse, type Result } from '../domain/result.ts';
import { isManager, notFound, regionId, type Asker, type CatalogueDeps } from './catalogue-deps.ts';
import type { CatalogueStores, VenueRecord } from './catalogue-ports.ts';
import { deactivateServices, taxServices } from './change-services.ts';
import { managedProvider } from './manage-providers.ts';

/** Creates a venue. Refusals: `not_found` for somebody else's provider, `invalid_transition` for a deactivated one. */
export async function createVenue(
  deps: CatalogueDeps,
  asker: Asker,
  body: CreateVenueBody,
): Promise<Result<VenueRecord>> {
  const found = await managedProvider(deps, asker.caller, body.providerId);
  if (!found.ok) return found;
  const { stores, record: provider } = found.value;
  if (!provider.active) return refuse('invalid_transition', 'The provider is deactivated.');
  const value = await stores.venues.insert({
    id: regionId(deps, asker, { kind: 'ven', region: provider.dataRegion }),
    providerId: provider.id,
    name: body.name,
    timeZone: body.timeZone,
    address: body.address ?? null,
    latitude: body.latitude ?? null,
    longitude: body.longitude ?? null,
    commissionBps: body.commissionBps ?? null,
    tax: body.tax ?? null,
    active: true,
    createdAtMs: deps.clock.nowMs(),
  });
  return { ok: true, value };
}

/** Reads a venue. Refusals: `not_found`. */
export async function readVenue(deps: CatalogueDeps, id: string): Promise<Result<VenueRecord>> {
  const parts = deps.ids.open('ven', id);
  if (parts === null) return notFound('venue');
  const record = await deps.catalogue(regionOf(parts.locator)).venues.byId(id);
  return record === null ? notFound('venue') : { ok: true, value: record };
}

/**
 * Changes a venue. Another tax is answered once every service of the venue is sold with it; what failed on the way is
 * finished by the same call again. Refusals: `not_found`, also for somebody else's; those of a shard.
 */
export async function patchVenue(
  deps: CatalogueDeps,
  caller: Caller,
  change: { readonly id: string; readonly body: PatchVenueBody },
): Promise<Result<VenueRecord>> {
  const found = await managedVenue(deps, caller, change.id);
  if (!found.ok) return found;
  const { stores } = found.value;
  const { name, address, latitude, longitude, tax } = change.body;
  const patched = await stores.venues.patch(change.id, {
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { address }),
    ...(latitude === undefined ? {} : { latitude }),
    ...(longitude === undefined ? {} : { longitude }),
    ...(tax === undefined ? {} : { tax }),
  });
  if (tax !== undefined) {
    const taxing = { caller, venueId: change.id, tax };
    const taxed = await taxServices(deps, stores.cards, taxing);
    if (!taxed.ok) return taxed;
  }
  return patched === null ? notFound('venue') : { ok: true, value: patched };
}

/** Takes a venue with all it sells off sale; sold bookings stay. Refusals: `not_found`, also for somebody else's. */
export async function deactivateVenue(
  deps: CatalogueDeps,
  caller: Caller,
  id: string,
): Promise<Result<null>> {
  const found = await managedVenue(deps, caller, id);
  if (!found.ok) return found;
  const { stores } = found.value;
  const deactivated = await deactivateServices(deps, stores.cards, {
    caller,
    owner: { venueId: id },
  });
  if (!deactivated.ok) return deactivated;
  await stores.venues.patch(id, { active: false });
  return { ok: true, value: null };
}

/** A venue that the caller may manage, with the stores of its region. Refusals: `not_found`. */
export async function managedVenue(
  deps: CatalogueDeps,
  caller: Caller,
  id: string,
): Promise<Result<{ readonly stores: CatalogueStores; readonly record: VenueRecord }>> {
  const parts = deps.ids.open('ven', id);
  if (parts === null) return notFound('venue');
  const stores = deps.catalogue(regionOf(parts.locator));
  const record = await stores.venues.byId(id);
  if (record === null || !(await isManager(stores.providers, caller, record.providerId))) {
    return notFound('venue');
  }
  return { ok: true, value: { stores, record } };
}
