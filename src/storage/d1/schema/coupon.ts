/** The table of coupons as migrations/0023_create_coupons.sql makes it; constraints stand there. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { CouponDiscount } from '../../../domain/promotion/coupon.ts';

export const coupon = sqliteTable('coupon', {
  id: text('id').primaryKey(),
  providerId: text('provider_id').notNull(),
  code: text('code').notNull(),
  isActive: integer('is_active', { mode: 'boolean' }).notNull(),
  discount: text('discount', { mode: 'json' }).$type<CouponDiscount>().notNull(),
  maxUses: integer('max_uses'),
  maxUsesPerCustomer: integer('max_uses_per_customer'),
  validFromMs: integer('valid_from_ms'),
  validUntilMs: integer('valid_until_ms'),
  serviceIds: text('service_ids', { mode: 'json' }).$type<string[]>(),
  customerIds: text('customer_ids', { mode: 'json' }).$type<string[]>(),
  segment: text('segment', { enum: ['guest', 'member', 'customer'] }),
  createdAtMs: integer('created_at_ms').notNull(),
  version: integer('version').notNull(),
});
