/**
 * Tables of the read model as migrations/0004_create_read_model.sql makes them: bookings as the shards last told.
 * Nothing is decided by them.
 */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { BOOKING_STATES } from '../../../domain/booking/booking-machine.ts';

export const booking = sqliteTable('booking', {
  id: text('id').primaryKey(),
  code: text('code').notNull(),
  shardKey: text('shard_key').notNull(),
  providerId: text('provider_id').notNull(),
  venueId: text('venue_id').notNull(),
  serviceId: text('service_id').notNull(),
  customerId: text('customer_id').notNull(),
  status: text('status', { enum: BOOKING_STATES }).notNull(),
  startAtMs: integer('start_at_ms').notNull(),
  endAtMs: integer('end_at_ms').notNull(),
  totalMinor: integer('total_minor').notNull(),
  currency: text('currency').notNull(),
  /** The latest attempt; null where nothing is due or nobody has paid yet. */
  paymentId: text('payment_id'),
  paymentStatus: text('payment_status'),
  processor: text('processor'),
  /** PaymentIntent, PayPal order or invoice. */
  processorRef: text('processor_ref'),
  capturedMinor: integer('captured_minor').notNull(),
  refundedMinor: integer('refunded_minor').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  version: integer('version').notNull(),
});

export const projectionStream = sqliteTable('projection_stream', {
  shardKey: text('shard_key').primaryKey(),
  appliedSeq: integer('applied_seq').notNull(),
});
