/**
 * Lists of bookings from the read model: a customer's own, or a provider's or venue's for whoever runs it.
 * They may lag behind the shards by seconds; nothing is decided by them.
 */
import { identitiesOf, type Caller } from '../contracts/calls.ts';
import type { BookingProjection } from '../contracts/shard-streams.ts';
import type { BookingState } from '../domain/booking/booking-machine.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import type { Result } from '../domain/result.ts';
import type { BookingListStore, BookingOwner } from './booking-list-ports.ts';
import type { CatalogueStores } from './catalogue-ports.ts';
import { isManager, notFound } from './catalogue-deps.ts';
import { decodeCursor, mergePage, type Page } from './page-cursor.ts';
import type { IdCodec } from './ports.ts';

export interface ListBookingsDeps {
  readonly ids: IdCodec;
  catalogue(region: DataRegion): Pick<CatalogueStores, 'providers' | 'venues'>;
  bookings(region: DataRegion): BookingListStore;
}

export interface ListBookings {
  readonly caller: Caller;
  readonly providerId: string | undefined;
  readonly venueId: string | undefined;
  readonly status: BookingState | undefined;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** A page, newest first. Refusals: `not_found` for somebody else's provider or venue, `validation_failed`. */
export async function listBookings(
  deps: ListBookingsDeps,
  request: ListBookings,
): Promise<Result<Page<BookingProjection>>> {
  const cursor = decodeCursor(request.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const scope = await scopeOf(deps, request);
  if (!scope.ok) return scope;
  const [createdAtMs, id] = cursor.value ?? [];
  const { owners, regions } = scope.value;
  const query = {
    status: request.status ?? null,
    after: createdAtMs === undefined || id === undefined ? null : { createdAtMs, id },
    limit: request.limit + 1,
  };
  const lists = await Promise.all(
    regions.flatMap((region) =>
      owners.map((owner) => deps.bookings(region).list({ ...query, owner })),
    ),
  );
  const value = mergePage(lists, {
    compare: (a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1),
    place: (row) => [row.createdAtMs, row.id],
    limit: request.limit,
  });
  return { ok: true, value };
}

type Scope = { readonly owners: readonly BookingOwner[]; readonly regions: readonly DataRegion[] };

/** A venue narrows a provider; both named must belong together. A customer's bookings may be in either region. */
async function scopeOf(deps: ListBookingsDeps, request: ListBookings): Promise<Result<Scope>> {
  const { caller, providerId, venueId } = request;
  if (providerId === undefined && venueId === undefined) {
    const owners = identitiesOf(caller).map((id) => ({ kind: 'customer', id }) as const);
    return { ok: true, value: { owners, regions: ['global', 'eu'] } };
  }
  const [kind, id] =
    venueId === undefined ? (['prv', providerId ?? ''] as const) : (['ven', venueId] as const);
  const parts = deps.ids.open(kind, id);
  if (parts === null) return notFound('provider or venue');
  const region = regionOf(parts.locator);
  const stores = deps.catalogue(region);
  const ownerProviderId = kind === 'prv' ? id : (await stores.venues.byId(id))?.providerId;
  if (ownerProviderId === undefined) return notFound('provider or venue');
  if (providerId !== undefined && providerId !== ownerProviderId)
    return notFound('provider or venue');
  if (!(await isManager(stores.providers, caller, ownerProviderId)))
    return notFound('provider or venue');
  const owner = { kind: kind === 'prv' ? ('provider' as const) : ('venue' as const), id };
  return { ok: true, value: { owners: [owner], regions: [region] } };
}
