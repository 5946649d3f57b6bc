-- The ledger: everything that happened to money, as postings that add up to zero. A transaction brings its postings as
-- JSON, the triggers refuse one that is not balanced and unfold it into rows, so that no line can stand alone. Nothing is
-- ever changed or removed. Sums by account and by day are kept by triggers too; nothing else writes them.
-- Lives in the database of the region of the booking or subscription. `unmatched` is what the reconciliation found to
-- differ between a processor's record and this one.
-- Consumers: the money consumer and billing (write), payouts, the reconciliation, the operators' view of money.

CREATE TABLE ledger_transaction (
  -- Made of what it tells of: a repeat has the same id.
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN (
    'capture', 'fee', 'refund', 'refund_failed', 'dispute', 'dispute_won', 'transfer', 'transfer_reversed', 'credit',
    'bank'
  )),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  -- [{account, amountMinor}]: positive is a debit, negative a credit.
  postings TEXT NOT NULL CHECK (json_type(postings) = 'array'),
  processor TEXT CHECK (processor IN ('stripe', 'paypal', 'btcpay')),
  -- The processor's id of the payment, refund, dispute or transfer.
  processor_ref TEXT,
  -- The processor's id of the payment that all of it belongs to; null where there is none.
  payment_ref TEXT,
  booking_id TEXT,
  subscription_id TEXT,
  provider_id TEXT,
  payout_id TEXT,
  at_ms INTEGER NOT NULL,
  -- From when on what it gives to or takes from a provider counts for a payout.
  available_from_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_transaction_booking ON ledger_transaction (booking_id, at_ms, id) WHERE booking_id IS NOT NULL;
CREATE INDEX ledger_transaction_subscription ON ledger_transaction (subscription_id, at_ms, id)
  WHERE subscription_id IS NOT NULL;
CREATE INDEX ledger_transaction_payment ON ledger_transaction (processor, payment_ref) WHERE payment_ref IS NOT NULL;
CREATE INDEX ledger_transaction_recent ON ledger_transaction (processor, at_ms, payment_ref)
  WHERE payment_ref IS NOT NULL;
CREATE INDEX ledger_transaction_provider ON ledger_transaction (provider_id, at_ms, id) WHERE provider_id IS NOT NULL;
CREATE INDEX ledger_transaction_kind ON ledger_transaction (kind, at_ms, id);

CREATE TABLE ledger_posting (
  transaction_id TEXT NOT NULL REFERENCES ledger_transaction (id),
  -- Its place in the transaction, from 0.
  line INTEGER NOT NULL CHECK (line >= 0),
  account TEXT NOT NULL CHECK (length(account) >= 3),
  currency TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor <> 0),
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  available_from_ms INTEGER NOT NULL,
  PRIMARY KEY (transaction_id, line)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_posting_account ON ledger_posting (account, currency, available_from_ms, kind, amount_minor);

-- The sum of each account by currency and kind of transaction.
CREATE TABLE ledger_balance (
  account TEXT NOT NULL,
  currency TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (account, currency, kind)
) STRICT, WITHOUT ROWID;

-- The same by day; a day begins at midnight UTC.
CREATE TABLE ledger_day (
  account TEXT NOT NULL,
  day_at_ms INTEGER NOT NULL,
  currency TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (account, day_at_ms, currency, kind)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER ledger_transaction_balance BEFORE INSERT ON ledger_transaction
BEGIN
  -- INSERT OR REPLACE would delete the old row unseen.
  SELECT RAISE(ABORT, 'ledger_append_only')
  WHERE EXISTS (SELECT 1 FROM ledger_transaction WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'ledger_unbalanced')
  WHERE (
    SELECT count(*) < 2
      OR sum(value ->> 'amountMinor') <> 0
      OR sum(json_type(value, '$.amountMinor') IS NOT 'integer' OR json_type(value, '$.account') IS NOT 'text') > 0
    FROM json_each(NEW.postings)
  );
END;

CREATE TRIGGER ledger_transaction_unfold AFTER INSERT ON ledger_transaction
BEGIN
  INSERT INTO ledger_posting (
    transaction_id, line, account, currency, amount_minor, kind, at_ms, available_from_ms
  )
  SELECT
    NEW.id, key, value ->> 'account', NEW.currency, value ->> 'amountMinor', NEW.kind, NEW.at_ms,
    NEW.available_from_ms
  FROM json_each(NEW.postings);
END;

CREATE TRIGGER ledger_transaction_refuse_update BEFORE UPDATE ON ledger_transaction
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

CREATE TRIGGER ledger_transaction_refuse_delete BEFORE DELETE ON ledger_transaction
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

-- A line is one of its transaction, letter by letter, and comes once.
CREATE TRIGGER ledger_posting_of_transaction BEFORE INSERT ON ledger_posting
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only')
  WHERE EXISTS (SELECT 1 FROM ledger_posting WHERE transaction_id = NEW.transaction_id AND line = NEW.line)
    OR NOT EXISTS (
      SELECT 1 FROM ledger_transaction
      WHERE id = NEW.transaction_id AND currency = NEW.currency AND kind = NEW.kind AND at_ms = NEW.at_ms
        AND available_from_ms = NEW.available_from_ms
        AND postings ->> ('$[' || NEW.line || '].account') = NEW.account
        AND postings ->> ('$[' || NEW.line || '].amountMinor') = NEW.amount_minor
    );
END;

CREATE TRIGGER ledger_posting_count AFTER INSERT ON ledger_posting
BEGIN
  INSERT INTO ledger_balance (account, currency, kind, amount_minor)
  VALUES (NEW.account, NEW.currency, NEW.kind, NEW.amount_minor)
  ON CONFLICT (account, currency, kind) DO UPDATE SET amount_minor = amount_minor + excluded.amount_minor;
  INSERT INTO ledger_day (account, day_at_ms, currency, kind, amount_minor)
  VALUES (NEW.account, NEW.at_ms - NEW.at_ms % 86400000, NEW.currency, NEW.kind, NEW.amount_minor)
  ON CONFLICT (account, day_at_ms, currency, kind) DO UPDATE SET amount_minor = amount_minor + excluded.amount_minor;
END;

CREATE TRIGGER ledger_posting_refuse_update BEFORE UPDATE ON ledger_posting
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

CREATE TRIGGER ledger_posting_refuse_delete BEFORE DELETE ON ledger_posting
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

-- How far the money facts of each shard are posted; advanced in the batch that posts them, forward only.
CREATE TABLE ledger_stream (
  shard_key TEXT PRIMARY KEY,
  applied_seq INTEGER NOT NULL CHECK (applied_seq >= 1)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER ledger_stream_move_forward BEFORE UPDATE ON ledger_stream
WHEN NEW.shard_key <> OLD.shard_key OR NEW.applied_seq < OLD.applied_seq
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

-- What differs between a processor and the ledger, payment by payment. A row goes when both agree.
CREATE TABLE unmatched (
  processor TEXT NOT NULL CHECK (processor IN ('stripe', 'paypal', 'btcpay')),
  -- The processor's id of the payment.
  ref TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('captured', 'refunded')),
  our_minor INTEGER NOT NULL,
  their_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  -- At most one of the two is there: what the payment names as its own.
  booking_id TEXT,
  subscription_id TEXT,
  first_seen_at_ms INTEGER NOT NULL,
  last_seen_at_ms INTEGER NOT NULL,
  -- 0: it may be on its way still, and is not counted yet.
  is_counted INTEGER NOT NULL CHECK (is_counted IN (0, 1)),
  PRIMARY KEY (processor, ref, kind),
  CHECK (our_minor <> their_minor)
) STRICT, WITHOUT ROWID;

-- What came in by a charge and what the processor kept of it; null while nobody knows.
ALTER TABLE charge ADD COLUMN captured_minor INTEGER;
ALTER TABLE charge ADD COLUMN fee_minor INTEGER;
