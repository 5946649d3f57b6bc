/**
 * The step of a shard's schema that sessions with a minimum need. Never edited once deployed; called from the list of
 * migrations alone.
 */
import type { ShardMigration } from './shard-migrations.ts';

export const FIND_PLEDGES: ShardMigration = {
  id: '0016_find_pledges',
  sql: `
    -- Whoever has some of a session is found by its slot.
    CREATE INDEX claim_live_slot ON claim (slot_id) WHERE is_live = 1;`,
};
