-- Methods that customers keep with a processor to pay with again: the processor's token and what may be shown of it, never a
-- card number. Lives in the database of the customer's region. A method that is gone leaves its row without a token and
-- without anything about its owner but their id, for its trail.
-- Consumers: the customers' routes, bookings and subscriptions that name a method, the sweep of what is not finished, the
-- verification of the audit trail.

CREATE TABLE payment_method (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  processor TEXT NOT NULL CHECK (processor IN ('stripe', 'paypal', 'btcpay')),
  state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'failed', 'removing', 'removed')),
  -- The token as the customer named it: naming it again is the same method.
  offered TEXT,
  return_url TEXT,
  customer_ref TEXT,
  -- The processor's object that keeps the method; null while no answer has named it.
  setup_ref TEXT,
  -- The token by which it is charged.
  method_ref TEXT,
  kind TEXT CHECK (kind IN ('card', 'paypal', 'bank_debit', 'other')),
  brand TEXT,
  last4 TEXT CHECK (length(last4) <= 4),
  expires_month INTEGER CHECK (expires_month BETWEEN 1 AND 12),
  expires_year INTEGER,
  -- An e-mail address with most of it covered.
  payer TEXT,
  -- What the payer has to do; it holds a secret of theirs, and goes when it is done.
  action TEXT CHECK (action IS NULL OR json_type(action) = 'object'),
  decline_code TEXT,
  preferred_at_ms INTEGER NOT NULL CHECK (preferred_at_ms >= 0),
  key_seq INTEGER NOT NULL CHECK (key_seq >= 1),
  fruitless_looks INTEGER NOT NULL CHECK (fruitless_looks >= 0),
  -- When somebody has to look next; null: never.
  due_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  -- The head of its chain: the witness of its stream in the audit trail.
  chain_seq INTEGER NOT NULL CHECK (chain_seq >= 1),
  chain_hash TEXT NOT NULL CHECK (length(chain_hash) = 64),
  version INTEGER NOT NULL CHECK (version >= 1),
  CHECK (state <> 'active' OR (method_ref IS NOT NULL AND customer_ref IS NOT NULL AND kind IS NOT NULL)),
  CHECK (state NOT IN ('failed', 'removed') OR (method_ref IS NULL AND action IS NULL AND due_at_ms IS NULL))
) STRICT;

CREATE INDEX payment_method_user ON payment_method (user_id, created_at_ms, id) WHERE state IN ('pending', 'active');
CREATE UNIQUE INDEX payment_method_offered ON payment_method (user_id, processor, offered)
  WHERE state IN ('pending', 'active') AND offered IS NOT NULL;
CREATE INDEX payment_method_due ON payment_method (due_at_ms, id) WHERE due_at_ms IS NOT NULL;

-- Two calls at once cannot pass the limit together.
CREATE TRIGGER payment_method_limit BEFORE INSERT ON payment_method
BEGIN
  SELECT RAISE(ABORT, 'payment_method_limit')
  WHERE (
    SELECT count(*) FROM payment_method WHERE user_id = NEW.user_id AND state IN ('pending', 'active')
  ) >= 20;
END;

-- Whoever read an older version has lost: the whole transaction of the loser is undone.
CREATE TRIGGER payment_method_take_turns BEFORE UPDATE ON payment_method
WHEN NEW.version <> OLD.version + 1
BEGIN
  SELECT RAISE(ABORT, 'payment_method_version_conflict');
END;

CREATE TRIGGER payment_method_keep_identity BEFORE UPDATE ON payment_method
WHEN NEW.id <> OLD.id OR NEW.user_id <> OLD.user_id OR NEW.processor <> OLD.processor
  OR NEW.created_at_ms <> OLD.created_at_ms OR NEW.chain_seq < OLD.chain_seq
  OR (OLD.state IN ('failed', 'removed') AND NEW.state <> OLD.state)
BEGIN
  SELECT RAISE(ABORT, 'payment_method_immutable');
END;

CREATE TRIGGER payment_method_refuse_delete BEFORE DELETE ON payment_method
BEGIN
  SELECT RAISE(ABORT, 'payment_method_immutable');
END;

-- What pays for a live subscription, or is being charged for one, stays; whoever writes first decides.
CREATE TRIGGER payment_method_keep_in_use BEFORE UPDATE OF state ON payment_method
WHEN OLD.state = 'active' AND NEW.state = 'removing'
BEGIN
  SELECT RAISE(ABORT, 'payment_method_in_use')
  WHERE EXISTS (
    SELECT 1 FROM subscription
    WHERE user_id = OLD.user_id AND state NOT IN ('cancelled', 'expired')
      AND ((method_processor = OLD.processor AND method_ref = OLD.method_ref) OR EXISTS (
        SELECT 1 FROM charge
        WHERE subscription_id = subscription.id AND state IN ('created', 'action_required', 'pending')
          AND processor = OLD.processor AND method_ref = OLD.method_ref
      ))
  );
END;

-- The trail of a method and its own head move together.
CREATE TRIGGER audit_stream_insert_with_payment_method BEFORE INSERT ON audit_stream
WHEN substr(NEW.stream, 1, 4) = 'pmt_'
BEGIN
  SELECT RAISE(ABORT, 'payment_method_chain_mismatch')
  WHERE NOT EXISTS (
    SELECT 1 FROM payment_method WHERE id = NEW.stream AND chain_seq = NEW.applied_seq AND chain_hash = NEW.head_hash
  );
END;

CREATE TRIGGER audit_stream_move_with_payment_method BEFORE UPDATE ON audit_stream
WHEN substr(NEW.stream, 1, 4) = 'pmt_'
BEGIN
  SELECT RAISE(ABORT, 'payment_method_chain_mismatch')
  WHERE NOT EXISTS (
    SELECT 1 FROM payment_method WHERE id = NEW.stream AND chain_seq = NEW.applied_seq AND chain_hash = NEW.head_hash
  );
END;
