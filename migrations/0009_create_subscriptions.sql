-- Subscriptions and their money: what a member subscribes to, the invoices of each period, the charges that collect them,
-- credit notes, who a member is at each processor, and what members are to be told. All of it lives in the database of
-- the member's region and is written in one transaction under the subscription's version.
-- Each database numbers its own invoices without a gap; the region's mark in the number keeps the two apart.
-- Consumers: billing, its routes, the verification of the audit trail, the sender of notices.
-- Takes the place of the table `subscription` of 0006, whose rows move over without a payment method.

ALTER TABLE subscription RENAME TO subscription_row;
DROP INDEX subscription_live;
DROP INDEX subscription_user;
DROP INDEX subscription_unpushed;

CREATE TABLE subscription (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  plan_version INTEGER NOT NULL CHECK (plan_version >= 1),
  plan_group TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN (
    'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'cancelled', 'expired'
  )),
  -- IANA zone whose calendar the periods follow.
  time_zone TEXT NOT NULL,
  anchor_at_ms INTEGER NOT NULL,
  -- Which period after the anchor is paid; -1 before it.
  period_index INTEGER NOT NULL CHECK (period_index >= -1),
  current_period_start_ms INTEGER NOT NULL,
  current_period_end_ms INTEGER NOT NULL,
  trial_end_ms INTEGER,
  cancel_at_period_end INTEGER NOT NULL CHECK (cancel_at_period_end IN (0, 1)),
  pending_plan_id TEXT,
  paused_rest_ms INTEGER CHECK (paused_rest_ms >= 0),
  -- Null: no way to pay is kept.
  method_processor TEXT CHECK (method_processor IN ('stripe', 'paypal', 'btcpay')),
  -- The processor's token; null where the payer pays each invoice.
  method_ref TEXT,
  credit_minor INTEGER NOT NULL CHECK (credit_minor >= 0),
  currency TEXT NOT NULL,
  overrides TEXT NOT NULL CHECK (json_type(overrides) = 'object'),
  removals TEXT NOT NULL CHECK (json_type(removals) = 'array'),
  -- The instant (ms) of the last change of what the member may do: it grows over all subscriptions of the member,
  -- and the membership object refuses an older one.
  entitlement_version INTEGER NOT NULL CHECK (entitlement_version >= 1),
  -- The last version that the membership object acknowledged; less than entitlement_version: push again.
  pushed_version INTEGER NOT NULL DEFAULT 0 CHECK (pushed_version BETWEEN 0 AND entitlement_version),
  -- When somebody has to look next; null: never.
  due_at_ms INTEGER,
  lease_until_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  -- The head of its chain: the witness of its stream in the audit trail.
  chain_seq INTEGER NOT NULL CHECK (chain_seq >= 0),
  chain_hash TEXT NOT NULL CHECK (length(chain_hash) = 64),
  version INTEGER NOT NULL CHECK (version >= 1),
  CHECK (current_period_start_ms <= current_period_end_ms),
  CHECK (method_processor IS NOT NULL OR method_ref IS NULL)
) STRICT;

-- What is not over is due when its period ends; it has no method, so billing asks the member for one.
INSERT INTO subscription (
  id, user_id, plan_id, plan_version, plan_group, state, time_zone, anchor_at_ms, period_index,
  current_period_start_ms, current_period_end_ms, cancel_at_period_end, credit_minor, currency, overrides, removals,
  entitlement_version, pushed_version, due_at_ms, lease_until_ms, created_at_ms, ended_at_ms, chain_seq, chain_hash,
  version
)
SELECT
  old.id, old.user_id, old.plan_id,
  coalesce((SELECT min(version) FROM plan_version WHERE plan_id = old.plan_id), 1), 'membership', old.status, 'UTC',
  old.current_period_start_ms, 0, old.current_period_start_ms, old.current_period_end_ms, 0, 0,
  -- No plan in another currency was ever published before this file.
  coalesce((SELECT min(currency) FROM plan_version WHERE plan_id = old.plan_id), 'usd'), '{}', '[]',
  old.entitlement_version, old.pushed_version,
  iif(old.status IN ('cancelled', 'expired', 'paused'), NULL, old.current_period_end_ms), 0, old.created_at_ms,
  iif(old.status IN ('cancelled', 'expired'), old.current_period_end_ms, NULL), 0,
  '0000000000000000000000000000000000000000000000000000000000000000', 1
FROM subscription_row AS old;

DROP TABLE subscription_row;

-- At most one live subscription per member and group of plans.
CREATE UNIQUE INDEX subscription_live ON subscription (user_id, plan_group)
  WHERE state NOT IN ('cancelled', 'expired');
CREATE INDEX subscription_user ON subscription (user_id, plan_group, created_at_ms);
CREATE INDEX subscription_due ON subscription (due_at_ms, id) WHERE due_at_ms IS NOT NULL;
CREATE INDEX subscription_plan ON subscription (plan_id, plan_version, id, state)
  WHERE state NOT IN ('cancelled', 'expired');
CREATE INDEX subscription_unpushed ON subscription (id) WHERE pushed_version < entitlement_version;

-- Whoever read an older version has lost: the whole transaction of the loser is undone.
CREATE TRIGGER subscription_take_turns BEFORE UPDATE OF version ON subscription
WHEN NEW.version <> OLD.version + 1
BEGIN
  SELECT RAISE(ABORT, 'billing_version_conflict');
END;

CREATE TRIGGER subscription_keep_identity BEFORE UPDATE ON subscription
WHEN NEW.id <> OLD.id OR NEW.user_id <> OLD.user_id OR NEW.created_at_ms <> OLD.created_at_ms
  OR NEW.chain_seq < OLD.chain_seq OR NEW.entitlement_version < OLD.entitlement_version
BEGIN
  SELECT RAISE(ABORT, 'subscription_immutable');
END;

CREATE TRIGGER subscription_refuse_delete BEFORE DELETE ON subscription
BEGIN
  SELECT RAISE(ABORT, 'subscription_immutable');
END;

-- The trail of a subscription and its own head move together.
CREATE TRIGGER audit_stream_insert_with_subscription BEFORE INSERT ON audit_stream
WHEN substr(NEW.stream, 1, 4) = 'sub_'
BEGIN
  SELECT RAISE(ABORT, 'subscription_chain_mismatch')
  WHERE NOT EXISTS (
    SELECT 1 FROM subscription WHERE id = NEW.stream AND chain_seq = NEW.applied_seq AND chain_hash = NEW.head_hash
  );
END;

CREATE TRIGGER audit_stream_move_with_subscription BEFORE UPDATE ON audit_stream
WHEN substr(NEW.stream, 1, 4) = 'sub_'
BEGIN
  SELECT RAISE(ABORT, 'subscription_chain_mismatch')
  WHERE NOT EXISTS (
    SELECT 1 FROM subscription WHERE id = NEW.stream AND chain_seq = NEW.applied_seq AND chain_hash = NEW.head_hash
  );
END;

CREATE TABLE invoice (
  id TEXT PRIMARY KEY,
  subscription_id TEXT NOT NULL REFERENCES subscription (id),
  user_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('period', 'change')),
  plan_id TEXT NOT NULL,
  plan_version INTEGER NOT NULL CHECK (plan_version >= 1),
  period_start_ms INTEGER NOT NULL,
  period_end_ms INTEGER NOT NULL,
  period_index INTEGER NOT NULL CHECK (period_index >= -1),
  state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'void', 'uncollectible')),
  -- Given in the transaction that pays the invoice, and never again.
  number TEXT UNIQUE CHECK (number IS NULL OR state = 'paid'),
  currency TEXT NOT NULL,
  -- [{kind, label, amountMinor}]
  lines TEXT NOT NULL CHECK (json_type(lines) = 'array'),
  tax_minor INTEGER NOT NULL CHECK (tax_minor >= 0),
  total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
  credit_used_minor INTEGER NOT NULL CHECK (credit_used_minor >= 0),
  credit_given_minor INTEGER NOT NULL CHECK (credit_given_minor >= 0),
  refunded_minor INTEGER NOT NULL CHECK (refunded_minor BETWEEN 0 AND total_minor),
  due_at_ms INTEGER NOT NULL,
  declines INTEGER NOT NULL CHECK (declines >= 0),
  next_attempt_at_ms INTEGER,
  need TEXT NOT NULL CHECK (need IN ('nothing', 'new_method', 'authentication')),
  pay_token TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  paid_at_ms INTEGER,
  CHECK (period_start_ms <= period_end_ms),
  CHECK ((state = 'paid') = (paid_at_ms IS NOT NULL))
) STRICT;

-- A period is billed once.
CREATE UNIQUE INDEX invoice_period ON invoice (subscription_id, period_start_ms)
  WHERE kind = 'period' AND state <> 'void';
-- At most one invoice is to be collected.
CREATE UNIQUE INDEX invoice_open ON invoice (subscription_id) WHERE state = 'open';
CREATE INDEX invoice_subscription ON invoice (subscription_id, created_at_ms, id);
CREATE INDEX invoice_paid ON invoice (subscription_id, period_end_ms) WHERE state = 'paid';

CREATE TRIGGER invoice_add_up_insert BEFORE INSERT ON invoice
BEGIN
  SELECT RAISE(ABORT, 'invoice_lines_mismatch')
  WHERE NEW.total_minor <> (SELECT total(value ->> 'amountMinor') FROM json_each(NEW.lines));
END;

CREATE TRIGGER invoice_add_up_update BEFORE UPDATE OF lines, total_minor ON invoice
BEGIN
  SELECT RAISE(ABORT, 'invoice_lines_mismatch')
  WHERE NEW.total_minor <> (SELECT total(value ->> 'amountMinor') FROM json_each(NEW.lines));
END;

CREATE TRIGGER invoice_keep_identity BEFORE UPDATE ON invoice
WHEN NEW.id <> OLD.id OR NEW.subscription_id <> OLD.subscription_id OR NEW.user_id <> OLD.user_id
  OR NEW.kind <> OLD.kind OR NEW.currency <> OLD.currency OR NEW.created_at_ms <> OLD.created_at_ms
BEGIN
  SELECT RAISE(ABORT, 'invoice_immutable');
END;

-- What was paid stays as it was paid: only more of it may be given back, and its number comes once.
CREATE TRIGGER invoice_keep_paid BEFORE UPDATE ON invoice
WHEN OLD.state = 'paid' AND (
  NEW.refunded_minor < OLD.refunded_minor
  OR (OLD.number IS NOT NULL AND NEW.number IS NOT OLD.number)
  OR json_array(
    NEW.plan_id, NEW.plan_version, NEW.period_start_ms, NEW.period_end_ms, NEW.period_index, NEW.state, NEW.lines,
    NEW.tax_minor, NEW.total_minor, NEW.credit_used_minor, NEW.credit_given_minor, NEW.due_at_ms, NEW.declines,
    NEW.next_attempt_at_ms, NEW.need, NEW.pay_token, NEW.paid_at_ms
  ) <> json_array(
    OLD.plan_id, OLD.plan_version, OLD.period_start_ms, OLD.period_end_ms, OLD.period_index, OLD.state, OLD.lines,
    OLD.tax_minor, OLD.total_minor, OLD.credit_used_minor, OLD.credit_given_minor, OLD.due_at_ms, OLD.declines,
    OLD.next_attempt_at_ms, OLD.need, OLD.pay_token, OLD.paid_at_ms
  )
)
BEGIN
  SELECT RAISE(ABORT, 'invoice_immutable');
END;

CREATE TRIGGER invoice_refuse_delete BEFORE DELETE ON invoice
BEGIN
  SELECT RAISE(ABORT, 'invoice_immutable');
END;

CREATE TABLE charge (
  id TEXT PRIMARY KEY,
  subscription_id TEXT NOT NULL REFERENCES subscription (id),
  -- Null: a setup.
  invoice_id TEXT REFERENCES invoice (id),
  -- The payment that a refund returns.
  of_charge_id TEXT REFERENCES charge (id),
  purpose TEXT NOT NULL CHECK (purpose IN ('payment', 'setup', 'refund')),
  state TEXT NOT NULL CHECK (state IN (
    'created', 'action_required', 'pending', 'succeeded', 'failed', 'cancelled'
  )),
  processor TEXT NOT NULL CHECK (processor IN ('stripe', 'paypal', 'btcpay')),
  -- The processor's id; null until it answered the first call.
  ref TEXT,
  method_ref TEXT,
  is_off_session INTEGER NOT NULL CHECK (is_off_session IN (0, 1)),
  return_url TEXT,
  amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
  currency TEXT NOT NULL,
  action TEXT CHECK (action IS NULL OR json_type(action) = 'object'),
  decline_code TEXT,
  -- The call that was decided and whose answer is not recorded yet; its number is part of its key.
  call_kind TEXT CHECK (call_kind IN ('customer', 'open', 'confirm', 'void', 'refund')),
  call_seq INTEGER,
  fruitless_looks INTEGER NOT NULL CHECK (fruitless_looks >= 0),
  next_look_at_ms INTEGER,
  is_unwanted INTEGER NOT NULL CHECK (is_unwanted IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  CHECK ((purpose = 'setup') = (invoice_id IS NULL)),
  CHECK ((purpose = 'refund') = (of_charge_id IS NOT NULL)),
  CHECK ((call_kind IS NULL) = (call_seq IS NULL))
) STRICT;

-- At most one try that may still bring money or a method.
CREATE UNIQUE INDEX charge_under_way ON charge (subscription_id)
  WHERE purpose <> 'refund' AND state IN ('created', 'action_required', 'pending');
CREATE INDEX charge_subscription ON charge (subscription_id, created_at_ms, id);
-- One object of a processor belongs to one charge.
CREATE UNIQUE INDEX charge_ref ON charge (processor, ref) WHERE ref IS NOT NULL;
CREATE INDEX charge_invoice ON charge (invoice_id, created_at_ms, id) WHERE invoice_id IS NOT NULL;
CREATE INDEX charge_refund ON charge (of_charge_id) WHERE of_charge_id IS NOT NULL;

CREATE TRIGGER charge_keep_identity BEFORE UPDATE ON charge
WHEN NEW.id <> OLD.id OR NEW.subscription_id <> OLD.subscription_id OR NEW.invoice_id IS NOT OLD.invoice_id
  OR NEW.of_charge_id IS NOT OLD.of_charge_id OR NEW.purpose <> OLD.purpose OR NEW.processor <> OLD.processor
  OR NEW.amount_minor <> OLD.amount_minor OR NEW.currency <> OLD.currency
  OR NEW.created_at_ms <> OLD.created_at_ms
  OR (OLD.state = 'succeeded' AND NEW.state <> 'succeeded')
BEGIN
  SELECT RAISE(ABORT, 'charge_immutable');
END;

CREATE TRIGGER charge_refuse_delete BEFORE DELETE ON charge
BEGIN
  SELECT RAISE(ABORT, 'charge_immutable');
END;

-- Refunds that are asked for never exceed the payment together. One alone may: it returns what came in excess. One that
-- had failed and succeeds after all is recorded as it is.
CREATE TRIGGER charge_refund_within_payment AFTER INSERT ON charge
WHEN NEW.purpose = 'refund'
BEGIN
  SELECT RAISE(ABORT, 'charge_refund_exceeds_payment')
  WHERE (
    SELECT count(*) > 1 AND sum(amount_minor) > (SELECT amount_minor FROM charge WHERE id = NEW.of_charge_id)
    FROM charge
    WHERE of_charge_id = NEW.of_charge_id AND state NOT IN ('failed', 'cancelled')
  );
END;

CREATE TABLE credit_note (
  id TEXT PRIMARY KEY,
  invoice_id TEXT NOT NULL REFERENCES invoice (id),
  user_id TEXT NOT NULL,
  -- Given in the transaction that writes the note.
  number TEXT UNIQUE,
  currency TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  reason TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX credit_note_invoice ON credit_note (invoice_id, created_at_ms, id);

CREATE TRIGGER credit_note_within_invoice BEFORE INSERT ON credit_note
BEGIN
  SELECT RAISE(ABORT, 'credit_note_exceeds_invoice')
  WHERE NOT EXISTS (
    SELECT 1 FROM invoice
    WHERE id = NEW.invoice_id AND state = 'paid' AND user_id = NEW.user_id AND currency = NEW.currency
      AND total_minor >= NEW.amount_minor + (
        SELECT coalesce(sum(amount_minor), 0) FROM credit_note WHERE invoice_id = NEW.invoice_id
      )
  );
END;

-- INSERT OR REPLACE would delete the old row unseen.
CREATE TRIGGER credit_note_refuse_replace BEFORE INSERT ON credit_note
WHEN EXISTS (SELECT 1 FROM credit_note WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'credit_note_immutable');
END;

CREATE TRIGGER credit_note_keep BEFORE UPDATE ON credit_note
WHEN OLD.number IS NOT NULL
  OR json_array(
    NEW.id, NEW.invoice_id, NEW.user_id, NEW.currency, NEW.amount_minor, NEW.reason, NEW.created_at_ms
  ) <> json_array(
    OLD.id, OLD.invoice_id, OLD.user_id, OLD.currency, OLD.amount_minor, OLD.reason, OLD.created_at_ms
  )
BEGIN
  SELECT RAISE(ABORT, 'credit_note_immutable');
END;

CREATE TRIGGER credit_note_refuse_delete BEFORE DELETE ON credit_note
BEGIN
  SELECT RAISE(ABORT, 'credit_note_immutable');
END;

-- Who a member is at a processor, where kept methods are attached.
CREATE TABLE billing_customer (
  user_id TEXT NOT NULL,
  processor TEXT NOT NULL CHECK (processor IN ('stripe', 'paypal', 'btcpay')),
  ref TEXT NOT NULL,
  PRIMARY KEY (user_id, processor)
) STRICT, WITHOUT ROWID;

-- Two members are never one customer.
CREATE UNIQUE INDEX billing_customer_ref ON billing_customer (processor, ref);

-- Who sends the invoices, and the next number of each series. The numbers of a series have no gap: a counter moves in
-- the transaction that gives the number, by one.
CREATE TABLE legal_entity (
  code TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  tax_id TEXT,
  invoice_prefix TEXT NOT NULL CHECK (length(invoice_prefix) BETWEEN 1 AND 10),
  next_invoice INTEGER NOT NULL CHECK (next_invoice >= 1),
  next_credit_note INTEGER NOT NULL CHECK (next_credit_note >= 1)
) STRICT, WITHOUT ROWID;

INSERT INTO legal_entity (code, name, address, tax_id, invoice_prefix, next_invoice, next_credit_note)
VALUES ('platform', 'Holdfast', '', NULL, 'HF', 1, 1);

CREATE TRIGGER legal_entity_count_on BEFORE UPDATE ON legal_entity
WHEN NEW.code <> OLD.code
  OR NEW.next_invoice NOT IN (OLD.next_invoice, OLD.next_invoice + 1)
  OR NEW.next_credit_note NOT IN (OLD.next_credit_note, OLD.next_credit_note + 1)
  OR (NEW.invoice_prefix <> OLD.invoice_prefix AND (OLD.next_invoice > 1 OR OLD.next_credit_note > 1))
BEGIN
  SELECT RAISE(ABORT, 'legal_entity_series');
END;

CREATE TRIGGER legal_entity_refuse_delete BEFORE DELETE ON legal_entity
BEGIN
  SELECT RAISE(ABORT, 'legal_entity_series');
END;

-- What members are to be told, written with the change that it tells of. No foreign keys: it is a message, not a record.
CREATE TABLE notice (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN (
    'subscription_started', 'payment_failed', 'new_card_needed', 'authentication_needed',
    'subscription_suspended', 'subscription_ended', 'invoice_paid'
  )),
  subscription_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  invoice_id TEXT,
  created_at_ms INTEGER NOT NULL,
  -- Null: to be sent.
  sent_at_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  last_error TEXT,
  next_attempt_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX notice_unsent ON notice (next_attempt_at_ms, id) WHERE sent_at_ms IS NULL;
