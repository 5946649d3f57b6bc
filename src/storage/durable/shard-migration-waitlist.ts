/** The step of a shard's schema that lets people wait for slots. Listed in `shard-migrations.ts`, and never edited. */
import type { ShardMigration } from './shard-migrations.ts';

export const CREATE_WAITLIST: ShardMigration = {
  id: '0020_create_waitlist',
  sql: `
    CREATE TABLE waitlist_entry (
      -- The place of arrival; never given twice.
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      slot_id TEXT NOT NULL REFERENCES slot (id),
      service_id TEXT NOT NULL,
      customer_id TEXT NOT NULL,
      quantity INTEGER NOT NULL CHECK (quantity >= 1),
      fare_id TEXT,
      state TEXT NOT NULL CHECK (state IN ('waiting', 'offered', 'taken', 'lapsed', 'left', 'closed')),
      -- The hold that reserves what is offered; nothing is offered without one.
      hold_id TEXT UNIQUE REFERENCES hold (id) DEFERRABLE INITIALLY DEFERRED,
      offer_ends_at_ms INTEGER,
      is_told INTEGER NOT NULL CHECK (is_told IN (0, 1)),
      created_at_ms INTEGER NOT NULL,
      CHECK ((state = 'offered') = (hold_id IS NOT NULL AND offer_ends_at_ms IS NOT NULL))
    ) STRICT;
    CREATE UNIQUE INDEX waitlist_entry_in_line ON waitlist_entry (slot_id, customer_id)
      WHERE state IN ('waiting', 'offered');
    -- The entry whose offer a hold is; null for a hold that somebody asked for.
    UPDATE hold SET body = json_set(body, '$.entryId', NULL);`,
};
