/**
 * Tables of the catalogue as migrations/0002_create_catalogue.sql makes them; constraints and triggers stand there.
 * Resources and services are copies of the shards' cards: their columns beside the card exist to be searched.
 */
import { integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { ResourceCard, ServiceCard, TaxRule } from '../../../domain/inventory/cards.ts';

export const provider = sqliteTable('provider', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  currency: text('currency').notNull(),
  timeZone: text('time_zone').notNull(),
  /** Location hint of the provider's shards; null leaves the place to the first caller. */
  region: text('region'),
  /** Immutable: it is also the locator in the id. */
  dataRegion: text('data_region', { enum: ['global', 'eu'] }).notNull(),
  /** Null: the platform's rate. */
  commissionBps: integer('commission_bps'),
  /** Where new resources go. */
  shardKey: text('shard_key').notNull(),
  active: integer('active', { mode: 'boolean' }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const providerMember = sqliteTable(
  'provider_member',
  {
    providerId: text('provider_id').notNull(),
    userId: text('user_id').notNull(),
    role: text('role', { enum: ['owner'] }).notNull(),
    createdAtMs: integer('created_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.providerId, table.userId] })],
);

/** As migrations/0024_create_provider_staff.sql makes it. */
export const providerStaff = sqliteTable(
  'provider_staff',
  {
    providerId: text('provider_id').notNull(),
    userId: text('user_id').notNull(),
    createdAtMs: integer('created_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.providerId, table.userId] })],
);

export const venue = sqliteTable('venue', {
  id: text('id').primaryKey(),
  providerId: text('provider_id').notNull(),
  name: text('name').notNull(),
  timeZone: text('time_zone').notNull(),
  address: text('address'),
  latitude: real('latitude'),
  longitude: real('longitude'),
  /** Null: the provider's rate. */
  commissionBps: integer('commission_bps'),
  active: integer('active', { mode: 'boolean' }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  tax: text('tax', { mode: 'json' }).$type<TaxRule>(),
});

export const shard = sqliteTable('shard', {
  shardKey: text('shard_key').primaryKey(),
  providerId: text('provider_id').notNull(),
  /** Null: the provider's first shard, for all its venues. */
  venueId: text('venue_id'),
  name: text('name').notNull(),
  regionHint: text('region_hint'),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const resource = sqliteTable('resource', {
  id: text('id').primaryKey(),
  providerId: text('provider_id').notNull(),
  venueId: text('venue_id'),
  name: text('name').notNull(),
  active: integer('active', { mode: 'boolean' }).notNull(),
  version: integer('version').notNull(),
  card: text('card', { mode: 'json' }).$type<ResourceCard>().notNull(),
});

export const service = sqliteTable('service', {
  id: text('id').primaryKey(),
  providerId: text('provider_id').notNull(),
  venueId: text('venue_id').notNull(),
  name: text('name').notNull(),
  category: text('category').notNull(),
  subcategory: text('subcategory'),
  priceMinor: integer('price_minor').notNull(),
  currency: text('currency').notNull(),
  active: integer('active', { mode: 'boolean' }).notNull(),
  /** Lower case of every script, which SQLite cannot make by itself. */
  searchText: text('search_text').notNull(),
  version: integer('version').notNull(),
  /** When this copy was first written; the order of search results. */
  createdAtMs: integer('created_at_ms').notNull(),
  card: text('card', { mode: 'json' }).$type<ServiceCard>().notNull(),
});

/** Written by triggers on `service` alone. */
export const serviceTag = sqliteTable(
  'service_tag',
  { tag: text('tag').notNull(), serviceId: text('service_id').notNull() },
  (table) => [primaryKey({ columns: [table.tag, table.serviceId] })],
);
