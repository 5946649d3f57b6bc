/**
 * The SQLite schema of a member's object, append-only: a step that was deployed is never edited. An object of a member
 * without a plan has none of it.
 */
import type { ShardMigration } from './shard-migrations.ts';

/** All steps, oldest first. */
export const MEMBERSHIP_MIGRATIONS: readonly ShardMigration[] = [
  {
    id: '0001_create_membership',
    sql: `
      -- What billing pushed last, one per plan group.
      CREATE TABLE entitlement (
        plan_group TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        body TEXT NOT NULL CHECK (json_valid(body))
      ) STRICT, WITHOUT ROWID;
      -- What calls took of counted limits.
      CREATE TABLE reservation (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        call_id TEXT NOT NULL,
        plan_group TEXT NOT NULL,
        period_start_ms INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('reserved', 'held', 'kept', 'returned')),
        shard_key TEXT NOT NULL,
        bookings INTEGER NOT NULL CHECK (bookings >= 0),
        minutes INTEGER NOT NULL CHECK (minutes >= 0),
        included INTEGER NOT NULL CHECK (included >= 0),
        overage INTEGER NOT NULL CHECK (overage >= 0),
        guest_passes INTEGER NOT NULL CHECK (guest_passes >= 0),
        reserved_at_ms INTEGER NOT NULL,
        valid_until_ms INTEGER NOT NULL,
        -- Only a reservation whose end is not known has a time at which its shard is asked.
        due_at_ms INTEGER CHECK ((due_at_ms IS NOT NULL) = (state IN ('reserved', 'held'))),
        -- What the call asked for, and what else was granted with it.
        terms TEXT NOT NULL CHECK (json_valid(terms))
      ) STRICT;`,
  },
];
