/** The steps of a shard's schema that let a booking change. Listed in `shard-migrations.ts`, and never edited. */
import type { ShardMigration } from './shard-migrations.ts';

export const CHANGE_BOOKINGS: ShardMigration = {
  id: '0015_change_bookings',
  sql: `
    -- What was sold before bookings could change stands as it was sold.
    UPDATE hold SET body = json_set(body, '$.items', json((
      SELECT json_group_array(json_set(value, '$.cancelled', NULL)) FROM json_each(body, '$.items'))));
    UPDATE booking SET body = json_set(body, '$.rescheduledAtMs', NULL, '$.items', json((
      SELECT json_group_array(json_set(value, '$.cancelled', NULL)) FROM json_each(body, '$.items'))));`,
};

export const KEEP_SHARES: ShardMigration = {
  id: '0017_keep_shares',
  sql: `
    -- Null while the items of the booking are those that the payment paid for, and say what the platform's share is.
    ALTER TABLE payment ADD COLUMN commission_minor INTEGER CHECK (commission_minor >= 0);
    ALTER TABLE payment ADD COLUMN tax_minor INTEGER CHECK (tax_minor >= 0);`,
};

export const PAY_SUPPLEMENTS: ShardMigration = {
  id: '0019_pay_supplements',
  sql: `
    -- What was paid before bookings could move to dearer slots is what they were sold for.
    ALTER TABLE payment ADD COLUMN purpose TEXT NOT NULL DEFAULT 'sale' CHECK (purpose IN ('sale', 'supplement'));
    UPDATE booking SET body = json_set(body, '$.change', NULL);`,
};
