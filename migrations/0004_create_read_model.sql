-- The read model: bookings and their payments as the shards last told, for lists across shards.
-- Never the source of a decision: a booking by its id is read from its shard. A row is replaced only by a newer version.
-- Consumers: the projection consumer (writes), the list of bookings, reconciliation (read).

CREATE TABLE booking (
  id TEXT PRIMARY KEY,
  code TEXT NOT NULL,
  shard_key TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  venue_id TEXT NOT NULL,
  service_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN (
    'pending', 'awaiting_approval', 'confirming', 'confirmed', 'in_progress', 'completed', 'no_show', 'cancelled',
    'expired', 'payment_failed', 'refunded'
  )),
  start_at_ms INTEGER NOT NULL,
  end_at_ms INTEGER NOT NULL,
  total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
  currency TEXT NOT NULL,
  -- The latest attempt; null where nothing is due or nobody has paid yet.
  payment_id TEXT,
  payment_status TEXT,
  processor TEXT,
  -- PaymentIntent, PayPal order or invoice.
  processor_ref TEXT,
  captured_minor INTEGER NOT NULL CHECK (captured_minor >= 0),
  refunded_minor INTEGER NOT NULL CHECK (refunded_minor BETWEEN 0 AND captured_minor),
  created_at_ms INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1)
) STRICT;

-- Lists are newest first, so each index ends in the order of its list.
CREATE INDEX booking_customer ON booking (customer_id, created_at_ms, id);
CREATE INDEX booking_provider ON booking (provider_id, created_at_ms, id);
CREATE INDEX booking_provider_status ON booking (provider_id, status, created_at_ms, id);
CREATE INDEX booking_venue ON booking (venue_id, created_at_ms, id);
CREATE INDEX booking_venue_status ON booking (venue_id, status, created_at_ms, id);

-- How far each shard's changes were applied; advanced in the batch that applies them.
CREATE TABLE projection_stream (
  shard_key TEXT PRIMARY KEY,
  applied_seq INTEGER NOT NULL CHECK (applied_seq >= 0)
) STRICT, WITHOUT ROWID;
