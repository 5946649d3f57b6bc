-- Recoveries: the provider's share of each refund and each lost dispute, from the moment the ledger has it until it is known
-- whether a transfer is reversed for it or the next payouts net it. A row comes in the write that posts the fact that it is
-- of, and moves in the write that moves the payout whose transfer is reversed.
-- Lives in the database of the provider's region. Consumers: the money consumer (writes), the run of payouts.

CREATE TABLE payout_recovery (
  -- Made of the fact: told twice, it is there once.
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('open', 'reversing', 'reversed', 'carried')),
  provider_id TEXT NOT NULL,
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  booking_id TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  -- The payout whose transfer is reversed.
  payout_id TEXT REFERENCES payout (id),
  reversed_minor INTEGER NOT NULL CHECK (reversed_minor >= 0),
  reason TEXT,
  created_at_ms INTEGER NOT NULL,
  settled_at_ms INTEGER,
  CHECK (state IN ('open', 'carried') OR payout_id IS NOT NULL),
  CHECK (state <> 'carried' OR reason IS NOT NULL),
  CHECK (state = 'reversed' OR reversed_minor = 0),
  CHECK ((settled_at_ms IS NULL) = (state IN ('open', 'reversing')))
) STRICT, WITHOUT ROWID;

CREATE INDEX payout_recovery_open ON payout_recovery (provider_id, id) WHERE state = 'open';
CREATE INDEX payout_recovery_payout ON payout_recovery (payout_id) WHERE payout_id IS NOT NULL;

-- What is settled stays settled, and nobody changes what a recovery is of.
CREATE TRIGGER payout_recovery_keep BEFORE UPDATE ON payout_recovery
WHEN OLD.state IN ('reversed', 'carried') OR (OLD.state = 'open' AND NEW.state = 'reversed')
  OR (OLD.state = 'reversing' AND NEW.state = 'open')
  OR NEW.id <> OLD.id OR NEW.provider_id <> OLD.provider_id OR NEW.currency <> OLD.currency
  OR NEW.booking_id <> OLD.booking_id OR NEW.amount_minor <> OLD.amount_minor
  OR (OLD.payout_id IS NOT NULL AND NEW.payout_id IS NOT OLD.payout_id)
BEGIN
  SELECT RAISE(ABORT, 'payout_recovery_immutable');
END;

CREATE TRIGGER payout_recovery_refuse_delete BEFORE DELETE ON payout_recovery
BEGIN
  SELECT RAISE(ABORT, 'payout_recovery_immutable');
END;

-- A provider is not paid out while it is not known what a reversal brought back.
CREATE INDEX payout_reversing ON payout (provider_id, currency) WHERE reversal_target_minor IS NOT NULL;

-- The recovery that the last reversal was for; null where an operator commanded it, whose key stands beside it.
ALTER TABLE payout ADD COLUMN recovery_id TEXT;

-- Whether what went back to customers is taken back from transfers or left to be netted.
ALTER TABLE payout_setting ADD COLUMN recovery TEXT NOT NULL DEFAULT 'reverse' CHECK (recovery IN ('reverse', 'carry'));
