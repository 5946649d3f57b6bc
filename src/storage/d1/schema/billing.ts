/** Tables of plans and subscriptions as migrations/0006_create_billing.sql makes them. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Json } from '../../../domain/result.ts';

export const plan = sqliteTable('plan', {
  id: text('id').primaryKey(),
  /** What stays the same over the versions of one plan. */
  code: text('code').notNull(),
  name: text('name').notNull(),
  priceMinor: integer('price_minor').notNull(),
  currency: text('currency').notNull(),
  intervalUnit: text('interval_unit', { enum: ['day', 'week', 'month', 'year'] }).notNull(),
  intervalCount: integer('interval_count').notNull(),
  entitlements: text('entitlements', { mode: 'json' })
    .$type<{ readonly [feature: string]: Json }>()
    .notNull(),
  version: integer('version').notNull(),
  status: text('status', { enum: ['draft', 'published', 'retired'] }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const subscription = sqliteTable('subscription', {
  id: text('id').primaryKey(),
  userId: text('user_id').notNull(),
  planId: text('plan_id').notNull(),
  status: text('status', {
    enum: [
      'incomplete',
      'trialing',
      'active',
      'past_due',
      'suspended',
      'paused',
      'cancelled',
      'expired',
    ],
  }).notNull(),
  currentPeriodStartMs: integer('current_period_start_ms').notNull(),
  currentPeriodEndMs: integer('current_period_end_ms').notNull(),
  /** The instant (ms) of the last change: it grows over all subscriptions of a member. */
  entitlementVersion: integer('entitlement_version').notNull(),
  /** The last version that the membership object acknowledged. */
  pushedVersion: integer('pushed_version').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});
