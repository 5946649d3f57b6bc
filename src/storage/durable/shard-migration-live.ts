/** The step of the shard's schema that telling watchers needs. Append-only like all of them. */
import type { ShardMigration } from './shard-migrations.ts';

export const CREATE_LIVE: ShardMigration = {
  id: '0011_create_live',
  sql: `
    -- What is watched. until_ms is null while somebody does, else until when its changes are kept.
    CREATE TABLE live_topic (
      topic TEXT PRIMARY KEY,
      until_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    -- The changes that watchers were told of, for those who come back. The newest row is never deleted, so that no
    -- number is given twice.
    CREATE TABLE live_change (
      seq INTEGER PRIMARY KEY,
      topic TEXT NOT NULL,
      type TEXT NOT NULL CHECK (type IN ('start', 'cut', 'slot', 'booking')),
      data TEXT NOT NULL
    ) STRICT;`,
};
