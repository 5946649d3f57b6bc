-- Coupons as their providers wrote them, in the database of the provider. How often one is used is known by its own object
-- alone. Consumers: the coupon routes, and a coupon's object before its first use.

CREATE TABLE coupon (
  id TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL REFERENCES provider (id),
  -- In capitals; a code that was given once is never given again.
  code TEXT NOT NULL CHECK (code = upper(code)),
  is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
  -- {percent} or {amount: {amount, currency}}.
  discount TEXT NOT NULL CHECK (
    ifnull(discount ->> '$.percent' BETWEEN 1 AND 100, 0) + ifnull(discount ->> '$.amount.amount' >= 1, 0) = 1
  ),
  -- Null: no limit.
  max_uses INTEGER CHECK (max_uses >= 1),
  max_uses_per_customer INTEGER CHECK (max_uses_per_customer >= 1),
  valid_from_ms INTEGER,
  valid_until_ms INTEGER CHECK (valid_until_ms > valid_from_ms),
  -- JSON lists; null: all.
  service_ids TEXT CHECK (json_type(service_ids) = 'array'),
  customer_ids TEXT CHECK (json_type(customer_ids) = 'array'),
  segment TEXT CHECK (segment IN ('guest', 'member', 'customer')),
  created_at_ms INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1)
) STRICT;

CREATE UNIQUE INDEX coupon_code ON coupon (provider_id, code);
CREATE INDEX coupon_provider ON coupon (provider_id, id);
