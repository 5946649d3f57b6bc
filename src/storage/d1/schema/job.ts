/** Tables of background jobs as migrations/0007_create_job.sql makes them. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Json } from '../../../domain/result.ts';

export const jobLease = sqliteTable('job_lease', {
  name: text('name').primaryKey(),
  /** The run that holds the lease. */
  holder: text('holder').notNull(),
  leaseUntilMs: integer('lease_until_ms').notNull(),
});

export const jobRun = sqliteTable('job_run', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  status: text('status', { enum: ['running', 'done', 'failed'] }).notNull(),
  startedAtMs: integer('started_at_ms').notNull(),
  finishedAtMs: integer('finished_at_ms'),
  report: text('report', { mode: 'json' }).$type<Json>(),
});
