-- Guests: who books without an account, and look-ups of bookings by code and address that wait to be answered. A guest
-- lives in the database of their region; a look-up in the global one alone, and names nobody: a keyed hash stands for the
-- address. Consumers: the routes of guest sessions, registering, the look-up of bookings.

CREATE TABLE guest_session (
  id TEXT PRIMARY KEY,
  -- The contact of everything that the guest books: kept after the session has ended.
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  name TEXT NOT NULL,
  phone TEXT,
  -- An unfinished booking, as the client left it; nothing reads it but the client.
  draft TEXT CHECK (draft IS NULL OR json_type(draft) = 'object'),
  -- The account that took the guest's bookings along; the first one has them for good.
  user_id TEXT,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
) STRICT;

-- The guest whom this person registered as; whether the guest is theirs is what the guest's own row says.
ALTER TABLE user ADD COLUMN guest_id TEXT;

CREATE TABLE booking_lookup (
  -- As it was typed, in one writing.
  code TEXT NOT NULL,
  email_key TEXT NOT NULL,
  requested_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  next_attempt_at_ms INTEGER NOT NULL,
  -- Answered, or given up; kept a while so that nobody floods somebody's mailbox.
  finished_at_ms INTEGER,
  PRIMARY KEY (code, email_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX booking_lookup_due ON booking_lookup (next_attempt_at_ms) WHERE finished_at_ms IS NULL;
CREATE INDEX booking_lookup_finished ON booking_lookup (finished_at_ms) WHERE finished_at_ms IS NOT NULL;
CREATE INDEX booking_code ON booking (code);
