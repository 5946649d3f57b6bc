/**
 * Tables of payouts and commissions as migrations/0013_create_payouts.sql and 0015_create_payout_recovery.sql make them; constraints and triggers stand there.
 * The history of payouts is written by triggers alone.
 */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { PROCESSORS } from '../../../domain/payment/processor-reply.ts';
import { PAYOUT_METHODS } from '../../../domain/payout/payout.ts';
import { PAYOUT_STATES } from '../../../domain/payout/payout-machine.ts';
import { PAYOUT_INTERVALS, WEEKDAYS } from '../../../domain/payout/payout-schedule.ts';
import { RECOVERY_STATES } from '../../../domain/payout/recovery-machine.ts';
import { RECOVERY_MODES } from '../../../domain/payout/recovery.ts';

export const payoutSetting = sqliteTable('payout_setting', {
  providerId: text('provider_id').primaryKey(),
  method: text('method', { enum: PAYOUT_METHODS }).notNull(),
  escrowDays: integer('escrow_days').notNull(),
  interval: text('interval', { enum: PAYOUT_INTERVALS }).notNull(),
  weekday: text('weekday', { enum: WEEKDAYS }).notNull(),
  minimumsMinor: text('minimums_minor', { mode: 'json' })
    .$type<{ readonly [currency: string]: number }>()
    .notNull(),
  reserveBps: integer('reserve_bps').notNull(),
  recovery: text('recovery', { enum: RECOVERY_MODES }).notNull(),
});

export const payoutAccount = sqliteTable('payout_account', {
  providerId: text('provider_id').primaryKey(),
  processor: text('processor', { enum: PROCESSORS }).notNull(),
  ref: text('ref'),
  country: text('country'),
  keySeq: integer('key_seq').notNull(),
  isReady: integer('is_ready', { mode: 'boolean' }).notNull(),
  missing: text('missing', { mode: 'json' }).$type<readonly string[]>().notNull(),
  checkedAtMs: integer('checked_at_ms').notNull(),
});

export const payout = sqliteTable('payout', {
  id: text('id').primaryKey(),
  providerId: text('provider_id').notNull(),
  currency: text('currency').notNull(),
  period: text('period').notNull(),
  sequence: integer('sequence').notNull(),
  method: text('method', { enum: PAYOUT_METHODS }).notNull(),
  state: text('state', { enum: PAYOUT_STATES }).notNull(),
  reason: text('reason'),
  amountMinor: integer('amount_minor').notNull(),
  payableMinor: integer('payable_minor').notNull(),
  reservedMinor: integer('reserved_minor').notNull(),
  availableUntilMs: integer('available_until_ms').notNull(),
  accountRef: text('account_ref'),
  transferRef: text('transfer_ref'),
  reversedMinor: integer('reversed_minor').notNull(),
  reversalTargetMinor: integer('reversal_target_minor'),
  reversalKey: text('reversal_key'),
  reversalSeq: integer('reversal_seq').notNull(),
  tries: integer('tries').notNull(),
  keySeq: integer('key_seq').notNull(),
  lastReply: text('last_reply'),
  nextAttemptAtMs: integer('next_attempt_at_ms'),
  leaseUntilMs: integer('lease_until_ms').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  settledAtMs: integer('settled_at_ms'),
  version: integer('version').notNull(),
  /** Who made the last step; the triggers copy it into the history. */
  movedBy: text('moved_by').notNull(),
  movedAtMs: integer('moved_at_ms').notNull(),
  recoveryId: text('recovery_id'),
});

export const payoutEvent = sqliteTable(
  'payout_event',
  {
    payoutId: text('payout_id').notNull(),
    version: integer('version').notNull(),
    fromState: text('from_state', { enum: PAYOUT_STATES }),
    toState: text('to_state', { enum: PAYOUT_STATES }).notNull(),
    reason: text('reason'),
    reversedMinor: integer('reversed_minor').notNull(),
    reversalTargetMinor: integer('reversal_target_minor'),
    actor: text('actor').notNull(),
    atMs: integer('at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.payoutId, table.version] })],
);

export const payoutLine = sqliteTable(
  'payout_line',
  {
    transactionId: text('transaction_id').notNull(),
    line: integer('line').notNull(),
    payoutId: text('payout_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.transactionId, table.line] })],
);

export const payoutRecovery = sqliteTable('payout_recovery', {
  id: text('id').primaryKey(),
  state: text('state', { enum: RECOVERY_STATES }).notNull(),
  providerId: text('provider_id').notNull(),
  currency: text('currency').notNull(),
  bookingId: text('booking_id').notNull(),
  amountMinor: integer('amount_minor').notNull(),
  payoutId: text('payout_id'),
  reversedMinor: integer('reversed_minor').notNull(),
  reason: text('reason'),
  createdAtMs: integer('created_at_ms').notNull(),
  settledAtMs: integer('settled_at_ms'),
});

export const commissionRate = sqliteTable(
  'commission_rate',
  {
    scope: text('scope', { enum: ['global', 'provider', 'venue'] }).notNull(),
    /** Empty for the global rate. */
    scopeId: text('scope_id').notNull(),
    anyBps: integer('any_bps'),
    guestBps: integer('guest_bps'),
    memberBps: integer('member_bps'),
    changedBy: text('changed_by').notNull(),
    changedAtMs: integer('changed_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.scopeId] })],
);
