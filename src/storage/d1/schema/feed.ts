/** Tables of calendar feeds as migrations/0020_create_feed.sql makes them. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const bookingSlot = sqliteTable(
  'booking_slot',
  {
    bookingId: text('booking_id').notNull(),
    /** The slot's place in the booking. */
    place: integer('place').notNull(),
    resourceId: text('resource_id').notNull(),
    label: text('label').notNull(),
    startAtMs: integer('start_at_ms').notNull(),
    endAtMs: integer('end_at_ms').notNull(),
    changedAtMs: integer('changed_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.bookingId, table.place, table.resourceId] })],
);

export const feed = sqliteTable('feed', {
  id: text('id').primaryKey(),
  tokenHash: text('token_hash').notNull(),
  ownerId: text('owner_id').notNull(),
  /** Null for the owner's own bookings. */
  resourceId: text('resource_id'),
  providerId: text('provider_id'),
  createdAtMs: integer('created_at_ms').notNull(),
  revokedAtMs: integer('revoked_at_ms'),
});
