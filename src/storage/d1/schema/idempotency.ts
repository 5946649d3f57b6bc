/** The table of keyed calls that reach no inventory shard, as migrations/0001_create_people.sql makes it. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const call = sqliteTable(
  'call',
  {
    callerId: text('caller_id').notNull(),
    key: text('key').notNull(),
    fingerprint: text('fingerprint').notNull(),
    state: text('state', { enum: ['running', 'done'] }).notNull(),
    /** Names the try that owns the key: a later one has another. */
    leaseUntilMs: integer('lease_until_ms').notNull(),
    status: integer('status'),
    body: text('body'),
    createdAtMs: integer('created_at_ms').notNull(),
    expiresAtMs: integer('expires_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.callerId, table.key] })],
);
