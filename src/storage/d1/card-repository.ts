/**
 * All SQL of D1's copies of resource and service cards, and of the search over them.
 * A card replaces an older version only, so that writers may repeat themselves and overtake one another.
 * Callers: the catalogue's use cases, the search, the projection consumer.
 */
import { and, asc, desc, eq, exists, gt, inArray, lte, sql, type SQL } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { CardStore, FoundService, ServiceQuery } from '../../application/catalogue-ports.ts';
import type { ResourceCard, ServiceCard } from '../../domain/inventory/cards.ts';
import type { EpochMs } from '../../domain/time.ts';
import { jsonChunks } from './json-rows.ts';
import { provider, service, serviceTag, venue } from './schema/catalogue.ts';

// `WHERE true` keeps the parser from taking ON CONFLICT for a join constraint.
const UPSERT_RESOURCES = `
  INSERT INTO resource (id, provider_id, venue_id, name, active, version, card)
  SELECT
    value ->> 'id', value ->> 'providerId', value ->> 'venueId', value ->> 'name', value ->> 'active',
    value ->> 'version', value ->> 'card'
  FROM json_each(?1)
  WHERE true
  ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, active = excluded.active, version = excluded.version, card = excluded.card
  WHERE excluded.version > resource.version`;

const UPSERT_SERVICES = `
  INSERT INTO service (
    id, provider_id, venue_id, name, category, subcategory, price_minor, currency, active, search_text, version,
    created_at_ms, card
  )
  SELECT
    value ->> 'id', value ->> 'providerId', value ->> 'venueId', value ->> 'name', value ->> 'category',
    value ->> 'subcategory', value ->> 'priceMinor', value ->> 'currency', value ->> 'active', value ->> 'searchText',
    value ->> 'version', ?2, value ->> 'card'
  FROM json_each(?1)
  WHERE true
  ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, category = excluded.category, subcategory = excluded.subcategory,
    price_minor = excluded.price_minor, currency = excluded.currency, active = excluded.active,
    search_text = excluded.search_text, version = excluded.version, card = excluded.card
  WHERE excluded.version > service.version`;

/** Cards of one database. */
export class CardRepository implements CardStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async putResources(cards: readonly ResourceCard[]): Promise<void> {
    const statements = this.resourceStatements(cards);
    if (statements.length > 0) await this.#database.batch(statements);
  }

  async putServices(cards: readonly ServiceCard[], nowMs: EpochMs): Promise<void> {
    const statements = this.serviceStatements(cards, nowMs);
    if (statements.length > 0) await this.#database.batch(statements);
  }

  /** The writes of `putResources`, for a caller that commits them together with its own. */
  resourceStatements(cards: readonly ResourceCard[]): D1PreparedStatement[] {
    const upsert = this.#database.prepare(UPSERT_RESOURCES);
    return jsonChunks(cards.map(resourceRow)).map((chunk) => upsert.bind(chunk));
  }

  /** The writes of `putServices`, for a caller that commits them together with its own. */
  serviceStatements(cards: readonly ServiceCard[], nowMs: EpochMs): D1PreparedStatement[] {
    const upsert = this.#database.prepare(UPSERT_SERVICES);
    return jsonChunks(cards.map(serviceRow)).map((chunk) => upsert.bind(chunk, nowMs));
  }

  async search(query: ServiceQuery): Promise<FoundService[]> {
    const rows = await this.#orm
      .select({ card: service.card, createdAtMs: service.createdAtMs, id: service.id })
      .from(service)
      .where(and(...this.#conditions(query)))
      .orderBy(desc(service.createdAtMs), desc(service.id))
      .limit(query.limit);
    return rows.map(({ card, createdAtMs, id }) => ({ card, position: { createdAtMs, id } }));
  }

  async serviceIds(
    owner: { readonly providerId: string } | { readonly venueId: string },
    page: { readonly afterId: string; readonly limit: number; readonly isOnSale: boolean },
  ): Promise<string[]> {
    const isOwned =
      'venueId' in owner
        ? eq(service.venueId, owner.venueId)
        : eq(service.providerId, owner.providerId);
    const rows = await this.#orm
      .select({ id: service.id })
      .from(service)
      .where(
        and(
          isOwned,
          page.isOnSale ? eq(service.active, true) : undefined,
          gt(service.id, page.afterId),
        ),
      )
      .orderBy(asc(service.id))
      .limit(page.limit);
    return rows.map((row) => row.id);
  }

  #conditions(query: ServiceQuery): (SQL | undefined)[] {
    const { after } = query;
    const one = { one: sql`1` };
    return [
      eq(service.active, true),
      query.category === null ? undefined : eq(service.category, query.category),
      query.providerId === null ? undefined : eq(service.providerId, query.providerId),
      query.priceMinorMax === null ? undefined : lte(service.priceMinor, query.priceMinorMax),
      // instr() and not LIKE: D1 caps a LIKE pattern at 50 bytes, and its wildcards would need escaping.
      query.text === null
        ? undefined
        : sql`instr(${service.searchText}, ${query.text.toLowerCase()}) > 0`,
      query.tag === null
        ? undefined
        : inArray(
            service.id,
            this.#orm
              .select({ id: serviceTag.serviceId })
              .from(serviceTag)
              .where(eq(serviceTag.tag, query.tag)),
          ),
      exists(
        this.#orm
          .select(one)
          .from(venue)
          .where(and(eq(venue.id, service.venueId), eq(venue.active, true))),
      ),
      exists(
        this.#orm
          .select(one)
          .from(provider)
          .where(and(eq(provider.id, service.providerId), eq(provider.active, true))),
      ),
      after === null
        ? undefined
        : sql`(${service.createdAtMs}, ${service.id}) < (${after.createdAtMs}, ${after.id})`,
    ];
  }
}

function resourceRow(card: ResourceCard) {
  const { id, providerId, venueId, name, version } = card;
  const active = card.active ? 1 : 0;
  return { id, providerId, venueId, name, active, version, card: JSON.stringify(card) };
}

function serviceRow(card: ServiceCard) {
  const { id, providerId, venueId, name, category, subcategory, version } = card;
  const words = [name, card.description, category, subcategory, ...card.tags];
  return {
    id,
    providerId,
    venueId,
    name,
    category,
    subcategory,
    version,
    priceMinor: card.price.amount,
    currency: card.price.currency,
    active: card.active ? 1 : 0,
    searchText: words
      .filter((word) => word !== null)
      .join('\n')
      .toLowerCase(),
    card: JSON.stringify(card),
  };
}
