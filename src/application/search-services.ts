/**
 * The open search over services of every region: by text that may be mistyped, by distance, else newest first. Reads D1's
 * copies, which may lag by seconds; what is free is asked of the shards at that moment. Called by the service routes.
 */
import type { SlotView } from '../contracts/http/catalogue.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import type { ServiceCard } from '../domain/inventory/cards.ts';
import type { Result } from '../domain/result.ts';
import { distanceMetres } from '../domain/search/distance.ts';
import { foldText, matchText, piecesOf } from '../domain/search/text-match.ts';
import type { EpochMs } from '../domain/time.ts';
import { notFound, type CatalogueDeps } from './catalogue-deps.ts';
import type { FoundService, SearchFilter, SearchPosition } from './catalogue-ports.ts';
import { decodeCursor, encodeCursor, type Page } from './page-cursor.ts';
import type { Logger } from './ports.ts';

export interface ServiceSearch {
  readonly text: string | null;
  readonly filter: SearchFilter;
  readonly freeWithin: { readonly fromMs: EpochMs | null; readonly toMs: EpochMs | null } | null;
  /** Units that have to be free at once. */
  readonly quantity: number;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** A service as the search shows it. */
export interface ServiceHit {
  readonly card: ServiceCard;
  /** The next slot that could be held; within the time that was asked for, where one was. */
  readonly nextFreeSlot: SlotView | null;
  /** Null where nobody asked for a place, or the venue has none. */
  readonly distanceMetres: number | null;
}

export type SearchDeps = Pick<CatalogueDeps, 'ids' | 'catalogue' | 'objects'> & {
  readonly log: Logger;
};

const EVERY_REGION: readonly DataRegion[] = ['global', 'eu'];

/** Texts of a region that are compared with what was typed; the index gives the likeliest first. */
const CANDIDATES_MAX = 300;

/** Best marks of a text. */
const MARKS_MAX = 1_000;

/** Rounds through the services that one page may take to find free ones. The next page goes on where it stopped. */
const ROUNDS_MAX = 5;

/** Shards asked at the same time. */
const SHARDS_AT_ONCE = 20;

/** A page of services on sale. Refusals: `not_found` for a provider that cannot exist, `validation_failed`. */
export async function searchServices(
  deps: SearchDeps,
  search: ServiceSearch,
): Promise<Result<Page<ServiceHit>>> {
  const cursor = decodeCursor(search.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const regions = regionsOf(deps, search.filter.providerId);
  if (regions === null) return notFound('provider');
  const [rank, id] = cursor.value ?? [];
  const first = rank === undefined || id === undefined ? null : { rank, id };
  const find = await finder(deps, search, regions);
  return { ok: true, value: await collect(deps, { search, find, first }) };
}

/** Gives the services after a place, in order. */
type Find = (after: SearchPosition | null, limit: number) => Promise<FoundService[]>;

async function finder(
  deps: SearchDeps,
  { text, filter }: ServiceSearch,
  regions: readonly DataRegion[],
): Promise<Find> {
  const stores = regions.map((region) => deps.catalogue(region).search);
  const { near } = filter;
  if (text !== null) {
    const wanted = { pieces: piecesOf(text), folded: foldText(text), limit: CANDIDATES_MAX };
    const lists = await Promise.all(stores.map((store) => store.byText(filter, wanted)));
    const ranked = rankTexts(lists.flat(), { text, near });
    return async (after, limit) => ranked.filter((row) => isAfter(row, after)).slice(0, limit);
  }
  return async (after, limit) => {
    const page = { after, limit };
    const lists = await Promise.all(
      stores.map((store) =>
        near === null ? store.newest(filter, page) : store.nearest({ ...filter, near }, page),
      ),
    );
    return lists
      .flat()
      .toSorted(near === null ? newestFirst : inOrder)
      .slice(0, limit);
  };
}

/** Those texts that answer what was typed; the nearest first where a place was named, else the best. */
function rankTexts(
  rows: readonly FoundService[],
  asked: { readonly text: string; readonly near: SearchFilter['near'] },
): FoundService[] {
  return rows
    .flatMap((row) => {
      const { card, venueName } = row;
      const words = [card.name, card.description, card.category, card.subcategory, venueName];
      const marks = matchText(asked.text, [...words, ...card.tags].join('\n'));
      if (marks === null) return [];
      const metres = metresTo(row, asked.near);
      if (asked.near === null) return [{ ...row, rank: MARKS_MAX - marks }];
      const isNear = metres !== null && metres <= asked.near.radiusMetres;
      return isNear ? [{ ...row, rank: metres }] : [];
    })
    .toSorted(inOrder);
}

/** Goes through the services until the page is full; where only free ones count, through as many as it takes. */
async function collect(
  deps: SearchDeps,
  from: { search: ServiceSearch; find: Find; first: SearchPosition | null },
): Promise<Page<ServiceHit>> {
  const { search, find } = from;
  const data: ServiceHit[] = [];
  let after = from.first;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const batch = await find(after, search.limit + 1);
    const examined = batch.slice(0, search.limit);
    const slots = await freeSlots(deps, examined, search);
    for (const [index, row] of examined.entries()) {
      const nextFreeSlot = slots[index] ?? null;
      after = { rank: row.rank, id: row.card.id };
      if (search.freeWithin !== null && nextFreeSlot === null) continue;
      const metres = metresTo(row, search.filter.near);
      data.push({ card: row.card, nextFreeSlot, distanceMetres: metres });
      if (data.length === search.limit) break;
    }
    const isEnd = batch.length <= search.limit && examined.at(-1)?.card.id === after?.id;
    if (isEnd || batch.length === 0) return { data, nextCursor: null };
    if (data.length === search.limit) break;
  }
  return { data, nextCursor: after === null ? null : encodeCursor([after.rank, after.id]) };
}

/** The next free slot of each service, in their order. A shard that does not answer is as good as full, and is logged. */
async function freeSlots(
  deps: SearchDeps,
  rows: readonly FoundService[],
  { freeWithin, quantity }: ServiceSearch,
): Promise<(SlotView | null)[]> {
  const byShard = new Map<string, string[]>();
  for (const { card } of rows) {
    const shardKey = deps.ids.open('svc', card.id)?.locator;
    if (shardKey !== undefined) byShard.set(shardKey, [...(byShard.get(shardKey) ?? []), card.id]);
  }
  const found = new Map<string, SlotView | null>();
  const waiting = [...byShard];
  const { fromMs = null, toMs = null } = freeWithin ?? {};
  while (waiting.length > 0) {
    await Promise.all(
      waiting.splice(0, SHARDS_AT_ONCE).map(async ([shardKey, serviceIds]) => {
        const query = { serviceIds, fromMs, toMs, quantity };
        const reply = await deps.objects
          .shard(shardKey)
          .nextFreeSlots(query)
          .catch((error: unknown) => {
            deps.log.warn('search.shard_failed', { shardKey, error: String(error) });
            return null;
          });
        if (reply?.ok !== true) return;
        for (const [index, id] of serviceIds.entries()) found.set(id, reply.value[index] ?? null);
      }),
    );
  }
  return rows.map(({ card }) => found.get(card.id) ?? null);
}

function metresTo(
  { latitude, longitude }: FoundService,
  near: SearchFilter['near'],
): number | null {
  if (near === null || latitude === null || longitude === null) return null;
  return distanceMetres(near, { latitude, longitude });
}

function isAfter({ rank, card }: FoundService, after: SearchPosition | null): boolean {
  return after === null || rank > after.rank || (rank === after.rank && card.id > after.id);
}

function inOrder(a: FoundService, b: FoundService): number {
  return a.rank - b.rank || (a.card.id < b.card.id ? -1 : 1);
}

function newestFirst(a: FoundService, b: FoundService): number {
  return a.rank - b.rank || (a.card.id > b.card.id ? -1 : 1);
}

function regionsOf(
  deps: Pick<CatalogueDeps, 'ids'>,
  providerId: string | null,
): readonly DataRegion[] | null {
  if (providerId === null) return EVERY_REGION;
  const parts = deps.ids.open('prv', providerId);
  return parts === null ? null : [regionOf(parts.locator)];
}
