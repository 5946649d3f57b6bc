-- The audit trail: every transition of every shard, in the shard's order, each row linked to the one before it by a hash.
-- Append-only by the database itself: no UPDATE, no DELETE, and no INSERT but the next link of its stream, so that a
-- truncated or forked chain cannot be written. Verification recomputes every hash from these columns.
-- Consumers: the audit consumer (writes), the operators' audit routes and the history of bookings (read).

CREATE TABLE audit_event (
  -- The key of the shard that the chain belongs to.
  stream TEXT NOT NULL,
  -- Dense from 1.
  seq INTEGER NOT NULL CHECK (seq >= 1),
  id TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  -- The booking, hold or service that the entity belongs to; a row is found by either.
  parent_id TEXT,
  type TEXT NOT NULL,
  -- Null: the entity begins with this event.
  from_state TEXT,
  to_state TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT,
  -- An object; its members are hashed in canonical order, so the order in this text does not matter.
  metadata TEXT NOT NULL CHECK (json_valid(metadata)),
  at_ms INTEGER NOT NULL,
  previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX audit_event_id ON audit_event (id);
CREATE INDEX audit_event_entity ON audit_event (entity_id, at_ms, stream, seq);
CREATE INDEX audit_event_parent ON audit_event (parent_id, at_ms, stream, seq) WHERE parent_id IS NOT NULL;
CREATE INDEX audit_event_at ON audit_event (at_ms, stream, seq);

CREATE TRIGGER audit_event_refuse_update BEFORE UPDATE ON audit_event
BEGIN
  SELECT RAISE(ABORT, 'audit_append_only');
END;

CREATE TRIGGER audit_event_refuse_delete BEFORE DELETE ON audit_event
BEGIN
  SELECT RAISE(ABORT, 'audit_append_only');
END;

-- The check of the id is here as well as in the index, because INSERT OR REPLACE would delete the old row unseen.
CREATE TRIGGER audit_event_extend_chain BEFORE INSERT ON audit_event
BEGIN
  SELECT RAISE(ABORT, 'audit_chain_conflict')
  WHERE NEW.seq <> 1 + coalesce((SELECT max(seq) FROM audit_event WHERE stream = NEW.stream), 0)
    OR NEW.previous_hash <> coalesce(
      (SELECT hash FROM audit_event WHERE stream = NEW.stream AND seq = NEW.seq - 1),
      '0000000000000000000000000000000000000000000000000000000000000000'
    )
    OR EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id);
END;

-- How far each stream was copied. Advanced in the batch that inserts the rows; verification compares it with them.
CREATE TABLE audit_stream (
  stream TEXT PRIMARY KEY,
  applied_seq INTEGER NOT NULL CHECK (applied_seq >= 1),
  head_hash TEXT NOT NULL CHECK (length(head_hash) = 64)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_stream_refuse_delete BEFORE DELETE ON audit_stream
BEGIN
  SELECT RAISE(ABORT, 'audit_append_only');
END;

CREATE TRIGGER audit_stream_insert_on_row BEFORE INSERT ON audit_stream
BEGIN
  SELECT RAISE(ABORT, 'audit_chain_conflict')
  WHERE NOT EXISTS (
    SELECT 1 FROM audit_event WHERE stream = NEW.stream AND seq = NEW.applied_seq AND hash = NEW.head_hash
  );
END;

CREATE TRIGGER audit_stream_move_forward BEFORE UPDATE ON audit_stream
BEGIN
  SELECT RAISE(ABORT, 'audit_chain_conflict')
  WHERE NEW.stream <> OLD.stream
    OR NEW.applied_seq <= OLD.applied_seq
    OR NOT EXISTS (
      SELECT 1 FROM audit_event WHERE stream = NEW.stream AND seq = NEW.applied_seq AND hash = NEW.head_hash
    );
END;
