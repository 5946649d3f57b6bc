-- The catalogue: who sells (provider), where (venue), with what (resource) and what (service), and which shards hold it.
-- Providers and venues live here alone. Resources and services are copies of the shards' cards, for search and lists:
-- a row is replaced only by a newer version, so that a late message never takes it back in time.
-- Consumers: the catalogue routes, the search, the projection consumer.

CREATE TABLE provider (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  -- Location hint of the provider's shards; null leaves the place to the first caller.
  region TEXT,
  -- Immutable: it is also the locator in the id.
  data_region TEXT NOT NULL CHECK (data_region IN ('global', 'eu')),
  -- Null: the platform's rate.
  commission_bps INTEGER CHECK (commission_bps BETWEEN 0 AND 10000),
  -- Where new resources go; the shard row is written in the same batch.
  shard_key TEXT NOT NULL,
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE provider_member (
  provider_id TEXT NOT NULL REFERENCES provider (id),
  user_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner')),
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (provider_id, user_id)
) STRICT, WITHOUT ROWID;

-- "Which providers are mine", asked by the export of a person's data.
CREATE INDEX provider_member_user ON provider_member (user_id, provider_id);

CREATE TABLE venue (
  id TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL REFERENCES provider (id),
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  address TEXT,
  latitude REAL CHECK (latitude BETWEEN -90 AND 90),
  longitude REAL CHECK (longitude BETWEEN -180 AND 180),
  -- Null: the provider's rate.
  commission_bps INTEGER CHECK (commission_bps BETWEEN 0 AND 10000),
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX venue_provider ON venue (provider_id, id);

-- Every inventory shard that was provisioned; the verification of the audit trail walks this list.
CREATE TABLE shard (
  shard_key TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL REFERENCES provider (id),
  -- Null: the provider's first shard, for all its venues.
  venue_id TEXT,
  name TEXT NOT NULL,
  region_hint TEXT,
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX shard_provider ON shard (provider_id, shard_key);

-- No foreign keys on copies: a shard's message may arrive before the row that it points to.
CREATE TABLE resource (
  id TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL,
  venue_id TEXT,
  name TEXT NOT NULL,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  version INTEGER NOT NULL CHECK (version >= 1),
  -- The shard's ResourceCard.
  card TEXT NOT NULL CHECK (json_valid(card))
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_provider ON resource (provider_id, id);

CREATE TABLE service (
  id TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL,
  venue_id TEXT NOT NULL,
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  subcategory TEXT,
  price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
  currency TEXT NOT NULL,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  -- Name, description, category and tags in lower case of every script: SQLite's lower() knows ASCII only.
  search_text TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  -- When this copy was first written; the order of search results.
  created_at_ms INTEGER NOT NULL,
  -- The shard's ServiceCard.
  card TEXT NOT NULL CHECK (json_valid(card))
) STRICT;

CREATE INDEX service_active ON service (active, created_at_ms, id);
CREATE INDEX service_category ON service (category, active, created_at_ms, id);
CREATE INDEX service_provider ON service (provider_id, active, created_at_ms, id);
CREATE INDEX service_venue ON service (venue_id, active, id);

-- One row per tag, so that a search by tag reads only what carries it.
CREATE TABLE service_tag (
  tag TEXT NOT NULL,
  service_id TEXT NOT NULL,
  PRIMARY KEY (tag, service_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX service_tag_service ON service_tag (service_id, tag);

-- Tags follow the card by themselves, whoever writes it, and only when a newer card was taken.
CREATE TRIGGER service_tag_insert AFTER INSERT ON service
BEGIN
  INSERT OR IGNORE INTO service_tag (tag, service_id)
    SELECT value, NEW.id FROM json_each(NEW.card, '$.tags');
END;

CREATE TRIGGER service_tag_update AFTER UPDATE OF card ON service
BEGIN
  DELETE FROM service_tag WHERE service_id = NEW.id;
  INSERT OR IGNORE INTO service_tag (tag, service_id)
    SELECT value, NEW.id FROM json_each(NEW.card, '$.tags');
END;
