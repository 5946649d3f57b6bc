/** Tables of events received and messages given up, as migrations 0005 and 0010 make them. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { PROCESSORS } from '../../../domain/payment/processor-reply.ts';

export const webhookEvent = sqliteTable('webhook_event', {
  id: text('id').primaryKey(),
  processor: text('processor', { enum: PROCESSORS }).notNull(),
  /** Unique together with the processor. */
  dedupeKey: text('dedupe_key').notNull(),
  type: text('type').notNull(),
  objectRef: text('object_ref'),
  /** At most one of the two is there. */
  bookingId: text('booking_id'),
  /** The raw body, exactly the bytes that were signed. */
  payload: text('payload').notNull(),
  isExpected: integer('is_expected', { mode: 'boolean' }).notNull(),
  receivedAtMs: integer('received_at_ms').notNull(),
  /** Null: received, not handled. */
  handledAtMs: integer('handled_at_ms'),
  attempts: integer('attempts').notNull(),
  lastError: text('last_error'),
  /** When the sweep may send the event to the queue again. */
  nextAttemptAtMs: integer('next_attempt_at_ms').notNull(),
  subscriptionId: text('subscription_id'),
});

export const deadLetter = sqliteTable('dead_letter', {
  /** The queue's id of the message. */
  id: text('id').primaryKey(),
  queue: text('queue').notNull(),
  body: text('body').notNull(),
  error: text('error'),
  receivedAtMs: integer('received_at_ms').notNull(),
  replayedAtMs: integer('replayed_at_ms'),
});
