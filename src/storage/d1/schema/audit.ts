/**
 * Tables of the audit trail as migrations/0003_create_audit.sql makes them.
 * Their triggers refuse every UPDATE and DELETE, and every INSERT that is not the next link of its stream.
 */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { ChainBody } from '../../../domain/chain.ts';

export const auditEvent = sqliteTable(
  'audit_event',
  {
    /** The key of the shard that the chain belongs to. */
    stream: text('stream').notNull(),
    /** Dense from 1. */
    seq: integer('seq').notNull(),
    id: text('id').notNull(),
    entityId: text('entity_id').notNull(),
    parentId: text('parent_id'),
    type: text('type').notNull(),
    fromState: text('from_state'),
    toState: text('to_state').notNull(),
    actor: text('actor').notNull(),
    reason: text('reason'),
    metadata: text('metadata', { mode: 'json' }).$type<ChainBody['metadata']>().notNull(),
    atMs: integer('at_ms').notNull(),
    previousHash: text('previous_hash').notNull(),
    hash: text('hash').notNull(),
  },
  (table) => [primaryKey({ columns: [table.stream, table.seq] })],
);

export const auditStream = sqliteTable('audit_stream', {
  stream: text('stream').primaryKey(),
  /** How far the stream was copied; verification compares it with the rows. */
  appliedSeq: integer('applied_seq').notNull(),
  headHash: text('head_hash').notNull(),
});
