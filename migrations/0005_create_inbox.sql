-- What came from outside or fell out of a queue, kept until it is dealt with.
-- webhook_event: verified events of processors, durable before their 2xx. Received is not handled: handled_at_ms says so.
-- dead_letter: messages that a consumer gave up on, kept for an operator to replay.
-- Consumers: the webhook routes and consumer, the sweep of unhandled events, the operators' routes.

CREATE TABLE webhook_event (
  id TEXT PRIMARY KEY,
  processor TEXT NOT NULL CHECK (processor IN ('stripe', 'paypal', 'btcpay')),
  -- The processor's own id of the event, or what stands in for it.
  dedupe_key TEXT NOT NULL,
  type TEXT NOT NULL,
  -- The processor's object that the event speaks of; it is fetched, never believed.
  object_ref TEXT,
  booking_id TEXT,
  -- The raw body, exactly the bytes that were signed.
  payload TEXT NOT NULL,
  -- 0: of another mode, account or API version; kept and never acted upon.
  is_expected INTEGER NOT NULL CHECK (is_expected IN (0, 1)),
  received_at_ms INTEGER NOT NULL,
  handled_at_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  last_error TEXT,
  -- When the sweep may send the event to the queue again.
  next_attempt_at_ms INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX webhook_event_dedupe ON webhook_event (processor, dedupe_key);
CREATE INDEX webhook_event_unhandled ON webhook_event (next_attempt_at_ms, id) WHERE handled_at_ms IS NULL;
CREATE INDEX webhook_event_received ON webhook_event (received_at_ms, id);

CREATE TABLE dead_letter (
  -- The queue's id of the message: a redelivery of the same letter is one row.
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  body TEXT NOT NULL,
  error TEXT,
  received_at_ms INTEGER NOT NULL,
  -- Null: nobody has sent it again yet.
  replayed_at_ms INTEGER
) STRICT;

CREATE INDEX dead_letter_received ON dead_letter (received_at_ms, id);
