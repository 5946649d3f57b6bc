-- Payouts: what providers are sent of what they are owed, how and where to, and the platform's own commission.
-- A payout is written before any call that could move its money; a provider has at most one live payout per currency and
-- one per period, whoever makes them. Its history is kept by triggers. What is owed is the ledger's to say.
-- Lives in the database of the provider's region; the global commission in the global one.
-- Consumers: the run of payouts, the providers' statements, the operators' export and commands.

CREATE TABLE payout_setting (
  provider_id TEXT PRIMARY KEY,
  -- processor: a transfer to the provider's account there. manual: an operator pays by bank.
  method TEXT NOT NULL CHECK (method IN ('processor', 'manual')),
  escrow_days INTEGER NOT NULL CHECK (escrow_days BETWEEN 0 AND 365),
  interval TEXT NOT NULL CHECK (interval IN ('day', 'week', 'month')),
  -- In UTC; of weekly payouts.
  weekday TEXT NOT NULL CHECK (weekday IN (
    'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'
  )),
  -- Smallest payout by currency.
  minimums_minor TEXT NOT NULL CHECK (json_type(minimums_minor) = 'object'),
  reserve_bps INTEGER NOT NULL CHECK (reserve_bps BETWEEN 0 AND 10000)
) STRICT, WITHOUT ROWID;

CREATE TABLE payout_account (
  provider_id TEXT PRIMARY KEY,
  processor TEXT NOT NULL CHECK (processor IN ('stripe', 'paypal', 'btcpay')),
  -- Null while no answer of the processor has named it.
  ref TEXT,
  -- What was last asked for and may have been opened; null after a definite no.
  country TEXT,
  key_seq INTEGER NOT NULL CHECK (key_seq >= 1),
  is_ready INTEGER NOT NULL CHECK (is_ready IN (0, 1)),
  -- What the processor still wants, in its own words.
  missing TEXT NOT NULL CHECK (json_type(missing) = 'array'),
  checked_at_ms INTEGER NOT NULL,
  CHECK (ref IS NOT NULL OR is_ready = 0)
) STRICT, WITHOUT ROWID;

-- An event of the processor names its account.
CREATE UNIQUE INDEX payout_account_ref ON payout_account (processor, ref) WHERE ref IS NOT NULL;

CREATE TRIGGER payout_account_keep_ref BEFORE UPDATE ON payout_account
WHEN OLD.ref IS NOT NULL AND NEW.ref IS NOT OLD.ref
BEGIN
  SELECT RAISE(ABORT, 'payout_account_immutable');
END;

CREATE TABLE payout (
  id TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL,
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  -- The day on which it was due, such as 2026-11-23.
  period TEXT NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  method TEXT NOT NULL CHECK (method IN ('processor', 'manual')),
  state TEXT NOT NULL CHECK (state IN ('scheduled', 'processing', 'completed', 'failed', 'cancelled')),
  reason TEXT,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  payable_minor INTEGER NOT NULL,
  reserved_minor INTEGER NOT NULL CHECK (reserved_minor >= 0),
  available_until_ms INTEGER NOT NULL,
  account_ref TEXT,
  -- The processor's transfer, or what an operator wrote down of the bank's.
  transfer_ref TEXT,
  reversed_minor INTEGER NOT NULL CHECK (reversed_minor BETWEEN 0 AND amount_minor),
  reversal_target_minor INTEGER CHECK (reversal_target_minor BETWEEN 1 AND amount_minor),
  -- The command that asked for the last reversal: a repeat of it asks for none.
  reversal_key TEXT,
  reversal_seq INTEGER NOT NULL CHECK (reversal_seq >= 1),
  tries INTEGER NOT NULL CHECK (tries >= 0),
  key_seq INTEGER NOT NULL CHECK (key_seq >= 1),
  last_reply TEXT,
  -- When it is looked at next; null when there is nothing to do.
  next_attempt_at_ms INTEGER,
  lease_until_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  settled_at_ms INTEGER,
  version INTEGER NOT NULL CHECK (version >= 1),
  -- Who made the last step, and when.
  moved_by TEXT NOT NULL,
  moved_at_ms INTEGER NOT NULL,
  CHECK (payable_minor = amount_minor + reserved_minor),
  CHECK (method = 'manual' OR account_ref IS NOT NULL),
  CHECK (state <> 'completed' OR transfer_ref IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX payout_live ON payout (provider_id, currency) WHERE state IN ('scheduled', 'processing');
CREATE UNIQUE INDEX payout_period ON payout (provider_id, currency, period)
  WHERE state IN ('scheduled', 'processing', 'completed');
CREATE UNIQUE INDEX payout_sequence ON payout (provider_id, currency, period, sequence);
CREATE INDEX payout_provider ON payout (provider_id, created_at_ms, id);
CREATE INDEX payout_due ON payout (id, next_attempt_at_ms, lease_until_ms) WHERE next_attempt_at_ms IS NOT NULL;
CREATE INDEX payout_manual ON payout (period, id) WHERE method = 'manual';

-- Whoever read an older version writes nothing; nobody changes what a payout is.
CREATE TRIGGER payout_keep_identity BEFORE UPDATE ON payout
WHEN NEW.id <> OLD.id OR NEW.provider_id <> OLD.provider_id OR NEW.currency <> OLD.currency OR NEW.period <> OLD.period
  OR NEW.sequence <> OLD.sequence OR NEW.method <> OLD.method OR NEW.amount_minor <> OLD.amount_minor
  OR NEW.version <> OLD.version + 1 OR NEW.reversed_minor < OLD.reversed_minor
  OR (OLD.state IN ('completed', 'cancelled') AND NEW.state <> OLD.state)
  OR (OLD.state = 'failed' AND NEW.state NOT IN ('failed', 'completed'))
  OR (OLD.transfer_ref IS NOT NULL AND NEW.transfer_ref IS NOT OLD.transfer_ref)
BEGIN
  SELECT RAISE(ABORT, 'payout_immutable');
END;

CREATE TRIGGER payout_refuse_delete BEFORE DELETE ON payout
BEGIN
  SELECT RAISE(ABORT, 'payout_immutable');
END;

-- Every step of a payout, and every reversal that was asked for or came about.
CREATE TABLE payout_event (
  payout_id TEXT NOT NULL REFERENCES payout (id),
  version INTEGER NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  reason TEXT,
  reversed_minor INTEGER NOT NULL,
  reversal_target_minor INTEGER,
  actor TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (payout_id, version)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER payout_event_insert AFTER INSERT ON payout
BEGIN
  INSERT INTO payout_event (
    payout_id, version, from_state, to_state, reason, reversed_minor, reversal_target_minor, actor, at_ms
  )
  VALUES (
    NEW.id, NEW.version, NULL, NEW.state, NEW.reason, NEW.reversed_minor, NEW.reversal_target_minor, NEW.moved_by,
    NEW.moved_at_ms
  );
END;

CREATE TRIGGER payout_event_update AFTER UPDATE ON payout
WHEN NEW.state <> OLD.state OR NEW.reversed_minor <> OLD.reversed_minor OR NEW.tries <> OLD.tries
  OR NEW.reversal_target_minor IS NOT OLD.reversal_target_minor
BEGIN
  INSERT INTO payout_event (
    payout_id, version, from_state, to_state, reason, reversed_minor, reversal_target_minor, actor, at_ms
  )
  VALUES (
    NEW.id, NEW.version, OLD.state, NEW.state, NEW.reason, NEW.reversed_minor, NEW.reversal_target_minor, NEW.moved_by,
    NEW.moved_at_ms
  );
END;

CREATE TRIGGER payout_event_refuse_update BEFORE UPDATE ON payout_event
BEGIN
  SELECT RAISE(ABORT, 'payout_event_append_only');
END;

CREATE TRIGGER payout_event_refuse_delete BEFORE DELETE ON payout_event
BEGIN
  SELECT RAISE(ABORT, 'payout_event_append_only');
END;

-- Which postings of the ledger a payout states: each in one payout, those of one that came to nothing in the next.
CREATE TABLE payout_line (
  transaction_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  payout_id TEXT NOT NULL REFERENCES payout (id),
  PRIMARY KEY (transaction_id, line)
) STRICT, WITHOUT ROWID;

CREATE INDEX payout_line_payout ON payout_line (payout_id, transaction_id, line);

CREATE TRIGGER payout_line_release AFTER UPDATE OF state ON payout
WHEN NEW.state IN ('failed', 'cancelled') AND OLD.state <> NEW.state
BEGIN
  DELETE FROM payout_line WHERE payout_id = NEW.id;
END;

-- The platform's share in basis points, as operators set it. 'global' is for whoever has no rate of their own; the general
-- rates of providers and venues stand in their own rows, and here only what differs by who pays.
CREATE TABLE commission_rate (
  scope TEXT NOT NULL CHECK (scope IN ('global', 'provider', 'venue')),
  -- The provider or venue; empty for the global rate.
  scope_id TEXT NOT NULL CHECK ((scope = 'global') = (scope_id = '')),
  -- Null: not set here.
  any_bps INTEGER CHECK (any_bps BETWEEN 0 AND 10000),
  guest_bps INTEGER CHECK (guest_bps BETWEEN 0 AND 10000),
  member_bps INTEGER CHECK (member_bps BETWEEN 0 AND 10000),
  changed_by TEXT NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, scope_id)
) STRICT, WITHOUT ROWID;
