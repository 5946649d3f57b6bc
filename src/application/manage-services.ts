/**
 * Services: what is sold and by which rules. A change answers only when the shard has it; D1 follows for search.
 * Called by the service routes.
 */
import type { Caller, Reply } from '../contracts/calls.ts';
import type { PatchServiceCommand } from '../contracts/shard-catalogue.ts';
import type { CreateServiceBody } from '../contracts/http/catalogue.ts';
import { DEFAULT_CANCELLATION_POLICY } from '../domain/booking/cancellation-policy.ts';
import { regionOf } from '../domain/ids.ts';
import type { CommissionTerms, ServiceCard, TaxRule } from '../domain/inventory/cards.ts';
import { refuse, type Result } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import {
  invalidField,
  notFound,
  shardId,
  type Asker,
  type CatalogueDeps,
} from './catalogue-deps.ts';
import type { ProviderRecord, ProviderStore, VenueRecord } from './catalogue-ports.ts';
import { managedVenue } from './manage-venues.ts';

const BOOKING_WINDOW_DAYS_DEFAULT = 365;
const HOLD_TTL_SECONDS_DEFAULT = 300;
const MAX_QUANTITY_DEFAULT = 1;

/** A body with its instant already read, because time is made at the edges. */
export interface NewService {
  readonly body: CreateServiceBody;
  readonly saleStartsAtMs: EpochMs | null;
}

/**
 * Creates a service. Refusals: `not_found` for somebody else's venue, `validation_failed` for unknown resources or
 * plans or another currency, `slots_span_shards` where the resources are in several shards, those of the shard.
 */
export async function createService(
  deps: CatalogueDeps,
  asker: Asker,
  request: NewService,
): Promise<Reply<ServiceCard>> {
  const { body } = request;
  const found = await managedVenue(deps, asker.caller, body.venueId);
  if (!found.ok) return found;
  const { stores, record: venue } = found.value;
  if (!venue.active) return refuse('invalid_transition', 'The venue is deactivated.');
  const provider = await stores.providers.byId(venue.providerId);
  if (provider === null) return notFound('venue');
  const checked = await checkReferences(deps, body, { provider, providers: stores.providers });
  if (!checked.ok) return checked;
  const shardKey = checked.value;
  const id = shardId(deps, asker, { kind: 'svc', shardKey });
  const card = buildCard(request, { id, venue, terms: await deps.commissionTerms(venue.id) });
  const reply = await deps.objects.shard(shardKey).putService({ caller: asker.caller, card });
  if (!reply.ok) return reply;
  await stores.cards.putServices([reply.value], deps.clock.nowMs());
  const now = await stores.venues.byId(venue.id);
  if (now === null || isSameTax(now.tax, reply.value.tax)) return reply;
  // The venue's tax changed while this service was made, and whoever changed it may not have seen the service yet.
  return changeService(deps, asker.caller, { id, patch: { tax: now.tax } });
}

function isSameTax(a: TaxRule | null, b: TaxRule | null): boolean {
  return a?.rateBps === b?.rateBps && a?.inclusive === b?.inclusive;
}

/** Reads a service from its shard. Refusals: `not_found`. */
export async function readService(deps: CatalogueDeps, id: string): Promise<Reply<ServiceCard>> {
  const parts = deps.ids.open('svc', id);
  if (parts === null) return notFound('service');
  return deps.objects.shard(parts.locator).getService(id);
}

/** Changes a service in its shard, then D1. Refusals: `validation_failed`, those of the shard. */
export async function changeService(
  deps: CatalogueDeps,
  caller: Caller,
  change: { readonly id: string; readonly patch: PatchServiceCommand['patch'] },
): Promise<Reply<ServiceCard>> {
  const { id, patch } = change;
  const parts = deps.ids.open('svc', id);
  if (parts === null) return notFound('service');
  const unknownPlan = firstUnknownPlan(deps, patch.planIds ?? []);
  if (unknownPlan !== null) return unknownPlan;
  const reply = await deps.objects.shard(parts.locator).patchService({ caller, id, patch });
  if (!reply.ok) return reply;
  await deps
    .catalogue(regionOf(parts.locator))
    .cards.putServices([reply.value], deps.clock.nowMs());
  return reply;
}

/** The one shard of all resources; the shard itself checks that it has them. */
async function checkReferences(
  deps: CatalogueDeps,
  body: CreateServiceBody,
  { provider, providers }: { provider: ProviderRecord; providers: ProviderStore },
): Promise<Result<string>> {
  const keys = new Set<string>();
  for (const [index, id] of body.resourceIds.entries()) {
    const parts = deps.ids.open('res', id);
    if (parts === null || regionOf(parts.locator) !== provider.dataRegion) {
      return invalidField(`/resourceIds/${index}`, 'is not a resource of this provider');
    }
    keys.add(parts.locator);
  }
  const [shardKey, ...others] = keys;
  if (others.length > 0 || shardKey === undefined) {
    return refuse('slots_span_shards', 'The resources of a service are in one shard.');
  }
  if ((await providers.shardOwner(shardKey)) !== provider.id) {
    return invalidField('/resourceIds/0', 'is not a resource of this provider');
  }
  if (body.price.currency !== provider.currency) {
    return invalidField('/price/currency', `must be the provider's, ${provider.currency}`);
  }
  if ((body.noShowFee?.currency ?? provider.currency) !== provider.currency) {
    return invalidField('/noShowFee/currency', `must be the provider's, ${provider.currency}`);
  }
  return firstUnknownPlan(deps, body.planIds ?? []) ?? { ok: true, value: shardKey };
}

function firstUnknownPlan(deps: CatalogueDeps, planIds: readonly string[]) {
  const index = planIds.findIndex((id) => deps.ids.open('pln', id) === null);
  return index === -1 ? null : invalidField(`/planIds/${index}`, 'is not a plan');
}

function buildCard(
  { body, saleStartsAtMs }: NewService,
  { id, venue, terms }: { id: string; venue: VenueRecord; terms: CommissionTerms },
): Omit<ServiceCard, 'version'> {
  return {
    id,
    providerId: venue.providerId,
    venueId: venue.id,
    name: body.name,
    description: body.description ?? null,
    category: body.category,
    subcategory: body.subcategory ?? null,
    requirements: body.requirements ?? null,
    tags: body.tags ?? [],
    active: body.active ?? true,
    resourceIds: body.resourceIds,
    allocation: body.allocation ?? 'any',
    durationMinutes: body.durationMinutes,
    minimumDurationMinutes: body.minimumDurationMinutes ?? null,
    maximumDurationMinutes: body.maximumDurationMinutes ?? null,
    price: body.price,
    priceType: body.priceType ?? 'fixed',
    timeZone: venue.timeZone,
    bufferBeforeMinutes: body.bufferBeforeMinutes ?? 0,
    bufferAfterMinutes: body.bufferAfterMinutes ?? 0,
    minimumNoticeMinutes: body.minimumNoticeMinutes ?? 0,
    bookingWindowDays: body.bookingWindowDays ?? BOOKING_WINDOW_DAYS_DEFAULT,
    holdTtlSeconds: body.holdTtlSeconds ?? HOLD_TTL_SECONDS_DEFAULT,
    access: body.access ?? 'open',
    planIds: body.planIds ?? [],
    maxQuantity: body.maxQuantity ?? MAX_QUANTITY_DEFAULT,
    maxPerCustomer: body.maxPerCustomer ?? null,
    maxPerCustomerPerDay: body.maxPerCustomerPerDay ?? null,
    saleStartsAtMs,
    requiresApproval: body.requiresApproval ?? false,
    pledge: body.pledge ?? null,
    cancellationPolicy: body.cancellationPolicy ?? DEFAULT_CANCELLATION_POLICY,
    noShowFee: body.noShowFee ?? null,
    tax: venue.tax,
    ...terms,
  };
}
