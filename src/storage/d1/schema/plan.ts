/** Tables of plans as migrations/0008_plan_versions.sql makes them. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Features } from '../../../domain/subscription/plan.ts';

const CHANGE_TIMES = ['now', 'period_end'] as const;

export const plan = sqliteTable('plan', {
  id: text('id').primaryKey(),
  /** The operators' own name of the plan. */
  code: text('code').notNull(),
  groupName: text('group_name').notNull(),
  /** The version that subscribers of older ones are to move to. */
  migrationTarget: integer('migration_target'),
  createdAtMs: integer('created_at_ms').notNull(),
});

/** Immutable but for the status. */
export const planVersion = sqliteTable(
  'plan_version',
  {
    planId: text('plan_id').notNull(),
    version: integer('version').notNull(),
    status: text('status', { enum: ['draft', 'published', 'retired'] }).notNull(),
    name: text('name').notNull(),
    priceMinor: integer('price_minor').notNull(),
    currency: text('currency').notNull(),
    intervalUnit: text('interval_unit', { enum: ['day', 'week', 'month', 'year'] }).notNull(),
    intervalCount: integer('interval_count').notNull(),
    trialDays: integer('trial_days').notNull(),
    trialNeedsMethod: integer('trial_needs_method', { mode: 'boolean' }).notNull(),
    trialEnd: text('trial_end', { enum: ['cancel', 'pause'] }).notNull(),
    graceDays: integer('grace_days').notNull(),
    dunningDays: text('dunning_days', { mode: 'json' }).$type<readonly number[]>().notNull(),
    cancelAfterDays: integer('cancel_after_days').notNull(),
    upgradeAt: text('upgrade_at', { enum: CHANGE_TIMES }).notNull(),
    downgradeAt: text('downgrade_at', { enum: CHANGE_TIMES }).notNull(),
    trialChangeAt: text('trial_change_at', { enum: CHANGE_TIMES }).notNull(),
    cancelRefund: text('cancel_refund', { enum: ['none', 'prorated'] }).notNull(),
    taxRateBps: integer('tax_rate_bps').notNull(),
    taxInclusive: integer('tax_inclusive', { mode: 'boolean' }).notNull(),
    entitlements: text('entitlements', { mode: 'json' }).$type<Features>().notNull(),
    /** Digest of the keyed call that wrote a further version. */
    callDigest: text('call_digest'),
    createdAtMs: integer('created_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.planId, table.version] })],
);
