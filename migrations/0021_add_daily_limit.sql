-- The copies of service cards that search reads say how much a customer may have of one day; shards read old cards without it.
UPDATE service SET card = json_insert(card, '$.maxPerCustomerPerDay', NULL);
