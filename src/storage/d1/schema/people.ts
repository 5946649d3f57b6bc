/** Tables of people as migrations/0001_create_people.sql and migrations/0025_create_guest_session.sql make them. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Role } from '../../../contracts/calls.ts';
import type { Draft } from '../../../contracts/http/guests.ts';

export const user = sqliteTable('user', {
  id: text('id').primaryKey(),
  email: text('email').notNull(),
  emailKey: text('email_key').notNull(),
  name: text('name'),
  passwordHash: text('password_hash').notNull(),
  roles: text('roles', { mode: 'json' }).$type<readonly Role[]>().notNull(),
  dataRegion: text('data_region', { enum: ['global', 'eu'] }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  guestId: text('guest_id'),
});

export const guestSession = sqliteTable('guest_session', {
  id: text('id').primaryKey(),
  email: text('email').notNull(),
  emailKey: text('email_key').notNull(),
  name: text('name').notNull(),
  phone: text('phone'),
  draft: text('draft', { mode: 'json' }).$type<Draft>(),
  userId: text('user_id'),
  createdAtMs: integer('created_at_ms').notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
});

/** In the global database alone. */
export const bookingLookup = sqliteTable('booking_lookup', {
  code: text('code').notNull(),
  emailKey: text('email_key').notNull(),
  requestedAtMs: integer('requested_at_ms').notNull(),
  attempts: integer('attempts').notNull(),
  nextAttemptAtMs: integer('next_attempt_at_ms').notNull(),
  finishedAtMs: integer('finished_at_ms'),
});

/** In the global database alone. */
export const emailClaim = sqliteTable('email_claim', {
  emailKey: text('email_key').primaryKey(),
  userId: text('user_id').notNull(),
  dataRegion: text('data_region', { enum: ['global', 'eu'] }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const refreshToken = sqliteTable('refresh_token', {
  tokenHash: text('token_hash').primaryKey(),
  familyId: text('family_id').notNull(),
  userId: text('user_id').notNull(),
  generation: integer('generation').notNull(),
  familyExpiresAtMs: integer('family_expires_at_ms').notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
  usedAtMs: integer('used_at_ms'),
  revokedAtMs: integer('revoked_at_ms'),
  createdAtMs: integer('created_at_ms').notNull(),
});
