-- charge: what payers object to, and what a person has to look at; subscriptions that have something under way.
-- Consumers: billing and its routes, the reconciliation, the operators' list of reviews.

ALTER TABLE charge ADD COLUMN disputes TEXT NOT NULL DEFAULT '[]' CHECK (json_type(disputes) = 'array');
-- Null: nobody has to look.
ALTER TABLE charge ADD COLUMN review TEXT;

CREATE INDEX charge_review ON charge (created_at_ms, id) WHERE review IS NOT NULL;
CREATE INDEX charge_open ON charge (subscription_id) WHERE state IN ('created', 'action_required', 'pending');
