/** Tables of bank statements as migrations/0012_create_bank_statement.sql makes them. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const bankStatement = sqliteTable('bank_statement', {
  /** Made of its text. */
  id: text('id').primaryKey(),
  format: text('format', { enum: ['csv', 'camt053'] }).notNull(),
  account: text('account').notNull(),
  fromAtMs: integer('from_at_ms').notNull(),
  toAtMs: integer('to_at_ms').notNull(),
  importedAtMs: integer('imported_at_ms').notNull(),
  importedBy: text('imported_by').notNull(),
});

export const bankLine = sqliteTable('bank_line', {
  /** Made of the account and the bank's own name of the entry. */
  id: text('id').primaryKey(),
  statementId: text('statement_id').notNull(),
  line: integer('line').notNull(),
  account: text('account').notNull(),
  entryRef: text('entry_ref').notNull(),
  bookedAtMs: integer('booked_at_ms').notNull(),
  amountMinor: integer('amount_minor').notNull(),
  currency: text('currency').notNull(),
  reference: text('reference').notNull(),
  /** The entry of the ledger that it is; null while none is found. */
  transactionId: text('transaction_id'),
});
