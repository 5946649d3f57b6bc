/**
 * The step of a shard's schema that lets bookings follow their time and what has passed leave memory. Never edited once
 * deployed; called from the list of migrations alone.
 */
import type { ShardMigration } from './shard-migrations.ts';

export const FOLLOW_BOOKING_TIME: ShardMigration = {
  id: '0009_follow_booking_time',
  sql: `
    -- Committed, and all its claims have ended: a shard of years starts without them. The claims stay live rows, because
    -- the booking stands, and what is past is in nobody's way.
    ALTER TABLE hold ADD COLUMN is_over INTEGER NOT NULL DEFAULT 0 CHECK (is_over IN (0, 1));
    DROP INDEX hold_live;
    CREATE INDEX hold_live ON hold (state) WHERE state IN ('active', 'closing', 'committed') AND is_over = 0;
    -- When time alone moves the booking on: its slot begins or ends, or its provider can no longer approve it.
    ALTER TABLE booking ADD COLUMN due_at_ms INTEGER;
    CREATE INDEX booking_due ON booking (due_at_ms) WHERE due_at_ms IS NOT NULL;
    UPDATE hold SET body = json_set(body, '$.isOver', json('false'), '$.approval', 'none', '$.items',
      json((SELECT json_group_array(json_set(value, '$.noShowFeeMinor', NULL)) FROM json_each(body, '$.items'))));
    UPDATE booking SET body = json_set(body, '$.checkedInAtMs', NULL, '$.approval', NULL, '$.items',
      json((SELECT json_group_array(json_set(value, '$.noShowFeeMinor', NULL)) FROM json_each(body, '$.items'))));
    UPDATE booking SET due_at_ms =
      (SELECT min(value ->> '$.startAtMs') FROM json_each(body, '$.items'))
    WHERE state = 'confirmed';`,
};
