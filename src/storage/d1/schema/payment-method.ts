/** The table of saved methods as migrations/0016_create_payment_method.sql makes it; its constraints stand there. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import {
  METHOD_KINDS,
  PROCESSORS,
  type PaymentAction,
} from '../../../domain/payment/processor-reply.ts';
import { SAVED_METHOD_STATES } from '../../../domain/payment/saved-method-machine.ts';

export const paymentMethod = sqliteTable('payment_method', {
  id: text('id').primaryKey(),
  userId: text('user_id').notNull(),
  processor: text('processor', { enum: PROCESSORS }).notNull(),
  state: text('state', { enum: SAVED_METHOD_STATES }).notNull(),
  offered: text('offered'),
  returnUrl: text('return_url'),
  customerRef: text('customer_ref'),
  setupRef: text('setup_ref'),
  methodRef: text('method_ref'),
  kind: text('kind', { enum: METHOD_KINDS }),
  brand: text('brand'),
  last4: text('last4'),
  expiresMonth: integer('expires_month'),
  expiresYear: integer('expires_year'),
  payer: text('payer'),
  action: text('action', { mode: 'json' }).$type<PaymentAction>(),
  declineCode: text('decline_code'),
  preferredAtMs: integer('preferred_at_ms').notNull(),
  keySeq: integer('key_seq').notNull(),
  fruitlessLooks: integer('fruitless_looks').notNull(),
  dueAtMs: integer('due_at_ms'),
  createdAtMs: integer('created_at_ms').notNull(),
  chainSeq: integer('chain_seq').notNull(),
  chainHash: text('chain_hash').notNull(),
  version: integer('version').notNull(),
});
