-- Search: the text of a service with the name of its venue, found by pieces of three characters, so that what was mistyped
-- still shares some; and venues by their place. Readers: the search over services.

-- The text has a number of its own, because an index of text points to rows by number and those of a table without one
-- may change.
CREATE TABLE service_text (
  number INTEGER PRIMARY KEY,
  service_id TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE service_search USING fts5 (
  body, content = 'service_text', content_rowid = 'number', tokenize = 'trigram'
);

CREATE TRIGGER service_text_insert AFTER INSERT ON service_text
BEGIN
  INSERT INTO service_search (rowid, body) VALUES (NEW.number, NEW.body);
END;

CREATE TRIGGER service_text_update AFTER UPDATE OF body ON service_text
WHEN NEW.body <> OLD.body
BEGIN
  INSERT INTO service_search (service_search, rowid, body) VALUES ('delete', OLD.number, OLD.body);
  INSERT INTO service_search (rowid, body) VALUES (NEW.number, NEW.body);
END;

-- The text follows the service and the name of its venue, whoever writes them.
CREATE TRIGGER service_search_insert AFTER INSERT ON service
BEGIN
  INSERT INTO service_text (service_id, body)
    SELECT NEW.id, NEW.search_text || char(10) || coalesce((SELECT lower(name) FROM venue WHERE id = NEW.venue_id), '')
    WHERE true
  ON CONFLICT (service_id) DO UPDATE SET body = excluded.body;
END;

CREATE TRIGGER service_search_update AFTER UPDATE OF search_text ON service
BEGIN
  INSERT INTO service_text (service_id, body)
    SELECT NEW.id, NEW.search_text || char(10) || coalesce((SELECT lower(name) FROM venue WHERE id = NEW.venue_id), '')
    WHERE true
  ON CONFLICT (service_id) DO UPDATE SET body = excluded.body;
END;

CREATE TRIGGER service_search_venue AFTER UPDATE OF name ON venue
WHEN NEW.name <> OLD.name
BEGIN
  UPDATE service_text SET body = (
    SELECT search_text || char(10) || lower(NEW.name) FROM service WHERE service.id = service_text.service_id)
  WHERE service_id IN (SELECT id FROM service WHERE venue_id = NEW.id);
END;

INSERT INTO service_text (service_id, body)
SELECT id, search_text || char(10) || coalesce((SELECT lower(name) FROM venue WHERE venue.id = venue_id), '')
FROM service;

CREATE INDEX venue_place ON venue (latitude, longitude) WHERE latitude IS NOT NULL;
