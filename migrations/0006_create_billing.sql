-- Plans and who subscribes to them. A plan row is an immutable version: a change of price or entitlements is a new row.
-- Plans live in the global database; a subscription lives in the database of its member's region, so no foreign key joins them.
-- Consumers: the plan list, the push of entitlements to membership objects, the seed.

CREATE TABLE plan (
  id TEXT PRIMARY KEY,
  -- What stays the same over the versions of one plan.
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
  currency TEXT NOT NULL,
  interval_unit TEXT NOT NULL CHECK (interval_unit IN ('day', 'week', 'month', 'year')),
  interval_count INTEGER NOT NULL CHECK (interval_count BETWEEN 1 AND 366),
  -- Feature name to value; null is unlimited, absent is not granted.
  entitlements TEXT NOT NULL CHECK (json_type(entitlements) = 'object'),
  version INTEGER NOT NULL CHECK (version >= 1),
  status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'retired')),
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX plan_code_version ON plan (code, version);
-- At most one version of a plan is on sale.
CREATE UNIQUE INDEX plan_published ON plan (code) WHERE status = 'published';
CREATE INDEX plan_status ON plan (status, created_at_ms, id);

CREATE TABLE subscription (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN (
    'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'cancelled', 'expired'
  )),
  current_period_start_ms INTEGER NOT NULL,
  current_period_end_ms INTEGER NOT NULL,
  -- The instant (ms) of the last change of what the member may do: it grows over all subscriptions of the member,
  -- and the membership object refuses an older one.
  entitlement_version INTEGER NOT NULL CHECK (entitlement_version >= 1),
  -- The last version that the membership object acknowledged; less than entitlement_version: push again.
  pushed_version INTEGER NOT NULL DEFAULT 0 CHECK (pushed_version BETWEEN 0 AND entitlement_version),
  created_at_ms INTEGER NOT NULL,
  CHECK (current_period_start_ms < current_period_end_ms)
) STRICT;

-- At most one live subscription per member.
CREATE UNIQUE INDEX subscription_live ON subscription (user_id)
  WHERE status NOT IN ('cancelled', 'expired');
CREATE INDEX subscription_user ON subscription (user_id, created_at_ms);
CREATE INDEX subscription_unpushed ON subscription (id) WHERE pushed_version < entitlement_version;
