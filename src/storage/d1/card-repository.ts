/**
 * All SQL of D1's copies of resource and service cards.
 * A card replaces an older version only, so that writers may repeat themselves and overtake one another.
 * Callers: the catalogue's use cases, the projection consumer.
 */
import { and, asc, eq, gt } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { CardStore } from '../../application/catalogue-ports.ts';
import type { ResourceCard, ServiceCard } from '../../domain/inventory/cards.ts';
import { foldText } from '../../domain/search/text-match.ts';
import type { EpochMs } from '../../domain/time.ts';
import { jsonChunks } from './json-rows.ts';
import { service } from './schema/catalogue.ts';

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
    searchText: foldText(words.filter((word) => word !== null).join('\n')),
    card: JSON.stringify(card),
  };
}
