-- When services are for sale: rules that the slots of shards are made by. Rules live here alone; shards know the version of
-- the rules that they have applied, so that what older rules want is never applied over newer ones.
-- Consumers: the rules' routes, the job that keeps booking windows filled.

CREATE TABLE availability_rule (
  id TEXT PRIMARY KEY,
  service_id TEXT NOT NULL,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  version INTEGER NOT NULL CHECK (version >= 1),
  created_at_ms INTEGER NOT NULL,
  -- Days, times, zone, bounds, exceptions and price, as the code reads them.
  terms TEXT NOT NULL CHECK (json_valid(terms))
) STRICT, WITHOUT ROWID;

CREATE INDEX availability_rule_service ON availability_rule (service_id, created_at_ms, id) WHERE active = 1;

CREATE TABLE service_schedule (
  service_id TEXT PRIMARY KEY,
  -- Grows with each change of a rule of the service.
  version INTEGER NOT NULL CHECK (version >= 1),
  -- What slots were ever asked for: an edit of a rule reaches this far.
  generated_from_ms INTEGER,
  generated_until_ms INTEGER,
  -- What the window was filled by, and how far; another basis fills it anew.
  filled_basis TEXT,
  filled_until_ms INTEGER,
  next_fill_at_ms INTEGER NOT NULL,
  CHECK ((generated_from_ms IS NULL) = (generated_until_ms IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX service_schedule_due ON service_schedule (next_fill_at_ms);

CREATE TRIGGER availability_rule_is_new AFTER INSERT ON availability_rule
BEGIN
  INSERT INTO service_schedule (service_id, version, next_fill_at_ms) VALUES (NEW.service_id, 1, 0)
  ON CONFLICT (service_id) DO UPDATE SET version = version + 1, next_fill_at_ms = 0;
END;

CREATE TRIGGER availability_rule_changed AFTER UPDATE ON availability_rule
BEGIN
  UPDATE service_schedule SET version = version + 1, next_fill_at_ms = 0 WHERE service_id = NEW.service_id;
END;
