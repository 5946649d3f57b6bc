/** All SQL of calendar feeds: who has one, and what of the read model it shows. */
import { and, asc, eq, isNull } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  Feed,
  FeedEntry,
  FeedEntryStore,
  FeedStore,
  FeedWindow,
} from '../../application/feed-ports.ts';
import type { EpochMs } from '../../domain/time.ts';
import { feed } from './schema/feed.ts';

const INSERT = `
  INSERT INTO feed (id, token_hash, owner_id, resource_id, provider_id, created_at_ms)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6
  WHERE (SELECT count(*) FROM feed WHERE owner_id = ?3 AND revoked_at_ms IS NULL) < ?7`;

/** A booking from before its slots were kept is one entry over all of it. */
const ENTRY = `
  SELECT booking.id AS bookingId, booking.code AS code, booking.status AS status, booking.version AS version,
    coalesce(slot.changed_at_ms, booking.created_at_ms) AS changedAtMs, coalesce(slot.place, 0) AS place,
    coalesce(slot.label, 'Booking') AS label, coalesce(slot.start_at_ms, booking.start_at_ms) AS startAtMs,
    coalesce(slot.end_at_ms, booking.end_at_ms) AS endAtMs, venue.name AS venueName, venue.address AS venueAddress,
    venue.latitude AS latitude, venue.longitude AS longitude`;

// A slot with several resources is one entry: the rows of the others are left out.
const OF_CUSTOMER = `${ENTRY}
  FROM booking
  LEFT JOIN booking_slot AS slot ON slot.booking_id = booking.id AND NOT EXISTS (
    SELECT 1 FROM booking_slot AS other
    WHERE other.booking_id = slot.booking_id AND other.place = slot.place AND other.resource_id < slot.resource_id)
  LEFT JOIN venue ON venue.id = booking.venue_id
  WHERE booking.customer_id = ?1 AND booking.end_at_ms > ?2 AND booking.end_at_ms <= ?3
  ORDER BY booking.end_at_ms, booking.id, slot.place LIMIT ?4`;

const OF_RESOURCE = `${ENTRY}
  FROM booking_slot AS slot
  JOIN booking ON booking.id = slot.booking_id
  LEFT JOIN venue ON venue.id = booking.venue_id
  WHERE slot.resource_id = ?1 AND slot.end_at_ms > ?2 AND slot.end_at_ms <= ?3
  ORDER BY slot.end_at_ms, slot.booking_id LIMIT ?4`;

const SHOWN = {
  id: feed.id,
  ownerId: feed.ownerId,
  resourceId: feed.resourceId,
  providerId: feed.providerId,
  createdAtMs: feed.createdAtMs,
};

/** Feeds of one database, and the entries that it has for them. */
export class FeedRepository implements FeedStore, FeedEntryStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async insert(made: Feed & { readonly tokenHash: string }, max: number): Promise<boolean> {
    const { id, tokenHash, ownerId, resourceId, providerId, createdAtMs } = made;
    const done = await this.#database
      .prepare(INSERT)
      .bind(id, tokenHash, ownerId, resourceId, providerId, createdAtMs, max)
      .run();
    return done.meta.changes === 1;
  }

  async byTokenHash(tokenHash: string): Promise<Feed | null> {
    const [found] = await this.#orm
      .select(SHOWN)
      .from(feed)
      .where(and(eq(feed.tokenHash, tokenHash), isNull(feed.revokedAtMs)));
    return found ?? null;
  }

  ofOwner(ownerId: string): Promise<Feed[]> {
    return this.#orm
      .select(SHOWN)
      .from(feed)
      .where(and(eq(feed.ownerId, ownerId), isNull(feed.revokedAtMs)))
      .orderBy(asc(feed.createdAtMs));
  }

  async revoke(id: string, ownerId: string, nowMs: EpochMs): Promise<boolean> {
    const done = await this.#orm
      .update(feed)
      .set({ revokedAtMs: nowMs })
      .where(and(eq(feed.id, id), eq(feed.ownerId, ownerId), isNull(feed.revokedAtMs)));
    return done.meta.changes === 1;
  }

  ofCustomer(customerId: string, window: FeedWindow): Promise<FeedEntry[]> {
    return this.#entries(OF_CUSTOMER, customerId, window);
  }

  ofResource(resourceId: string, window: FeedWindow): Promise<FeedEntry[]> {
    return this.#entries(OF_RESOURCE, resourceId, window);
  }

  async #entries(
    statement: string,
    id: string,
    { fromMs, toMs, limit }: FeedWindow,
  ): Promise<FeedEntry[]> {
    const { results } = await this.#database
      .prepare(statement)
      .bind(id, fromMs, toMs, limit)
      .all<FeedEntry & Record<string, unknown>>();
    return results;
  }
}
