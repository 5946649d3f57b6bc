-- What a venue adds to its prices for the state, or holds in them; null for no tax. Its services' cards have a copy.
ALTER TABLE venue ADD COLUMN tax TEXT CHECK (
  json_type(tax, '$.rateBps') = 'integer'
  AND tax ->> '$.rateBps' BETWEEN 0 AND 10000
  AND json_type(tax, '$.inclusive') IN ('true', 'false')
);
