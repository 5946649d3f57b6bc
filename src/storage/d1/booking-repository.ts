/**
 * All SQL of the read model of bookings. A row is replaced by a newer version only, and the cursor of a stream moves
 * in the batch that applies what lies before it, forward only: any order and any number of consumers end the same.
 * Callers: the projection consumer, the list of bookings, the look-up by code.
 */
import { and, desc, eq, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { BookingListQuery, BookingListStore } from '../../application/booking-list-ports.ts';
import type { BookingCodeStore } from '../../application/look-up-booking.ts';
import type { BookingProjection, ProjectionBatch } from '../../contracts/shard-streams.ts';
import type { EpochMs } from '../../domain/time.ts';
import { CardRepository } from './card-repository.ts';
import { jsonChunks } from './json-rows.ts';
import { booking, projectionStream } from './schema/read-model.ts';

// `WHERE true` keeps the parser from taking ON CONFLICT for a join constraint. What never changes is not updated.
const UPSERT_BOOKINGS = `
  INSERT INTO booking (
    id, code, shard_key, provider_id, venue_id, service_id, customer_id, status, start_at_ms, end_at_ms, total_minor,
    currency, payment_id, payment_status, processor, processor_ref, captured_minor, refunded_minor, created_at_ms,
    version
  )
  SELECT
    value ->> 'id', value ->> 'code', value ->> 'shardKey', value ->> 'providerId', value ->> 'venueId',
    value ->> 'serviceId', value ->> 'customerId', value ->> 'status', value ->> 'startAtMs', value ->> 'endAtMs',
    value ->> 'totalMinor', value ->> 'currency', value ->> 'paymentId', value ->> 'paymentStatus',
    value ->> 'processor', value ->> 'processorRef', value ->> 'capturedMinor', value ->> 'refundedMinor',
    value ->> 'createdAtMs', value ->> 'version'
  FROM json_each(?1)
  WHERE true
  ON CONFLICT (id) DO UPDATE SET
    customer_id = excluded.customer_id, status = excluded.status, start_at_ms = excluded.start_at_ms,
    end_at_ms = excluded.end_at_ms, total_minor = excluded.total_minor, payment_id = excluded.payment_id,
    payment_status = excluded.payment_status, processor = excluded.processor,
    processor_ref = excluded.processor_ref, captured_minor = excluded.captured_minor,
    refunded_minor = excluded.refunded_minor, version = excluded.version
  WHERE excluded.version > booking.version`;

/** Bookings of a chunk whose rows are of the version that stands. */
const STANDING = `
  FROM (SELECT value AS told FROM json_each(?1))
  JOIN booking ON booking.id = told ->> 'bookingId' AND booking.version = told ->> 'version'`;

const DELETE_SLOTS = `DELETE FROM booking_slot WHERE booking_id IN (SELECT booking.id ${STANDING})`;

const INSERT_SLOTS = `
  INSERT INTO booking_slot (booking_id, place, resource_id, label, start_at_ms, end_at_ms, changed_at_ms)
  SELECT booking.id, value ->> 'place', value ->> 'resourceId', value ->> 'label', value ->> 'startAtMs',
    value ->> 'endAtMs', told ->> 'changedAtMs'
  ${STANDING}
  JOIN json_each(told, '$.slots')`;

const ADVANCE_STREAM = `
  INSERT INTO projection_stream (shard_key, applied_seq) VALUES (?1, ?2)
  ON CONFLICT (shard_key) DO UPDATE SET applied_seq = excluded.applied_seq
  WHERE excluded.applied_seq > projection_stream.applied_seq`;

/** The read model of one database. */
export class BookingRepository implements BookingListStore, BookingCodeStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  /** How far the shard's changes were applied; 0 before the first. */
  async appliedSeq(shardKey: string): Promise<number> {
    const [row] = await this.#orm
      .select({ appliedSeq: projectionStream.appliedSeq })
      .from(projectionStream)
      .where(eq(projectionStream.shardKey, shardKey));
    return row?.appliedSeq ?? 0;
  }

  /** Writes what changed and the cursor in one transaction. */
  async apply(batch: ProjectionBatch, nowMs: EpochMs): Promise<void> {
    const cards = new CardRepository(this.#database);
    const upsert = this.#database.prepare(UPSERT_BOOKINGS);
    await this.#database.batch([
      ...jsonChunks(batch.bookings).map((chunk) => upsert.bind(chunk)),
      ...jsonChunks(batch.bookingSlots ?? []).flatMap((chunk) =>
        [DELETE_SLOTS, INSERT_SLOTS].map((statement) =>
          this.#database.prepare(statement).bind(chunk),
        ),
      ),
      ...cards.resourceStatements(batch.resources),
      ...cards.serviceStatements(batch.services, nowMs),
      this.#database.prepare(ADVANCE_STREAM).bind(batch.shardKey, batch.throughSeq),
    ]);
  }

  /** Bookings with this code: one, as good as always. */
  byCode(code: string): Promise<{ id: string; customerId: string }[]> {
    return this.#orm
      .select({ id: booking.id, customerId: booking.customerId })
      .from(booking)
      .where(eq(booking.code, code));
  }

  async list(query: BookingListQuery): Promise<BookingProjection[]> {
    const { owner, after } = query;
    const column = {
      customer: booking.customerId,
      provider: booking.providerId,
      venue: booking.venueId,
    }[owner.kind];
    return this.#orm
      .select()
      .from(booking)
      .where(
        and(
          eq(column, owner.id),
          query.status === null ? undefined : eq(booking.status, query.status),
          after === null
            ? undefined
            : sql`(${booking.createdAtMs}, ${booking.id}) < (${after.createdAtMs}, ${after.id})`,
        ),
      )
      .orderBy(desc(booking.createdAtMs), desc(booking.id))
      .limit(query.limit);
  }
}
