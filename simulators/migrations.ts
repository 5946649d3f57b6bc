/**
 * The schema of the simulators' state file, as an append-only list of steps.
 * A step that has shipped must never be edited: state files of older runs are opened by newer code.
 * Called by store.ts only, which records the number of steps already applied in `PRAGMA user_version`.
 */

/** SQL steps in order; step n brings a file from user_version n to n + 1. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- Every object a processor answers with. body is the wire shape, private what the wire never shows.
  CREATE TABLE object (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    processor TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_s INTEGER NOT NULL,
    customer_id TEXT,
    parent_id TEXT,
    body TEXT NOT NULL,
    private TEXT NOT NULL
  );
  CREATE INDEX object_by_kind ON object (processor, kind, seq);
  CREATE INDEX object_by_parent ON object (kind, parent_id, seq) WHERE parent_id IS NOT NULL;
  CREATE INDEX object_by_customer ON object (kind, customer_id, seq) WHERE customer_id IS NOT NULL;

  -- The money, in order of effect. payment_id is the object whose metadata every row shows.
  CREATE TABLE book (
    seq INTEGER PRIMARY KEY,
    processor TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('authorization','capture','refund','void','dispute')),
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending','succeeded','failed')),
    of_id TEXT,
    payment_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  );
  CREATE INDEX book_by_id ON book (id, kind);

  -- First answers by idempotency key, failures included.
  CREATE TABLE idempotency (
    processor TEXT NOT NULL,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (processor, key)
  ) WITHOUT ROWID;

  -- Events as they are signed and sent; a delivery row exists only for a subscribed type.
  CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    processor TEXT NOT NULL,
    type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    body TEXT NOT NULL
  );
  CREATE TABLE delivery (
    event_id TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('pending','delivered','failed','dropped')),
    attempts INTEGER NOT NULL,
    copies INTEGER NOT NULL,
    last_status INTEGER,
    next_attempt_at_ms INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX delivery_pending ON delivery (next_attempt_at_ms) WHERE status = 'pending';

  -- Lifetimes on the virtual clock: what happens to which object, and when.
  CREATE TABLE deadline (
    seq INTEGER PRIMARY KEY,
    processor TEXT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    due_s INTEGER NOT NULL
  );
  CREATE INDEX deadline_by_due ON deadline (due_s, seq);
  CREATE INDEX deadline_by_object ON deadline (object_id);
  `,
  `
  -- The kinds of movement grow; SQLite changes a CHECK only with a new table.
  ALTER TABLE book RENAME TO book_of_payments;
  CREATE TABLE book (
    seq INTEGER PRIMARY KEY,
    processor TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (
      kind IN ('authorization','capture','refund','void','dispute','transfer','payout')
    ),
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending','succeeded','failed')),
    of_id TEXT,
    payment_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  );
  INSERT INTO book SELECT * FROM book_of_payments;
  DROP TABLE book_of_payments;
  CREATE INDEX book_by_id ON book (id, kind);
  `,
];
