/**
 * All SQL of the search over services: by their age, by distance, by their text. Text is found by pieces of three
 * characters and ranked by whoever asks. Callers: the search.
 */
import { and, asc, desc, eq, exists, gt, inArray, lte, or, sql, type SQL } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  FoundService,
  SearchFilter,
  SearchPosition,
  ServiceSearchStore,
} from '../../application/catalogue-ports.ts';
import { METRES_PER_DEGREE, metresPerDegreeEast } from '../../domain/search/distance.ts';
import { provider, service, serviceTag, venue } from './schema/catalogue.ts';

const COLUMNS = {
  card: service.card,
  createdAtMs: service.createdAtMs,
  venueName: venue.name,
  latitude: venue.latitude,
  longitude: venue.longitude,
};

/** The search of one database. */
export class ServiceSearchRepository implements ServiceSearchStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async newest(
    filter: SearchFilter,
    page: { readonly after: SearchPosition | null; readonly limit: number },
  ): Promise<FoundService[]> {
    const { after } = page;
    // Ranks grow with age, so that every order of the search is ascending.
    const rest =
      after === null
        ? undefined
        : sql`(${service.createdAtMs}, ${service.id}) < (${-after.rank}, ${after.id})`;
    const rows = await this.#orm
      .select(COLUMNS)
      .from(service)
      .innerJoin(venue, eq(venue.id, service.venueId))
      .where(and(...this.#conditions(filter), rest))
      .orderBy(desc(service.createdAtMs), desc(service.id))
      .limit(page.limit);
    return rows.map((row) => ({ ...row, rank: -row.createdAtMs }));
  }

  async nearest(
    filter: SearchFilter & { readonly near: NonNullable<SearchFilter['near']> },
    page: { readonly after: SearchPosition | null; readonly limit: number },
  ): Promise<FoundService[]> {
    const rank = squaredMetres(filter.near);
    const { after } = page;
    const rest =
      after === null
        ? undefined
        : or(gt(rank, after.rank), and(eq(rank, after.rank), gt(service.id, after.id)));
    return this.#orm
      .select({ ...COLUMNS, rank })
      .from(venue)
      .innerJoin(service, eq(service.venueId, venue.id))
      .where(and(...this.#conditions(filter), lte(rank, filter.near.radiusMetres ** 2), rest))
      .orderBy(asc(rank), asc(service.id))
      .limit(page.limit);
  }

  async byText(
    filter: SearchFilter,
    text: { readonly pieces: readonly string[]; readonly folded: string; readonly limit: number },
  ): Promise<FoundService[]> {
    if (text.pieces.length === 0) return this.#containing(filter, text);
    // Each piece is a string of the index's own language; a quotation mark in it is written twice.
    const wanted = text.pieces.map((piece) => `"${piece.replaceAll('"', '""')}"`).join(' OR ');
    const hits = sql`(
      SELECT service_text.service_id, service_search.rank AS hit_rank FROM service_search
      JOIN service_text ON service_text.number = service_search.rowid
      WHERE service_search MATCH ${wanted}) AS hit`;
    const rows = await this.#orm
      .select(COLUMNS)
      .from(hits)
      .innerJoin(service, sql`${service.id} = hit.service_id`)
      .innerJoin(venue, eq(venue.id, service.venueId))
      .where(and(...this.#conditions(filter)))
      .orderBy(sql`hit.hit_rank`)
      .limit(text.limit);
    return rows.map((row) => ({ ...row, rank: 0 }));
  }

  /** Too short for the index. instr() and not LIKE, whose wildcards would need escaping. */
  async #containing(
    filter: SearchFilter,
    { folded, limit }: { readonly folded: string; readonly limit: number },
  ): Promise<FoundService[]> {
    const rows = await this.#orm
      .select(COLUMNS)
      .from(service)
      .innerJoin(venue, eq(venue.id, service.venueId))
      .where(and(...this.#conditions(filter), sql`instr(${service.searchText}, ${folded}) > 0`))
      .orderBy(desc(service.createdAtMs), desc(service.id))
      .limit(limit);
    return rows.map((row) => ({ ...row, rank: 0 }));
  }

  #conditions(filter: SearchFilter): (SQL | undefined)[] {
    const { near } = filter;
    return [
      eq(service.active, true),
      eq(venue.active, true),
      filter.category === null ? undefined : eq(service.category, filter.category),
      filter.providerId === null ? undefined : eq(service.providerId, filter.providerId),
      filter.priceMinorMax === null ? undefined : lte(service.priceMinor, filter.priceMinorMax),
      near === null ? undefined : inBox(near),
      filter.tag === null
        ? undefined
        : inArray(
            service.id,
            this.#orm
              .select({ id: serviceTag.serviceId })
              .from(serviceTag)
              .where(eq(serviceTag.tag, filter.tag)),
          ),
      exists(
        this.#orm
          .select({ one: sql`1` })
          .from(provider)
          .where(and(eq(provider.id, service.providerId), eq(provider.active, true))),
      ),
    ];
  }
}

type Near = NonNullable<SearchFilter['near']>;

/** The degrees of latitude that the radius spans, which the index finds; the distance itself does the rest. */
function inBox({ latitude, radiusMetres }: Near): SQL {
  const span = radiusMetres / METRES_PER_DEGREE;
  return sql`${venue.latitude} BETWEEN ${latitude - span} AND ${latitude + span}`;
}

/**
 * The square of the distance in metres, on a plane that touches the globe at the place: exact enough to order what is
 * within some hundred kilometres, and made of what every SQLite can count. Around the world it goes the shorter way.
 */
function squaredMetres({ latitude, longitude }: Near): SQL<number> {
  const north = sql`(${venue.latitude} - ${latitude}) * ${METRES_PER_DEGREE}`;
  const apart = sql`abs(${venue.longitude} - ${longitude})`;
  const east = sql`min(${apart}, 360 - ${apart}) * ${metresPerDegreeEast(latitude)}`;
  return sql<number>`CAST((${north}) * (${north}) + (${east}) * (${east}) AS INTEGER)`;
}
