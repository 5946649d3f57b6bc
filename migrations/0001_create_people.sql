-- People: accounts, who has which e-mail address, refresh tokens, and the idempotency keys of calls that reach no
-- inventory shard. Accounts, tokens and keys live in the database of their person's region; e-mail claims live in the
-- global database alone, where they hold no address: a keyed hash is enough to find the region and to be unique.
-- Consumers: the auth routes, every keyed call of the catalogue, the retention job.

CREATE TABLE user (
  id TEXT PRIMARY KEY,
  -- In lower case; the claim decides who has it.
  email TEXT NOT NULL,
  -- HMAC of the address: the same in email_claim, so that either finds the other.
  email_key TEXT NOT NULL,
  name TEXT,
  -- PHC string: scrypt over the peppered password.
  password_hash TEXT NOT NULL,
  roles TEXT NOT NULL CHECK (json_type(roles) = 'array'),
  -- Immutable: it is also the locator in the id.
  data_region TEXT NOT NULL CHECK (data_region IN ('global', 'eu')),
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE email_claim (
  -- One account per address, in whatever case it is typed and in whichever region it lives.
  email_key TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  data_region TEXT NOT NULL CHECK (data_region IN ('global', 'eu')),
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE refresh_token (
  -- SHA-256 of the token; the token itself is known to its owner alone.
  token_hash TEXT PRIMARY KEY,
  -- All tokens that follow from one log-in; they live and die together.
  family_id TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES user (id),
  generation INTEGER NOT NULL CHECK (generation >= 1),
  -- The family ends here, however often it is refreshed.
  family_expires_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  used_at_ms INTEGER,
  revoked_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A token has at most one successor, even if two uses of it meet.
CREATE UNIQUE INDEX refresh_token_generation ON refresh_token (family_id, generation);
CREATE INDEX refresh_token_user ON refresh_token (user_id);
CREATE INDEX refresh_token_expiry ON refresh_token (expires_at_ms);

CREATE TABLE call (
  caller_id TEXT NOT NULL,
  key TEXT NOT NULL,
  -- SHA-256 of method, path, canonical body and caller.
  fingerprint TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'done')),
  -- Until then the running call owns its key; it also tells one try from the next.
  lease_until_ms INTEGER NOT NULL,
  status INTEGER CHECK (status BETWEEN 200 AND 499),
  -- The answer as it was given; empty for one without a body.
  body TEXT,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (caller_id, key),
  CHECK ((state = 'done') = (status IS NOT NULL AND body IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX call_expiry ON call (expires_at_ms);
