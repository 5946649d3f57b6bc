-- Providers that were set up in one call: how far each has come, so that the same call goes on where it stopped, and what it
-- made. Lives in the database of the provider's region.
-- Consumers: the provisioning routes.

CREATE TABLE provisioning (
  -- Derived from the caller and the idempotency key.
  id TEXT PRIMARY KEY,
  caller_id TEXT NOT NULL,
  -- SHA-256 of what was asked: the key never names another request, however long ago it was.
  fingerprint TEXT NOT NULL,
  -- Known before there is such a provider.
  provider_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('making', 'done', 'undoing', 'undone')),
  -- Ids by the names of the steps that are done.
  made TEXT NOT NULL CHECK (json_valid(made)),
  -- The last sign of life of whoever makes it.
  touched_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
