/**
 * Tables of the ledger as migrations/0011_create_ledger.sql makes them. Only `ledger_transaction` is ever written from
 * here: its triggers check it, unfold it into postings, and keep the sums.
 */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { LEDGER_KINDS } from '../../../domain/ledger/entry.ts';
import type { Posting } from '../../../domain/ledger/entry.ts';
import { PROCESSORS } from '../../../domain/payment/processor-reply.ts';

export const ledgerTransaction = sqliteTable('ledger_transaction', {
  /** Made of what it tells of. */
  id: text('id').primaryKey(),
  kind: text('kind', { enum: LEDGER_KINDS }).notNull(),
  currency: text('currency').notNull(),
  postings: text('postings', { mode: 'json' }).$type<readonly Posting[]>().notNull(),
  processor: text('processor', { enum: PROCESSORS }),
  processorRef: text('processor_ref'),
  /** The payment that it belongs to, whether it tells of the payment, a refund or a dispute. */
  paymentRef: text('payment_ref'),
  bookingId: text('booking_id'),
  subscriptionId: text('subscription_id'),
  providerId: text('provider_id'),
  payoutId: text('payout_id'),
  atMs: integer('at_ms').notNull(),
  availableFromMs: integer('available_from_ms').notNull(),
});

export const ledgerPosting = sqliteTable(
  'ledger_posting',
  {
    transactionId: text('transaction_id').notNull(),
    line: integer('line').notNull(),
    account: text('account').notNull(),
    currency: text('currency').notNull(),
    amountMinor: integer('amount_minor').notNull(),
    kind: text('kind', { enum: LEDGER_KINDS }).notNull(),
    atMs: integer('at_ms').notNull(),
    availableFromMs: integer('available_from_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.transactionId, table.line] })],
);

export const ledgerBalance = sqliteTable(
  'ledger_balance',
  {
    account: text('account').notNull(),
    currency: text('currency').notNull(),
    kind: text('kind', { enum: LEDGER_KINDS }).notNull(),
    amountMinor: integer('amount_minor').notNull(),
  },
  (table) => [primaryKey({ columns: [table.account, table.currency, table.kind] })],
);

export const ledgerDay = sqliteTable(
  'ledger_day',
  {
    account: text('account').notNull(),
    /** Midnight UTC. */
    dayAtMs: integer('day_at_ms').notNull(),
    currency: text('currency').notNull(),
    kind: text('kind', { enum: LEDGER_KINDS }).notNull(),
    amountMinor: integer('amount_minor').notNull(),
  },
  (table) => [primaryKey({ columns: [table.account, table.dayAtMs, table.currency, table.kind] })],
);

export const ledgerStream = sqliteTable('ledger_stream', {
  shardKey: text('shard_key').primaryKey(),
  appliedSeq: integer('applied_seq').notNull(),
});

export const unmatched = sqliteTable(
  'unmatched',
  {
    processor: text('processor', { enum: PROCESSORS }).notNull(),
    /** The processor's id of the payment. */
    ref: text('ref').notNull(),
    kind: text('kind', { enum: ['captured', 'refunded'] }).notNull(),
    ourMinor: integer('our_minor').notNull(),
    theirMinor: integer('their_minor').notNull(),
    currency: text('currency').notNull(),
    bookingId: text('booking_id'),
    subscriptionId: text('subscription_id'),
    firstSeenAtMs: integer('first_seen_at_ms').notNull(),
    lastSeenAtMs: integer('last_seen_at_ms').notNull(),
    isCounted: integer('is_counted', { mode: 'boolean' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.processor, table.ref, table.kind] })],
);
