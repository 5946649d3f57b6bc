/** The step of a shard's schema that counts the fares of slots. Listed in `shard-migrations.ts`, and never edited. */
import type { ShardMigration } from './shard-migrations.ts';

export const CREATE_FARES: ShardMigration = {
  id: '0012_create_fares',
  sql: `
    -- How much of each fare of a slot is taken: the second guard beside memory, as slot.taken is for the slot.
    CREATE TABLE slot_fare (
      slot_id TEXT NOT NULL REFERENCES slot (id),
      fare_id TEXT NOT NULL,
      quota INTEGER NOT NULL CHECK (quota >= 1),
      taken INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (slot_id, fare_id),
      CHECK (taken >= 0 AND taken <= quota)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO slot_fare (slot_id, fare_id, quota)
    SELECT slot.id, fare.value ->> 'id', fare.value ->> 'quota' FROM slot, json_each(slot.fares) AS fare
    WHERE slot.fares IS NOT NULL;
    CREATE TRIGGER slot_has_fares AFTER INSERT ON slot
    WHEN NEW.fares IS NOT NULL
    BEGIN
      INSERT INTO slot_fare (slot_id, fare_id, quota)
      SELECT NEW.id, value ->> 'id', value ->> 'quota' FROM json_each(NEW.fares);
    END;
    -- Empty for a claim on a slot without fares.
    ALTER TABLE claim ADD COLUMN fare_id TEXT NOT NULL DEFAULT '';
    CREATE TRIGGER claim_names_fare BEFORE INSERT ON claim
    WHEN NEW.is_live = 1
      AND (NEW.fare_id <> '' OR EXISTS (SELECT 1 FROM slot_fare WHERE slot_id = NEW.slot_id))
    BEGIN
      SELECT RAISE(ABORT, 'guard: the slot has no such fare')
      WHERE NOT EXISTS (SELECT 1 FROM slot_fare WHERE slot_id = NEW.slot_id AND fare_id = NEW.fare_id);
    END;
    CREATE TRIGGER claim_fills_fare AFTER INSERT ON claim
    WHEN NEW.is_live = 1 AND NEW.fare_id <> ''
    BEGIN
      UPDATE slot_fare SET taken = taken + NEW.slot_quantity
      WHERE slot_id = NEW.slot_id AND fare_id = NEW.fare_id;
    END;
    CREATE TRIGGER claim_empties_fare AFTER UPDATE OF is_live ON claim
    WHEN OLD.is_live = 1 AND NEW.is_live = 0 AND NEW.fare_id <> ''
    BEGIN
      UPDATE slot_fare SET taken = taken - NEW.slot_quantity
      WHERE slot_id = NEW.slot_id AND fare_id = NEW.fare_id;
    END;
    -- What was sold before there were fares, taxes and quotes has none.
    UPDATE hold SET body = json_set(body, '$.fareId', NULL, '$.items', json((
      SELECT json_group_array(json_set(value, '$.fareId', NULL, '$.taxMinor', 0, '$.tax', NULL,
        '$.awaitsQuote', json('false'))) FROM json_each(body, '$.items'))));
    UPDATE booking SET body = json_set(body, '$.items', json((
      SELECT json_group_array(json_set(value, '$.fareId', NULL, '$.taxMinor', 0, '$.tax', NULL,
        '$.awaitsQuote', json('false'))) FROM json_each(body, '$.items'))));`,
};
