/** The table of provisionings as migrations/0026_create_provisioning.sql makes it. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const provisioning = sqliteTable('provisioning', {
  id: text('id').primaryKey(),
  callerId: text('caller_id').notNull(),
  fingerprint: text('fingerprint').notNull(),
  providerId: text('provider_id').notNull(),
  state: text('state', { enum: ['making', 'done', 'undoing', 'undone'] }).notNull(),
  made: text('made', { mode: 'json' }).$type<Readonly<Record<string, string>>>().notNull(),
  touchedAtMs: integer('touched_at_ms').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});
