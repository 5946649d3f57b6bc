/**
 * The store of a promotion's object over its SQLite, with its schema. The schema is made when the object first hears of its
 * coupon, so that the object of a code that nobody made stays empty. It writes what it is told and decides nothing.
 */
import type { PromotionStore } from '../../application/promotion/promotion-store.ts';
import type { ReservationState } from '../../domain/membership/reservation-machine.ts';
import type { Coupon } from '../../domain/promotion/coupon.ts';
import type { Redemption } from '../../domain/promotion/redemption.ts';
import { hasSchema, migrateShard } from './migrate-shard.ts';
import type { ShardMigration } from './shard-migrations.ts';

/** All steps, oldest first; append-only. */
export const PROMOTION_MIGRATIONS: readonly ShardMigration[] = [
  {
    id: '0001_create_promotion',
    sql: `
      -- The coupon as it was last told; one row.
      CREATE TABLE coupon (
        id TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        body TEXT NOT NULL CHECK (json_valid(body))
      ) STRICT, WITHOUT ROWID;
      -- What calls took of its uses.
      CREATE TABLE redemption (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        call_id TEXT NOT NULL,
        customer_id TEXT NOT NULL,
        shard_key TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('reserved', 'held', 'kept', 'returned')),
        reserved_at_ms INTEGER NOT NULL,
        valid_until_ms INTEGER NOT NULL,
        -- Only a use whose end is not known has a time at which its shard is asked.
        due_at_ms INTEGER CHECK ((due_at_ms IS NOT NULL) = (state IN ('reserved', 'held')))
      ) STRICT;`,
  },
];

type RedemptionRow = Record<string, SqlStorageValue> & {
  id: string;
  call_id: string;
  customer_id: string;
  shard_key: string;
  state: string;
  reserved_at_ms: number;
  valid_until_ms: number;
  due_at_ms: number | null;
};

/** Many rows in one statement: all are written, or none. */
const SAVE_REDEMPTIONS = `
  INSERT INTO redemption (id, call_id, customer_id, shard_key, state, reserved_at_ms, valid_until_ms, due_at_ms)
  SELECT value ->> 'id', value ->> 'callId', value ->> 'customerId', value ->> '$.ask.shardKey', value ->> 'state',
    value ->> 'reservedAtMs', value ->> 'validUntilMs', value ->> 'dueAtMs'
  FROM json_each(?) WHERE true
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, reserved_at_ms = excluded.reserved_at_ms,
    valid_until_ms = excluded.valid_until_ms, due_at_ms = excluded.due_at_ms`;

/** The store; brings a schema that is there up to date. */
export function createPromotionStore(storage: DurableObjectStorage): PromotionStore {
  const { sql } = storage;
  let isReady = hasSchema(sql);
  if (isReady) migrateShard(storage, PROMOTION_MIGRATIONS);
  return {
    coupon() {
      if (!isReady) return null;
      const [row] = sql.exec<{ body: string }>('SELECT body FROM coupon').toArray();
      return row === undefined ? null : (JSON.parse(row.body) as Coupon);
    },
    saveCoupon(coupon) {
      if (!isReady) migrateShard(storage, PROMOTION_MIGRATIONS);
      isReady = true;
      sql.exec(
        `INSERT INTO coupon (id, version, body) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body`,
        coupon.id,
        coupon.version,
        JSON.stringify(coupon),
      );
    },
    redemptions: () =>
      isReady
        ? sql
            .exec<RedemptionRow>('SELECT * FROM redemption ORDER BY seq')
            .toArray()
            .map(redemptionFromRow)
        : [],
    saveRedemptions(redemptions) {
      sql.exec(SAVE_REDEMPTIONS, JSON.stringify(redemptions));
    },
    forgetRedemptions(ids) {
      sql.exec(
        'DELETE FROM redemption WHERE id IN (SELECT value FROM json_each(?))',
        JSON.stringify(ids),
      );
    },
  };
}

/** The schema's CHECKs vouch for the values. */
function redemptionFromRow(row: RedemptionRow): Redemption {
  return {
    id: row.id,
    callId: row.call_id,
    customerId: row.customer_id,
    ask: { shardKey: row.shard_key },
    state: row.state as ReservationState,
    reservedAtMs: row.reserved_at_ms,
    validUntilMs: row.valid_until_ms,
    dueAtMs: row.due_at_ms,
  };
}
