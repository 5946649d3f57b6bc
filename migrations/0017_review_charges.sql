-- charge: what payers object to, and what a person has to look at; subscriptions that have something under way.
-- Consumers: billing and its routes, the reconciliation, the operators' list of reviews.

ALTER TABLE charge ADD COLUMN disputes TEXT NOT NULL DEFAULT '[]' CHECK (json_type(disputes) = 'array');
-- Null: nobody has to look.
ALTER TABLE charge ADD COLUMN review TEXT;

CREATE INDEX charge_review ON charge (created_at_ms, id) WHERE review IS NOT NULL;
CREATE INDEX charge_open ON charge (subscription_id) WHERE state IN ('created', 'action_required', 'pending');

-- What came in excess goes back by itself, and what was earned may go back after it: together never more than came.
DROP TRIGGER charge_refund_within_payment;
CREATE TRIGGER charge_refund_within_payment AFTER INSERT ON charge
WHEN NEW.purpose = 'refund'
BEGIN
  SELECT RAISE(ABORT, 'charge_refund_exceeds_payment')
  WHERE (
    SELECT count(*) > 1 AND sum(amount_minor) > (
      SELECT max(amount_minor, coalesce(captured_minor, 0)) FROM charge WHERE id = NEW.of_charge_id
    )
    FROM charge
    WHERE of_charge_id = NEW.of_charge_id AND state NOT IN ('failed', 'cancelled')
  );
END;
