-- Plans as data: a plan has one id, one code and numbered versions, and a version's terms never change once written.
-- What is sold, at what price and with what entitlements is a row here and never code: a new price is a new version.
-- Lives in the global database; the same tables in the EU database stay empty.
-- Consumers: the plan list, the operators' plan routes, billing (the terms that a subscriber agreed to), the seed.
-- Takes the place of the table `plan` of 0006, whose rows were versions with an id each: of each code the oldest
-- version's id becomes the plan's. No release has written more than one version of a code.

ALTER TABLE plan RENAME TO plan_row;
DROP INDEX plan_code_version;
DROP INDEX plan_published;
DROP INDEX plan_status;

CREATE TABLE plan (
  id TEXT PRIMARY KEY,
  -- The operators' own name of the plan.
  code TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 60),
  -- Of the plans of one group a member has one subscription.
  group_name TEXT NOT NULL CHECK (length(group_name) BETWEEN 1 AND 60),
  -- The version that subscribers of older ones are to move to; null: they stay.
  migration_target INTEGER CHECK (migration_target >= 1),
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_version (
  plan_id TEXT NOT NULL REFERENCES plan (id),
  version INTEGER NOT NULL CHECK (version >= 1),
  status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'retired')),
  name TEXT NOT NULL,
  price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
  currency TEXT NOT NULL,
  interval_unit TEXT NOT NULL CHECK (interval_unit IN ('day', 'week', 'month', 'year')),
  interval_count INTEGER NOT NULL CHECK (interval_count BETWEEN 1 AND 366),
  trial_days INTEGER NOT NULL CHECK (trial_days >= 0),
  trial_needs_method INTEGER NOT NULL CHECK (trial_needs_method IN (0, 1)),
  trial_end TEXT NOT NULL CHECK (trial_end IN ('cancel', 'pause')),
  grace_days INTEGER NOT NULL CHECK (grace_days >= 0),
  -- Days after the due instant on which a failed charge is tried again, ascending.
  dunning_days TEXT NOT NULL CHECK (json_type(dunning_days) = 'array'),
  cancel_after_days INTEGER NOT NULL,
  upgrade_at TEXT NOT NULL CHECK (upgrade_at IN ('now', 'period_end')),
  downgrade_at TEXT NOT NULL CHECK (downgrade_at IN ('now', 'period_end')),
  trial_change_at TEXT NOT NULL CHECK (trial_change_at IN ('now', 'period_end')),
  cancel_refund TEXT NOT NULL CHECK (cancel_refund IN ('none', 'prorated')),
  tax_rate_bps INTEGER NOT NULL CHECK (tax_rate_bps BETWEEN 0 AND 10000),
  tax_inclusive INTEGER NOT NULL CHECK (tax_inclusive IN (0, 1)),
  -- Feature to value; null is unlimited, absent is not granted.
  entitlements TEXT NOT NULL CHECK (json_type(entitlements) = 'object'),
  -- Digest of the keyed call that wrote a further version: its repeat after a crash finds it again.
  call_digest TEXT UNIQUE,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (plan_id, version),
  CHECK (cancel_after_days >= grace_days),
  CHECK (cancel_after_days >= coalesce(dunning_days ->> '$[#-1]', 0))
) STRICT, WITHOUT ROWID;

-- At most one version of a plan is on sale.
CREATE UNIQUE INDEX plan_version_published ON plan_version (plan_id) WHERE status = 'published';
CREATE INDEX plan_version_status ON plan_version (status, plan_id);
CREATE INDEX plan_version_created ON plan_version (created_at_ms, plan_id, version);

INSERT INTO plan (id, code, group_name, migration_target, created_at_ms)
SELECT id, code, 'membership', NULL, created_at_ms
FROM plan_row AS oldest
WHERE version = (SELECT min(version) FROM plan_row WHERE code = oldest.code);

INSERT INTO plan_version (
  plan_id, version, status, name, price_minor, currency, interval_unit, interval_count, trial_days,
  trial_needs_method, trial_end, grace_days, dunning_days, cancel_after_days, upgrade_at, downgrade_at,
  trial_change_at, cancel_refund, tax_rate_bps, tax_inclusive, entitlements, call_digest, created_at_ms
)
SELECT
  plan.id, plan_row.version, plan_row.status, plan_row.name, plan_row.price_minor, plan_row.currency,
  plan_row.interval_unit, plan_row.interval_count, 0, 1, 'cancel', 7, '[1,3,5,7,10,14]', 28, 'now', 'period_end',
  'now', 'none', 0, 1, plan_row.entitlements, NULL, plan_row.created_at_ms
FROM plan_row JOIN plan ON plan.code = plan_row.code;

DROP TABLE plan_row;

CREATE TRIGGER plan_keep_identity BEFORE UPDATE ON plan
WHEN NEW.id <> OLD.id OR NEW.code <> OLD.code OR NEW.group_name <> OLD.group_name
  OR NEW.created_at_ms <> OLD.created_at_ms
BEGIN
  SELECT RAISE(ABORT, 'plan_immutable');
END;

CREATE TRIGGER plan_refuse_delete BEFORE DELETE ON plan
BEGIN
  SELECT RAISE(ABORT, 'plan_immutable');
END;

-- The status alone may change, and nothing that was on sale becomes a draft again.
CREATE TRIGGER plan_version_keep_terms BEFORE UPDATE ON plan_version
WHEN (NEW.status = 'draft' AND OLD.status <> 'draft')
  OR json_array(
    NEW.plan_id, NEW.version, NEW.name, NEW.price_minor, NEW.currency, NEW.interval_unit, NEW.interval_count,
    NEW.trial_days, NEW.trial_needs_method, NEW.trial_end, NEW.grace_days, NEW.dunning_days,
    NEW.cancel_after_days, NEW.upgrade_at, NEW.downgrade_at, NEW.trial_change_at, NEW.cancel_refund,
    NEW.tax_rate_bps, NEW.tax_inclusive, NEW.entitlements, NEW.call_digest, NEW.created_at_ms
  ) <> json_array(
    OLD.plan_id, OLD.version, OLD.name, OLD.price_minor, OLD.currency, OLD.interval_unit, OLD.interval_count,
    OLD.trial_days, OLD.trial_needs_method, OLD.trial_end, OLD.grace_days, OLD.dunning_days,
    OLD.cancel_after_days, OLD.upgrade_at, OLD.downgrade_at, OLD.trial_change_at, OLD.cancel_refund,
    OLD.tax_rate_bps, OLD.tax_inclusive, OLD.entitlements, OLD.call_digest, OLD.created_at_ms
  )
BEGIN
  SELECT RAISE(ABORT, 'plan_immutable');
END;

CREATE TRIGGER plan_version_refuse_delete BEFORE DELETE ON plan_version
BEGIN
  SELECT RAISE(ABORT, 'plan_immutable');
END;

-- INSERT OR REPLACE would delete the old row unseen.
CREATE TRIGGER plan_refuse_replace BEFORE INSERT ON plan
WHEN EXISTS (SELECT 1 FROM plan WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM plan WHERE code = NEW.code)
BEGIN
  SELECT RAISE(ABORT, 'plan_immutable');
END;

CREATE TRIGGER plan_version_refuse_replace BEFORE INSERT ON plan_version
WHEN EXISTS (SELECT 1 FROM plan_version WHERE plan_id = NEW.plan_id AND version = NEW.version)
  OR EXISTS (SELECT 1 FROM plan_version WHERE call_digest = NEW.call_digest)
BEGIN
  SELECT RAISE(ABORT, 'plan_immutable');
END;
