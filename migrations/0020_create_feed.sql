-- Private calendar feeds, and what of bookings they show: each slot with the resources that it was assigned.
-- Consumers: the projection consumer (writes booking_slot), the feeds (read both).

-- The projection consumer replaces the rows of a booking with those of its newest version. Bookings from before this
-- table have none until they change, and show as one entry.
CREATE TABLE booking_slot (
  booking_id TEXT NOT NULL,
  -- The slot's place in the booking; a calendar entry keeps its name by it.
  place INTEGER NOT NULL CHECK (place >= 0),
  resource_id TEXT NOT NULL,
  label TEXT NOT NULL,
  start_at_ms INTEGER NOT NULL,
  end_at_ms INTEGER NOT NULL,
  -- When the booking changed last.
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (booking_id, place, resource_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX booking_slot_resource ON booking_slot (resource_id, end_at_ms, booking_id);
CREATE INDEX booking_customer_end ON booking (customer_id, end_at_ms);

CREATE TABLE feed (
  id TEXT PRIMARY KEY,
  -- SHA-256 of the token; the token itself is shown once and kept nowhere.
  token_hash TEXT NOT NULL UNIQUE,
  owner_id TEXT NOT NULL,
  -- Null for the owner's own bookings.
  resource_id TEXT,
  -- Whose resource it is: the feed ends when its owner does not run that provider any more.
  provider_id TEXT,
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,
  CHECK ((resource_id IS NULL) = (provider_id IS NULL))
) STRICT;

CREATE INDEX feed_owner ON feed (owner_id, created_at_ms) WHERE revoked_at_ms IS NULL;
