-- Statements of the platform's own bank account, as an operator hands them in, and which entry of the ledger each line
-- is. A line is kept once, whichever statements it stands on; lines stay as the bank wrote them. In the global database.
-- The index on the ledger is for the other side: what the ledger says of the bank.
-- Consumers: the operators' routes for statements.

CREATE TABLE bank_statement (
  -- Made of its text: the same text is the same statement.
  id TEXT PRIMARY KEY,
  format TEXT NOT NULL CHECK (format IN ('csv', 'camt053')),
  account TEXT NOT NULL,
  -- The first and last day on it, at midnight UTC.
  from_at_ms INTEGER NOT NULL,
  to_at_ms INTEGER NOT NULL CHECK (to_at_ms >= from_at_ms),
  imported_at_ms INTEGER NOT NULL,
  imported_by TEXT NOT NULL
) STRICT;

CREATE TABLE bank_line (
  -- Made of the account and the bank's own name of the entry.
  id TEXT PRIMARY KEY,
  -- The statement that brought it first.
  statement_id TEXT NOT NULL REFERENCES bank_statement (id),
  line INTEGER NOT NULL CHECK (line >= 0),
  account TEXT NOT NULL,
  entry_ref TEXT NOT NULL,
  booked_at_ms INTEGER NOT NULL,
  -- Positive came in, negative went out.
  amount_minor INTEGER NOT NULL CHECK (amount_minor <> 0),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  reference TEXT NOT NULL,
  -- The entry of the ledger that it is; null while none is found.
  transaction_id TEXT
) STRICT;

CREATE UNIQUE INDEX bank_line_entry ON bank_line (account, entry_ref);
CREATE INDEX bank_line_statement ON bank_line (statement_id, line);
CREATE INDEX bank_line_account ON bank_line (account, booked_at_ms, id);
-- An entry of the ledger is one line of the bank.
CREATE UNIQUE INDEX bank_line_transaction ON bank_line (transaction_id) WHERE transaction_id IS NOT NULL;

CREATE TRIGGER bank_line_keep BEFORE UPDATE ON bank_line
WHEN json_array(
    NEW.id, NEW.statement_id, NEW.line, NEW.account, NEW.entry_ref, NEW.booked_at_ms, NEW.amount_minor, NEW.currency,
    NEW.reference
  ) <> json_array(
    OLD.id, OLD.statement_id, OLD.line, OLD.account, OLD.entry_ref, OLD.booked_at_ms, OLD.amount_minor, OLD.currency,
    OLD.reference
  )
  OR (OLD.transaction_id IS NOT NULL AND NEW.transaction_id IS NOT OLD.transaction_id)
BEGIN
  SELECT RAISE(ABORT, 'bank_line_immutable');
END;

CREATE TRIGGER bank_line_refuse_delete BEFORE DELETE ON bank_line
BEGIN
  SELECT RAISE(ABORT, 'bank_line_immutable');
END;

CREATE INDEX ledger_posting_bank ON ledger_posting (at_ms, transaction_id) WHERE account = 'platform:bank';
