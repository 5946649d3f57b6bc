/**
 * All SQL of the audit trail. Rows only ever come in, as the next links of their stream: the triggers of
 * migrations/0003_create_audit.sql see to that, and turn a second consumer's write into a harmless conflict.
 * Callers: the audit consumer, the operators' audit routes, and billing, which writes its links with what they tell of.
 */
import { and, asc, eq, gt, gte, lt, sql, type SQL } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import {
  compareAuditRows,
  type AuditQuery,
  type AuditRow,
  type AuditStore,
  type AuditStream,
} from '../../application/audit-ports.ts';
import type { ChainEvent } from '../../contracts/shard-streams.ts';
import { jsonChunks } from './json-rows.ts';
import { auditEvent, auditStream } from './schema/audit.ts';

/** Raised by the triggers when a row is not the next link. */
const CONFLICT = 'audit_chain_conflict';

const INSERT_EVENTS = `
  INSERT INTO audit_event (
    stream, seq, id, entity_id, parent_id, type, from_state, to_state, actor, reason, metadata, at_ms, previous_hash, hash
  )
  SELECT
    ?1, value ->> 'seq', value ->> 'id', value ->> 'entityId', value ->> 'parentId', value ->> 'type',
    value ->> 'from', value ->> 'to', value ->> 'actor', value ->> 'reason', value ->> 'metadata',
    value ->> 'atMs', value ->> 'previousHash', value ->> 'hash'
  FROM json_each(?2)`;

const ADVANCE_STREAM = `
  INSERT INTO audit_stream (stream, applied_seq, head_hash) VALUES (?1, ?2, ?3)
  ON CONFLICT (stream) DO UPDATE SET applied_seq = excluded.applied_seq, head_hash = excluded.head_hash`;

/** The writes of the next links of a stream and of its cursor, for a caller that commits them together with its own. */
export function auditStatements(
  database: D1Database,
  { stream, events }: { readonly stream: string; readonly events: readonly ChainEvent[] },
): D1PreparedStatement[] {
  const last = events.at(-1);
  if (last === undefined) return [];
  const insert = database.prepare(INSERT_EVENTS);
  // Metadata goes in as text, so that SQL gives it back letter by letter.
  const rows = events.map((event) => ({ ...event, metadata: JSON.stringify(event.metadata) }));
  return [
    ...jsonChunks(rows).map((chunk) => insert.bind(stream, chunk)),
    database.prepare(ADVANCE_STREAM).bind(stream, last.seq, last.hash),
  ];
}

/** The audit trail of one database. */
export class AuditRepository implements AuditStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  /** How far the stream was copied; 0 before its first row. */
  async appliedSeq(stream: string): Promise<number> {
    const [row] = await this.#orm
      .select({ appliedSeq: auditStream.appliedSeq })
      .from(auditStream)
      .where(eq(auditStream.stream, stream));
    return row?.appliedSeq ?? 0;
  }

  /**
   * Writes the next links and the cursor in one transaction.
   * Conflict: somebody else has moved the stream, or the links do not fit the chain; nothing was written.
   */
  async append(stream: string, events: readonly ChainEvent[]): Promise<'applied' | 'conflict'> {
    const statements = auditStatements(this.#database, { stream, events });
    if (statements.length === 0) return 'applied';
    try {
      await this.#database.batch(statements);
      return 'applied';
    } catch (error) {
      if (error instanceof Error && error.message.includes(CONFLICT)) return 'conflict';
      throw error;
    }
  }

  async readStream(stream: string, afterSeq: number, limit: number): Promise<ChainEvent[]> {
    const rows = await this.#orm
      .select()
      .from(auditEvent)
      .where(and(eq(auditEvent.stream, stream), gt(auditEvent.seq, afterSeq)))
      .orderBy(asc(auditEvent.seq))
      .limit(limit);
    return rows.map((row) => toAuditRow(row).event);
  }

  streams(afterStream: string, limit: number): Promise<AuditStream[]> {
    return this.#orm
      .select()
      .from(auditStream)
      .where(gt(auditStream.stream, afterStream))
      .orderBy(asc(auditStream.stream))
      .limit(limit);
  }

  /** Two index walks where an entity is named, each bounded by the limit, merged here: an OR would sort all its rows. */
  async search(query: AuditQuery): Promise<AuditRow[]> {
    const { entityId } = query;
    if (entityId === null) return this.#searchBy(undefined, query);
    const [own, parented] = await Promise.all([
      this.#searchBy(eq(auditEvent.entityId, entityId), query),
      this.#searchBy(eq(auditEvent.parentId, entityId), query),
    ]);
    const byPlace = new Map(
      [...own, ...parented].map((row) => [`${row.stream} ${row.event.seq}`, row]),
    );
    return [...byPlace.values()].toSorted(compareAuditRows).slice(0, query.limit);
  }

  async #searchBy(condition: SQL | undefined, query: AuditQuery): Promise<AuditRow[]> {
    const { after } = query;
    const { atMs, stream, seq } = auditEvent;
    const rows = await this.#orm
      .select()
      .from(auditEvent)
      .where(
        and(
          condition,
          gte(atMs, Math.max(query.fromMs ?? 0, after?.atMs ?? 0)),
          query.toMs === null ? undefined : lt(atMs, query.toMs),
          after === null
            ? undefined
            : sql`(${atMs}, ${stream}, ${seq}) > (${after.atMs}, ${after.stream}, ${after.seq})`,
        ),
      )
      .orderBy(asc(atMs), asc(stream), asc(seq))
      .limit(query.limit);
    return rows.map((row) => toAuditRow(row));
  }
}

function toAuditRow(row: typeof auditEvent.$inferSelect): AuditRow {
  const { stream, fromState, toState, ...rest } = row;
  return { stream, event: { ...rest, from: fromState, to: toState } };
}
