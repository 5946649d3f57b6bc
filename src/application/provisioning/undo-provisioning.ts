/**
 * Undoing the setting up of a provider: everything that it sells goes off sale, whoever made it. Refused while somebody has
 * something of it. Each shard ends its sales in one transaction of its own, so that no booking slips in; what fails on the way
 * is finished by the same call again. Called by the provisioning routes.
 */
import type { Caller } from '../../contracts/calls.ts';
import type { SalesEnd } from '../../contracts/shard-catalogue.ts';
import { CALL_LEASE_MS } from '../../domain/idempotency.ts';
import { regionOf } from '../../domain/ids.ts';
import { ok, refuse, type Refusal, type Result } from '../../domain/result.ts';
import { SECOND_MS } from '../../domain/time.ts';
import { deleteRule } from '../availability/manage-rules.ts';
import { rulesOf } from '../availability/availability-deps.ts';
import { isProprietor, notFound } from '../catalogue-deps.ts';
import type { CatalogueStores, ProviderRecord } from '../catalogue-ports.ts';
import { provisionShards } from '../provision-shards.ts';
import type { Provisioning, ProvisioningDeps } from './provisioning-ports.ts';

type Live = Pick<SalesEnd, 'liveBookings' | 'liveHolds'>;

/**
 * Takes everything of the provider off sale: services, resources, rules with their free slots, venues, staff. Refusals:
 * `not_found`; `idempotency_key_in_progress` while it is being made; `slot_booked` or `slot_held` with `liveBookings` and
 * `liveHolds`, before anything was changed unless somebody was faster than this call; those of the shards.
 */
export async function undoProvisioning(
  deps: ProvisioningDeps,
  caller: Caller,
  id: string,
): Promise<Result<Provisioning>> {
  const parts = deps.ids.open('pvn', id);
  if (parts === null) return notFound('provisioning');
  const store = deps.provisionings(regionOf(parts.locator));
  const record = await store.byId(id);
  if (record === null || !(await mayUndo(deps, caller, record))) return notFound('provisioning');
  if (record.state === 'undone') return ok(record);
  const waitMs = record.touchedAtMs + CALL_LEASE_MS - deps.clock.nowMs();
  if (record.state === 'making' && waitMs > 0)
    return refuse('idempotency_key_in_progress', 'It may still be at work.', {
      retryAfterSeconds: Math.ceil(waitMs / SECOND_MS),
    });
  const refusal = await liveRefusal(deps, caller, record.providerId);
  if (refusal !== null) return { ok: false, refusal };
  await store.move(id, { from: ['making', 'done'], to: 'undoing' });
  const closed = await closeProvider(deps, caller, record.providerId);
  if (!closed.ok) return closed;
  await store.move(id, { from: ['undoing'], to: 'undone' });
  return ok({ ...record, state: 'undone' });
}

/** True for whoever asked for it, the provider's owner and operators. */
export async function mayUndo(
  deps: ProvisioningDeps,
  caller: Caller,
  { callerId, providerId }: Provisioning,
): Promise<boolean> {
  const { providers } = deps.catalogue(regionOf(deps.ids.open('prv', providerId)?.locator ?? ''));
  return callerId === caller.id || isProprietor(providers, caller, providerId);
}

/** Takes a provider with everything off sale; one that was never made has nothing. Refusals: as above, those of the shards. */
export async function closeProvider(
  deps: ProvisioningDeps,
  caller: Caller,
  providerId: string,
): Promise<Result<null>> {
  const found = await providerOf(deps, providerId);
  if (found === null) return ok(null);
  const { stores, record } = found;
  for (const { shardKey } of await stores.providers.shardsOf(providerId)) {
    const ended = await deps.objects.shard(shardKey).endSales({ caller, isDryRun: false });
    if (!ended.ok) return ended;
    const refusal = refusalOf(ended.value);
    if (refusal !== null) return { ok: false, refusal };
    const { services, resources } = ended.value;
    await stores.cards.putServices(services, deps.clock.nowMs());
    await stores.cards.putResources(resources);
    for (const { id } of services) {
      const deleted = await deleteRules(deps, caller, id);
      if (!deleted.ok) return deleted;
    }
  }
  await stores.venues.deactivateAllOf(providerId);
  for (const { userId } of await stores.providers.staffOf(providerId))
    await stores.providers.removeStaff(providerId, userId);
  await stores.providers.patch(providerId, { active: false });
  return provisionShards(deps, stores.providers, { provider: record, caller });
}

/** Deletes the rules of a service with their free slots. */
async function deleteRules(
  deps: ProvisioningDeps,
  caller: Caller,
  serviceId: string,
): Promise<Result<null>> {
  const { rules } = await rulesOf(deps.availability, serviceId).ofService(serviceId);
  for (const { id } of rules) {
    const deleted = await deleteRule(deps.availability, caller, { id, isDryRun: false });
    if (!deleted.ok) return deleted;
  }
  return ok(null);
}

/** Why it cannot be undone, by all shards together; null where it can. */
async function liveRefusal(
  deps: ProvisioningDeps,
  caller: Caller,
  providerId: string,
): Promise<Refusal | null> {
  const found = await providerOf(deps, providerId);
  if (found === null) return null;
  const live = { liveBookings: 0, liveHolds: 0 };
  for (const { shardKey } of await found.stores.providers.shardsOf(providerId)) {
    const looked = await deps.objects.shard(shardKey).endSales({ caller, isDryRun: true });
    if (!looked.ok) return looked.refusal;
    live.liveBookings += looked.value.liveBookings;
    live.liveHolds += looked.value.liveHolds;
  }
  return refusalOf(live);
}

async function providerOf(
  deps: ProvisioningDeps,
  providerId: string,
): Promise<{ readonly stores: CatalogueStores; readonly record: ProviderRecord } | null> {
  const parts = deps.ids.open('prv', providerId);
  if (parts === null) return null;
  const stores = deps.catalogue(regionOf(parts.locator));
  const record = await stores.providers.byId(providerId);
  return record === null ? null : { stores, record };
}

function refusalOf({ liveBookings, liveHolds }: Live): Refusal | null {
  if (liveBookings + liveHolds === 0) return null;
  const counts = { liveBookings, liveHolds };
  return liveBookings > 0
    ? refuse('slot_booked', 'Somebody has booked here. Cancel their bookings first.', counts)
        .refusal
    : refuse('slot_held', 'Somebody is about to book. Try again when their hold is over.', counts)
        .refusal;
}
