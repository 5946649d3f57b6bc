-- Who works for a provider: they manage what it sells, as its owner does, and neither its money nor its people.
-- Consumers: the catalogue's use cases; shards have a copy of owners and staff together.

CREATE TABLE provider_staff (
  provider_id TEXT NOT NULL REFERENCES provider (id),
  user_id TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (provider_id, user_id)
) STRICT, WITHOUT ROWID;

-- "Where do I work", asked by the export of a person's data.
CREATE INDEX provider_staff_user ON provider_staff (user_id, provider_id);
