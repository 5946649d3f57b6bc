/** Tables of availability as migrations/0019_create_availability_rules.sql makes them; its triggers count the versions. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { KeptTerms } from '../../../application/availability/rule-ports.ts';

export const availabilityRule = sqliteTable('availability_rule', {
  id: text('id').primaryKey(),
  serviceId: text('service_id').notNull(),
  active: integer('active', { mode: 'boolean' }).notNull(),
  version: integer('version').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  terms: text('terms', { mode: 'json' }).$type<KeptTerms>().notNull(),
});

export const serviceSchedule = sqliteTable('service_schedule', {
  serviceId: text('service_id').primaryKey(),
  version: integer('version').notNull(),
  /** What slots were ever asked for; both null before the first time. */
  generatedFromMs: integer('generated_from_ms'),
  generatedUntilMs: integer('generated_until_ms'),
  /** What the window was filled by, and how far. */
  filledBasis: text('filled_basis'),
  filledUntilMs: integer('filled_until_ms'),
  nextFillAtMs: integer('next_fill_at_ms').notNull(),
});
