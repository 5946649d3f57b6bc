/** The step of the shard's schema that slots of rules and blocks of resources need. Append-only like all of them. */
import type { ShardMigration } from './shard-migrations.ts';

export const CREATE_SCHEDULES: ShardMigration = {
  id: '0008_create_schedules',
  sql: `
    -- Slots that no rule wants any more. They are not deleted, because claims and bookings name them.
    ALTER TABLE slot ADD COLUMN is_withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (is_withdrawn IN (0, 1));
    -- The version of the rules that a service's slots were made by last.
    CREATE TABLE schedule (
      service_id TEXT PRIMARY KEY REFERENCES service (id),
      version INTEGER NOT NULL CHECK (version >= 1)
    ) STRICT, WITHOUT ROWID;
    -- Intervals in which nobody may claim a resource; what was claimed before stays.
    CREATE TABLE resource_block (
      id TEXT PRIMARY KEY,
      resource_id TEXT NOT NULL REFERENCES resource (id),
      start_at_ms INTEGER NOT NULL,
      end_at_ms INTEGER NOT NULL CHECK (end_at_ms > start_at_ms),
      reason TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX resource_block_time ON resource_block (resource_id, end_at_ms);
    CREATE TRIGGER claim_refuses_block BEFORE INSERT ON claim
    WHEN NEW.is_live = 1
    BEGIN
      SELECT RAISE(ABORT, 'guard: the resource is blocked')
      WHERE EXISTS (
        SELECT 1 FROM resource_block
        WHERE resource_id = NEW.resource_id AND end_at_ms > NEW.start_at_ms AND start_at_ms < NEW.end_at_ms);
    END;`,
};

export const LET_SLOTS_LEAVE: ShardMigration = {
  id: '0014_let_slots_leave',
  sql: `
    -- Slots that no rule wants any more while somebody has them: nobody new may take them.
    ALTER TABLE slot ADD COLUMN is_leaving INTEGER NOT NULL DEFAULT 0 CHECK (is_leaving IN (0, 1));
    CREATE INDEX slot_leaving ON slot (id) WHERE is_leaving = 1;`,
};
