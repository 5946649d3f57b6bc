-- Runs of background jobs. job_lease keeps a second run of the same job out; job_run keeps what each run reported.
-- Consumers: the crons and the operators' `jobs/{name}/run` calls.

CREATE TABLE job_lease (
  name TEXT PRIMARY KEY,
  -- The run that holds the lease.
  holder TEXT NOT NULL,
  -- A run that died without releasing is followed by another from this instant on.
  lease_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job_run (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed')),
  started_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  -- What the run did, as it answered; null while it runs.
  report TEXT CHECK (report IS NULL OR json_valid(report))
) STRICT;

CREATE INDEX job_run_name ON job_run (name, started_at_ms, id);
