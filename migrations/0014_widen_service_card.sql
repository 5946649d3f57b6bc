-- The copies of service cards that search reads carry every rule that a service may have; shards widen their own.
UPDATE service SET card = json_insert(card,
  '$.requirements', NULL, '$.minimumDurationMinutes', NULL, '$.maximumDurationMinutes', NULL,
  '$.priceType', 'fixed', '$.requiresApproval', json('false'), '$.pledge', NULL, '$.noShowFee', NULL,
  '$.tax', NULL);
