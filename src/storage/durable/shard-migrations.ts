/**
 * The SQLite schema of an inventory shard, append-only: a step that was deployed is never edited.
 * It lives with the code because wrangler cannot apply it. The guards in it know nothing of the code's memory:
 * a named unit is unique per slot, an exclusive resource or unit refuses overlap, a pool refuses more than it has.
 */
import { FIND_PLEDGES } from './shard-migration-pledges.ts';
import { FOLLOW_BOOKING_TIME } from './shard-migration-booking-time.ts';
import { CHANGE_BOOKINGS, KEEP_SHARES, PAY_SUPPLEMENTS } from './shard-migration-changes.ts';
import { CREATE_FARES } from './shard-migration-fares.ts';
import { CREATE_LIVE } from './shard-migration-live.ts';
import { CREATE_SCHEDULES, LET_SLOTS_LEAVE } from './shard-migration-schedules.ts';
import { CREATE_WAITLIST } from './shard-migration-waitlist.ts';

/** One step, applied once, in order. */
export interface ShardMigration {
  readonly id: string;
  readonly sql: string;
}

/** All steps, oldest first. */
export const SHARD_MIGRATIONS: readonly ShardMigration[] = [
  {
    id: '0001_create_catalogue',
    sql: `
      CREATE TABLE provider (
        shard_key TEXT PRIMARY KEY,
        card TEXT NOT NULL CHECK (json_valid(card))
      ) STRICT;
      CREATE TABLE resource (
        id TEXT PRIMARY KEY,
        capacity INTEGER NOT NULL CHECK (capacity >= 1),
        has_units INTEGER NOT NULL CHECK (has_units IN (0, 1)),
        card TEXT NOT NULL CHECK (json_valid(card))
      ) STRICT;
      CREATE TABLE service (
        id TEXT PRIMARY KEY,
        card TEXT NOT NULL CHECK (json_valid(card))
      ) STRICT;
      CREATE TABLE slot (
        id TEXT PRIMARY KEY,
        service_id TEXT NOT NULL REFERENCES service (id),
        start_at_ms INTEGER NOT NULL,
        end_at_ms INTEGER NOT NULL CHECK (end_at_ms > start_at_ms),
        resource_id TEXT REFERENCES resource (id),
        capacity INTEGER CHECK (capacity >= 1),
        -- Live quantity, kept only for a slot with a capacity of its own.
        taken INTEGER NOT NULL DEFAULT 0 CHECK (taken >= 0 AND (capacity IS NULL OR taken <= capacity)),
        price_minor INTEGER CHECK (price_minor >= 0),
        price_currency TEXT,
        blocked_reason TEXT,
        version INTEGER NOT NULL
      ) STRICT;`,
  },
  {
    id: '0002_create_claims',
    sql: `
      CREATE TABLE hold (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('active', 'closing', 'committed', 'released', 'expired')),
        caller_id TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        booking_id TEXT,
        -- The whole hold as it was agreed, the columns above included.
        body TEXT NOT NULL CHECK (json_valid(body))
      ) STRICT;
      CREATE INDEX hold_live ON hold (state) WHERE state IN ('active', 'closing', 'committed');
      CREATE TABLE claim (
        id INTEGER PRIMARY KEY,
        hold_id TEXT NOT NULL REFERENCES hold (id) DEFERRABLE INITIALLY DEFERRED,
        slot_id TEXT NOT NULL REFERENCES slot (id),
        resource_id TEXT NOT NULL REFERENCES resource (id),
        -- Empty for a claim on the resource as a whole.
        unit TEXT NOT NULL,
        quantity INTEGER NOT NULL CHECK (quantity >= 1),
        -- What it counts for against the slot's own capacity: zero for the further resources of an 'all' claim.
        slot_quantity INTEGER NOT NULL CHECK (slot_quantity >= 0),
        -- The slot's interval widened by its buffers.
        start_at_ms INTEGER NOT NULL,
        end_at_ms INTEGER NOT NULL CHECK (end_at_ms > start_at_ms),
        is_live INTEGER NOT NULL CHECK (is_live IN (0, 1))
      ) STRICT;
      CREATE INDEX claim_hold ON claim (hold_id);
      CREATE INDEX claim_live ON claim (resource_id, unit, start_at_ms) WHERE is_live = 1;
      CREATE UNIQUE INDEX claim_live_unit ON claim (slot_id, resource_id, unit) WHERE is_live = 1 AND unit <> '';

      -- Live claims on an exclusive resource or a unit never overlap, so the last one that starts
      -- before the new one ends is also the one that ends last.
      CREATE TRIGGER claim_refuses_overlap BEFORE INSERT ON claim
      WHEN NEW.is_live = 1 AND (NEW.unit <> '' OR (SELECT capacity FROM resource WHERE id = NEW.resource_id) = 1)
      BEGIN
        SELECT RAISE(ABORT, 'guard: overlapping claim')
        WHERE (
          SELECT end_at_ms FROM claim
          WHERE is_live = 1 AND resource_id = NEW.resource_id AND unit = NEW.unit AND start_at_ms < NEW.end_at_ms
          ORDER BY start_at_ms DESC LIMIT 1
        ) > NEW.start_at_ms;
      END;

      -- How much of a pool is taken, as steps over time: the level holds from at_ms until the next row.
      CREATE TABLE pool_level (
        resource_id TEXT NOT NULL REFERENCES resource (id),
        at_ms INTEGER NOT NULL,
        level INTEGER NOT NULL,
        capacity INTEGER NOT NULL,
        PRIMARY KEY (resource_id, at_ms),
        CHECK (level >= 0 AND level <= capacity)
      ) STRICT, WITHOUT ROWID;

      CREATE TRIGGER claim_fills_pool AFTER INSERT ON claim
      WHEN NEW.is_live = 1 AND NEW.unit = '' AND (SELECT capacity FROM resource WHERE id = NEW.resource_id) > 1
      BEGIN
        INSERT INTO pool_level (resource_id, at_ms, level, capacity)
        SELECT NEW.resource_id, NEW.start_at_ms, coalesce((
          SELECT level FROM pool_level WHERE resource_id = NEW.resource_id AND at_ms < NEW.start_at_ms
          ORDER BY at_ms DESC LIMIT 1), 0), capacity
        FROM resource WHERE id = NEW.resource_id AND NOT EXISTS (
          SELECT 1 FROM pool_level WHERE resource_id = NEW.resource_id AND at_ms = NEW.start_at_ms);
        INSERT INTO pool_level (resource_id, at_ms, level, capacity)
        SELECT NEW.resource_id, NEW.end_at_ms, coalesce((
          SELECT level FROM pool_level WHERE resource_id = NEW.resource_id AND at_ms < NEW.end_at_ms
          ORDER BY at_ms DESC LIMIT 1), 0), capacity
        FROM resource WHERE id = NEW.resource_id AND NOT EXISTS (
          SELECT 1 FROM pool_level WHERE resource_id = NEW.resource_id AND at_ms = NEW.end_at_ms);
        UPDATE pool_level SET level = level + NEW.quantity
        WHERE resource_id = NEW.resource_id AND at_ms >= NEW.start_at_ms AND at_ms < NEW.end_at_ms;
      END;

      CREATE TRIGGER claim_empties_pool AFTER UPDATE OF is_live ON claim
      WHEN OLD.is_live = 1 AND NEW.is_live = 0 AND NEW.unit = ''
      BEGIN
        UPDATE pool_level SET level = level - NEW.quantity
        WHERE resource_id = NEW.resource_id AND at_ms >= NEW.start_at_ms AND at_ms < NEW.end_at_ms;
      END;

      CREATE TRIGGER claim_fills_slot AFTER INSERT ON claim
      WHEN NEW.is_live = 1 AND NEW.slot_quantity > 0 AND (SELECT capacity FROM slot WHERE id = NEW.slot_id) IS NOT NULL
      BEGIN
        UPDATE slot SET taken = taken + NEW.slot_quantity WHERE id = NEW.slot_id;
      END;
      CREATE TRIGGER claim_empties_slot AFTER UPDATE OF is_live ON claim
      WHEN OLD.is_live = 1 AND NEW.is_live = 0 AND NEW.slot_quantity > 0
        AND (SELECT capacity FROM slot WHERE id = NEW.slot_id) IS NOT NULL
      BEGIN
        UPDATE slot SET taken = taken - NEW.slot_quantity WHERE id = NEW.slot_id;
      END;

      -- A claim that ended stays ended: late money makes a new claim.
      CREATE TRIGGER claim_stays_dead BEFORE UPDATE OF is_live ON claim
      WHEN OLD.is_live = 0 AND NEW.is_live = 1
      BEGIN
        SELECT RAISE(ABORT, 'guard: a dead claim cannot revive');
      END;`,
  },
  {
    id: '0003_create_bookings',
    sql: `
      CREATE TABLE booking (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('pending', 'awaiting_approval', 'confirming', 'confirmed',
          'in_progress', 'completed', 'no_show', 'cancelled', 'expired', 'payment_failed', 'refunded')),
        hold_id TEXT NOT NULL UNIQUE REFERENCES hold (id) DEFERRABLE INITIALLY DEFERRED,
        customer_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL CHECK (json_valid(body))
      ) STRICT;
      CREATE TABLE payment (
        id TEXT PRIMARY KEY,
        booking_id TEXT NOT NULL REFERENCES booking (id) DEFERRABLE INITIALLY DEFERRED,
        attempt INTEGER NOT NULL CHECK (attempt >= 1),
        state TEXT NOT NULL CHECK (state IN ('created', 'action_required', 'pending', 'authorized', 'capturing',
          'captured', 'refunded', 'failed', 'expired', 'voided')),
        processor TEXT NOT NULL,
        ref TEXT,
        payment_method TEXT,
        return_url TEXT,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL,
        authorized_minor INTEGER NOT NULL CHECK (authorized_minor >= 0),
        captured_minor INTEGER NOT NULL CHECK (captured_minor >= 0),
        refunded_minor INTEGER NOT NULL CHECK (refunded_minor >= 0 AND refunded_minor <= captured_minor),
        capture_before_ms INTEGER,
        action TEXT,
        decline_code TEXT,
        due_at_ms INTEGER,
        fruitless_looks INTEGER NOT NULL,
        is_ended INTEGER NOT NULL CHECK (is_ended IN (0, 1)),
        -- JSON of the choice that takes over once this attempt is closed.
        successor TEXT,
        UNIQUE (booking_id, attempt)
      ) STRICT;
      CREATE UNIQUE INDEX payment_active ON payment (booking_id)
        WHERE state IN ('created', 'action_required', 'pending', 'authorized', 'capturing');
      CREATE UNIQUE INDEX payment_ref ON payment (processor, ref) WHERE ref IS NOT NULL;
      CREATE INDEX payment_due ON payment (due_at_ms) WHERE due_at_ms IS NOT NULL;
      CREATE TABLE operation (
        id TEXT PRIMARY KEY,
        payment_id TEXT NOT NULL REFERENCES payment (id),
        booking_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('open', 'authorize', 'capture', 'void', 'refund')),
        seq INTEGER NOT NULL CHECK (seq >= 1),
        state TEXT NOT NULL CHECK (state IN ('requested', 'pending', 'succeeded', 'declined', 'unknown')),
        idempotency_key TEXT NOT NULL UNIQUE,
        amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
        refund_id TEXT,
        lease_until_ms INTEGER NOT NULL,
        lost_to TEXT CHECK (lost_to IN ('no_answer', 'server_error')),
        error_code TEXT,
        created_at_ms INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX operation_payment ON operation (payment_id);
      CREATE INDEX operation_open ON operation (booking_id) WHERE state IN ('requested', 'pending', 'unknown');
      CREATE TABLE refund (
        id TEXT PRIMARY KEY,
        payment_id TEXT NOT NULL REFERENCES payment (id),
        booking_id TEXT NOT NULL,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        state TEXT NOT NULL CHECK (state IN ('requested', 'pending', 'succeeded', 'failed')),
        ref TEXT,
        reason TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX refund_booking ON refund (booking_id);
      -- However many refunds run at once, together they never exceed the capture. An upsert fires this too,
      -- so the row itself is left out of the sum.
      CREATE TRIGGER refund_within_capture BEFORE INSERT ON refund
      BEGIN
        SELECT RAISE(ABORT, 'guard: refund exceeds capture')
        WHERE NEW.amount_minor + coalesce((
          SELECT sum(amount_minor) FROM refund
          WHERE payment_id = NEW.payment_id AND state <> 'failed' AND id <> NEW.id), 0)
          > (SELECT captured_minor FROM payment WHERE id = NEW.payment_id);
      END;`,
  },
  {
    id: '0004_create_records',
    sql: `
      CREATE TABLE call (
        caller_id TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'done')),
        lease_until_ms INTEGER NOT NULL,
        -- The booking whose recorded steps a resumed call goes on from.
        recovery_id TEXT,
        status INTEGER,
        body TEXT,
        created_at_ms INTEGER NOT NULL,
        PRIMARY KEY (caller_id, key)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX call_age ON call (created_at_ms);
      CREATE TABLE chain_event (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        entity_id TEXT NOT NULL,
        parent_id TEXT,
        type TEXT NOT NULL,
        from_state TEXT,
        to_state TEXT NOT NULL,
        actor TEXT NOT NULL,
        reason TEXT,
        metadata TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL
      ) STRICT;
      CREATE INDEX chain_event_entity ON chain_event (entity_id);
      CREATE TRIGGER chain_event_is_final BEFORE UPDATE ON chain_event
      BEGIN SELECT RAISE(ABORT, 'guard: the chain is append-only'); END;
      CREATE TRIGGER chain_event_stays BEFORE DELETE ON chain_event
      BEGIN SELECT RAISE(ABORT, 'guard: the chain is append-only'); END;
      -- How far each consumer of the chain is known to have applied it.
      CREATE TABLE stream_cursor (
        stream TEXT PRIMARY KEY,
        acknowledged_seq INTEGER NOT NULL
      ) STRICT;`,
  },
  {
    id: '0005_create_quota',
    sql: `
      -- The reservation at the holder's membership object that the hold used, and what became of it.
      ALTER TABLE hold ADD COLUMN grant_id TEXT;
      ALTER TABLE hold ADD COLUMN quota_state TEXT CHECK (quota_state IN ('held', 'kept', 'returned'));
      CREATE INDEX hold_grant ON hold (grant_id) WHERE grant_id IS NOT NULL;
      -- A grant counts for one hold, whatever the code believes.
      CREATE UNIQUE INDEX hold_grant_used ON hold (grant_id) WHERE quota_state IN ('held', 'kept');
      -- What membership objects have not acknowledged. A position is never given twice, because a slow consumer
      -- forgets by position.
      CREATE TABLE quota_notice (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        member_id TEXT NOT NULL,
        grant_id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('held', 'kept', 'returned')),
        uses TEXT NOT NULL CHECK (json_valid(uses))
      ) STRICT;`,
  },
  {
    id: '0006_create_disputes',
    sql: `
      ALTER TABLE payment ADD COLUMN earned_minor INTEGER NOT NULL DEFAULT 0
        CHECK (earned_minor >= 0 AND earned_minor <= captured_minor);
      ALTER TABLE payment ADD COLUMN earned_refunded_minor INTEGER NOT NULL DEFAULT 0
        CHECK (earned_refunded_minor >= 0 AND earned_refunded_minor <= earned_minor);
      -- What went back and what disputes took never exceed what came.
      ALTER TABLE payment ADD COLUMN lost_minor INTEGER NOT NULL DEFAULT 0
        CHECK (lost_minor >= 0 AND refunded_minor + lost_minor <= captured_minor);
      ALTER TABLE payment ADD COLUMN fee_minor INTEGER;
      -- Why a person has to look at this money.
      ALTER TABLE payment ADD COLUMN review TEXT;
      -- What was captured before earned money was told apart was earned, unless it was on its way back.
      UPDATE payment SET earned_minor = min(captured_minor, amount_minor),
        earned_refunded_minor = min(refunded_minor, captured_minor, amount_minor)
      WHERE state IN ('captured', 'refunded');
      ALTER TABLE refund ADD COLUMN earned_minor INTEGER NOT NULL DEFAULT 0
        CHECK (earned_minor >= 0 AND earned_minor <= amount_minor);
      UPDATE refund SET earned_minor = amount_minor;
      ALTER TABLE refund ADD COLUMN claim_url TEXT;
      ALTER TABLE refund ADD COLUMN is_external INTEGER NOT NULL DEFAULT 0 CHECK (is_external IN (0, 1));
      ALTER TABLE refund ADD COLUMN commission_minor INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE dispute (
        id TEXT PRIMARY KEY,
        payment_id TEXT NOT NULL REFERENCES payment (id),
        booking_id TEXT NOT NULL,
        processor TEXT NOT NULL,
        ref TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('inquiry', 'open', 'under_review', 'won', 'lost')),
        amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
        currency TEXT NOT NULL,
        earned_minor INTEGER NOT NULL CHECK (earned_minor >= 0 AND earned_minor <= amount_minor),
        commission_minor INTEGER NOT NULL,
        reason TEXT,
        evidence_due_at_ms INTEGER,
        created_at_ms INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX dispute_payment ON dispute (payment_id, created_at_ms, id);
      -- As before, and what disputes took is not there to go back; a refund that failed reserves nothing.
      DROP TRIGGER refund_within_capture;
      CREATE TRIGGER refund_within_capture BEFORE INSERT ON refund
      WHEN NEW.state <> 'failed'
      BEGIN
        SELECT RAISE(ABORT, 'guard: refund exceeds capture')
        WHERE NEW.amount_minor + coalesce((
          SELECT sum(amount_minor) FROM refund
          WHERE payment_id = NEW.payment_id AND state <> 'failed' AND id <> NEW.id), 0)
          > (SELECT captured_minor - lost_minor FROM payment WHERE id = NEW.payment_id);
      END;
      -- The consumer of money reads these alone.
      CREATE INDEX chain_event_money ON chain_event (seq)
        WHERE type IN ('payment.received', 'payment.fee', 'refund.succeeded', 'refund.failed', 'dispute.open',
          'dispute.won', 'dispute.lost');`,
  },
  {
    id: '0007_widen_cards',
    sql: `
      -- Parts of the capacity with prices of their own (JSON), and the availability rule that made the slot.
      ALTER TABLE slot ADD COLUMN fares TEXT CHECK (json_valid(fares));
      ALTER TABLE slot ADD COLUMN rule_id TEXT;
      UPDATE service SET card = json_insert(card,
        '$.requirements', NULL, '$.minimumDurationMinutes', NULL, '$.maximumDurationMinutes', NULL,
        '$.priceType', 'fixed', '$.requiresApproval', json('false'), '$.pledge', NULL, '$.noShowFee', NULL,
        '$.tax', NULL);`,
  },
  CREATE_SCHEDULES,
  FOLLOW_BOOKING_TIME,
  {
    id: '0010_add_payment_customer',
    sql: `
      -- Who a saved method belongs to at the processor, which wants to hear it beside the method.
      ALTER TABLE payment ADD COLUMN customer_ref TEXT;`,
  },
  CREATE_LIVE,
  CREATE_FARES,
  {
    id: '0013_add_tax',
    sql: `
      -- How much of what went back, or of what a dispute took, was tax.
      ALTER TABLE refund ADD COLUMN tax_minor INTEGER NOT NULL DEFAULT 0 CHECK (tax_minor >= 0);
      ALTER TABLE dispute ADD COLUMN tax_minor INTEGER NOT NULL DEFAULT 0 CHECK (tax_minor >= 0);`,
  },
  LET_SLOTS_LEAVE,
  CHANGE_BOOKINGS,
  FIND_PLEDGES,
  KEEP_SHARES,
  {
    id: '0018_add_coupons',
    sql: `
      -- The use of a coupon that the hold was priced with, and what became of it.
      ALTER TABLE hold ADD COLUMN coupon_grant_id TEXT;
      ALTER TABLE hold ADD COLUMN coupon_state TEXT CHECK (coupon_state IN ('held', 'kept', 'returned'));
      CREATE INDEX hold_coupon ON hold (coupon_grant_id) WHERE coupon_grant_id IS NOT NULL;
      -- A use counts for one hold, whatever the code believes.
      CREATE UNIQUE INDEX hold_coupon_used ON hold (coupon_grant_id) WHERE coupon_state IN ('held', 'kept');
      UPDATE hold SET body = json_set(body, '$.coupon', NULL);`,
  },
  PAY_SUPPLEMENTS,
  CREATE_WAITLIST,
];
