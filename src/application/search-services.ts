/** The open search over services of every region, newest first. Reads D1's copies: it may lag by seconds. */
import type { DataRegion } from '../domain/ids.ts';
import type { ServiceCard } from '../domain/inventory/cards.ts';
import type { Result } from '../domain/result.ts';
import { notFound, type CatalogueDeps } from './catalogue-deps.ts';
import { regionOf } from '../domain/ids.ts';
import { decodeCursor, mergePage, type Page } from './page-cursor.ts';

export interface ServiceSearch {
  readonly text?: string | undefined;
  readonly category?: string | undefined;
  readonly tag?: string | undefined;
  readonly providerId?: string | undefined;
  readonly priceMinorMax?: number | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

const EVERY_REGION: readonly DataRegion[] = ['global', 'eu'];

/** A page of services on sale. Refusals: `not_found` for a provider that cannot exist, `validation_failed`. */
export async function searchServices(
  deps: Pick<CatalogueDeps, 'ids' | 'catalogue'>,
  search: ServiceSearch,
): Promise<Result<Page<ServiceCard>>> {
  const cursor = decodeCursor(search.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const regions = regionsOf(deps, search.providerId);
  if (regions === null) return notFound('provider');
  const [createdAtMs, id] = cursor.value ?? [];
  const query = {
    text: search.text ?? null,
    category: search.category ?? null,
    tag: search.tag ?? null,
    providerId: search.providerId ?? null,
    priceMinorMax: search.priceMinorMax ?? null,
    after: createdAtMs === undefined || id === undefined ? null : { createdAtMs, id },
    limit: search.limit + 1,
  };
  const lists = await Promise.all(
    regions.map((region) => deps.catalogue(region).cards.search(query)),
  );
  const page = mergePage(lists, {
    compare: (a, b) =>
      b.position.createdAtMs - a.position.createdAtMs || (a.position.id < b.position.id ? 1 : -1),
    place: (row) => [row.position.createdAtMs, row.position.id],
    limit: search.limit,
  });
  return { ok: true, value: { ...page, data: page.data.map((row) => row.card) } };
}

function regionsOf(
  deps: Pick<CatalogueDeps, 'ids'>,
  providerId: string | undefined,
): readonly DataRegion[] | null {
  if (providerId === undefined) return EVERY_REGION;
  const parts = deps.ids.open('prv', providerId);
  return parts === null ? null : [regionOf(parts.locator)];
}
