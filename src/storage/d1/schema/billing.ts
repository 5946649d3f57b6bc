/**
 * Tables of subscriptions and their money as migrations/0009_create_subscriptions.sql makes them. Their triggers keep what was
 * paid as it was paid, and refuse the write of whoever read an older version.
 */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { PROCESSORS, type PaymentAction } from '../../../domain/payment/processor-reply.ts';
import { CHARGE_STATES } from '../../../domain/subscription/charge-machine.ts';
import type { Features } from '../../../domain/subscription/plan.ts';
import { SUBSCRIPTION_STATES } from '../../../domain/subscription/subscription-machine.ts';
import type {
  ChargeDispute,
  InvoiceLine,
  Notice,
} from '../../../domain/subscription/subscription.ts';

const NOTICE_KINDS = [
  'subscription_started',

  'payment_failed',
  'new_card_needed',
  'authentication_needed',
  'subscription_suspended',
  'subscription_ended',
  'invoice_paid',
] as const satisfies readonly Notice['kind'][];

export const subscription = sqliteTable('subscription', {
  id: text('id').primaryKey(),
  userId: text('user_id').notNull(),
  planId: text('plan_id').notNull(),
  planVersion: integer('plan_version').notNull(),
  planGroup: text('plan_group').notNull(),
  state: text('state', { enum: SUBSCRIPTION_STATES }).notNull(),
  timeZone: text('time_zone').notNull(),
  anchorAtMs: integer('anchor_at_ms').notNull(),
  periodIndex: integer('period_index').notNull(),
  currentPeriodStartMs: integer('current_period_start_ms').notNull(),
  currentPeriodEndMs: integer('current_period_end_ms').notNull(),
  trialEndMs: integer('trial_end_ms'),
  cancelAtPeriodEnd: integer('cancel_at_period_end', { mode: 'boolean' }).notNull(),
  pendingPlanId: text('pending_plan_id'),
  pausedRestMs: integer('paused_rest_ms'),
  /** Null: no way to pay is kept. */
  methodProcessor: text('method_processor', { enum: PROCESSORS }),
  methodRef: text('method_ref'),
  creditMinor: integer('credit_minor').notNull(),
  currency: text('currency').notNull(),
  overrides: text('overrides', { mode: 'json' }).$type<Features>().notNull(),
  removals: text('removals', { mode: 'json' }).$type<readonly string[]>().notNull(),
  /** The instant (ms) of the last change: it grows over all subscriptions of a member. */
  entitlementVersion: integer('entitlement_version').notNull(),
  /** The last version that the membership object acknowledged. */
  pushedVersion: integer('pushed_version').notNull(),
  dueAtMs: integer('due_at_ms'),
  leaseUntilMs: integer('lease_until_ms').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  endedAtMs: integer('ended_at_ms'),
  chainSeq: integer('chain_seq').notNull(),
  chainHash: text('chain_hash').notNull(),
  version: integer('version').notNull(),
});

export const invoice = sqliteTable('invoice', {
  id: text('id').primaryKey(),
  subscriptionId: text('subscription_id').notNull(),
  userId: text('user_id').notNull(),
  kind: text('kind', { enum: ['period', 'change'] }).notNull(),
  planId: text('plan_id').notNull(),
  planVersion: integer('plan_version').notNull(),
  periodStartMs: integer('period_start_ms').notNull(),
  periodEndMs: integer('period_end_ms').notNull(),
  periodIndex: integer('period_index').notNull(),
  state: text('state', { enum: ['open', 'paid', 'void', 'uncollectible'] }).notNull(),
  /** Given in the transaction that pays the invoice. */
  number: text('number'),
  currency: text('currency').notNull(),
  lines: text('lines', { mode: 'json' }).$type<readonly InvoiceLine[]>().notNull(),
  taxMinor: integer('tax_minor').notNull(),
  totalMinor: integer('total_minor').notNull(),
  creditUsedMinor: integer('credit_used_minor').notNull(),
  creditGivenMinor: integer('credit_given_minor').notNull(),
  refundedMinor: integer('refunded_minor').notNull(),
  dueAtMs: integer('due_at_ms').notNull(),
  declines: integer('declines').notNull(),
  nextAttemptAtMs: integer('next_attempt_at_ms'),
  need: text('need', { enum: ['nothing', 'new_method', 'authentication'] }).notNull(),
  payToken: text('pay_token').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  paidAtMs: integer('paid_at_ms'),
});

export const charge = sqliteTable('charge', {
  id: text('id').primaryKey(),
  subscriptionId: text('subscription_id').notNull(),
  /** Null: a setup. */
  invoiceId: text('invoice_id'),
  /** The payment that a refund returns. */
  ofChargeId: text('of_charge_id'),
  purpose: text('purpose', { enum: ['payment', 'setup', 'refund'] }).notNull(),
  state: text('state', { enum: CHARGE_STATES }).notNull(),
  processor: text('processor', { enum: PROCESSORS }).notNull(),
  ref: text('ref'),
  methodRef: text('method_ref'),
  isOffSession: integer('is_off_session', { mode: 'boolean' }).notNull(),
  returnUrl: text('return_url'),
  amountMinor: integer('amount_minor').notNull(),
  currency: text('currency').notNull(),
  action: text('action', { mode: 'json' }).$type<PaymentAction>(),
  declineCode: text('decline_code'),
  /** The call that was decided and whose answer is not recorded yet. */
  callKind: text('call_kind', { enum: ['customer', 'open', 'confirm', 'void', 'refund'] }),
  callSeq: integer('call_seq'),
  fruitlessLooks: integer('fruitless_looks').notNull(),
  nextLookAtMs: integer('next_look_at_ms'),
  isUnwanted: integer('is_unwanted', { mode: 'boolean' }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  /** What came in by it; null before the money moved. */
  capturedMinor: integer('captured_minor'),
  /** What the processor kept of it; null while it does not say. */
  feeMinor: integer('fee_minor'),
  disputes: text('disputes', { mode: 'json' }).$type<readonly ChargeDispute[]>().notNull(),
  /** Why a person has to look; null for nothing. */
  review: text('review'),
});

export const creditNote = sqliteTable('credit_note', {
  id: text('id').primaryKey(),
  invoiceId: text('invoice_id').notNull(),
  userId: text('user_id').notNull(),
  /** Given in the transaction that writes the note. */
  number: text('number'),
  currency: text('currency').notNull(),
  amountMinor: integer('amount_minor').notNull(),
  reason: text('reason').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const billingCustomer = sqliteTable(
  'billing_customer',
  {
    userId: text('user_id').notNull(),
    processor: text('processor', { enum: PROCESSORS }).notNull(),
    ref: text('ref').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.processor] })],
);

export const legalEntity = sqliteTable('legal_entity', {
  code: text('code').primaryKey(),
  name: text('name').notNull(),
  address: text('address').notNull(),
  taxId: text('tax_id'),
  invoicePrefix: text('invoice_prefix').notNull(),
  nextInvoice: integer('next_invoice').notNull(),
  nextCreditNote: integer('next_credit_note').notNull(),
});

export const notice = sqliteTable('notice', {
  id: integer('id').primaryKey(),
  kind: text('kind', { enum: NOTICE_KINDS }).notNull(),
  subscriptionId: text('subscription_id').notNull(),
  userId: text('user_id').notNull(),
  invoiceId: text('invoice_id'),
  createdAtMs: integer('created_at_ms').notNull(),
  /** Null: to be sent. */
  sentAtMs: integer('sent_at_ms'),
  attempts: integer('attempts').notNull(),
  lastError: text('last_error'),
  nextAttemptAtMs: integer('next_attempt_at_ms').notNull(),
});
