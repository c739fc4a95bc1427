-- Jobs that import people from a file. doc is the job as its pool's administrators see it, with where it stands in the
-- file. active is 1 from the start of a job to its end: a pool has one such job at most. Whoever works on it is owner and
-- has it until lease_until. due_at is when a job that was not started expires, or one that has ended is forgotten.
CREATE TABLE import_jobs (
  pool_id {text} NOT NULL,
  id {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  active {int} NOT NULL,
  owner {text} NOT NULL,
  lease_until {int} NOT NULL,
  due_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, id)
){table};
CREATE INDEX import_jobs_by_creation ON import_jobs (pool_id, created_at, id);
CREATE UNIQUE INDEX import_jobs_active ON import_jobs (pool_id) WHERE active = 1;
CREATE INDEX import_jobs_by_lease ON import_jobs (lease_until, pool_id, id) WHERE active = 1;
CREATE INDEX import_jobs_by_due ON import_jobs (due_at, pool_id, id) WHERE due_at > 0;

-- A file, complete once its job names it. expires_at is 0 while the job needs it.
CREATE TABLE import_uploads (
  pool_id {text} NOT NULL,
  id {text} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, id)
){clustered};
CREATE INDEX import_uploads_by_expiry ON import_uploads (expires_at, pool_id, id) WHERE expires_at > 0;

CREATE TABLE import_chunks (
  pool_id {text} NOT NULL,
  upload_id {text} NOT NULL,
  seq {int} NOT NULL,
  body {blob} NOT NULL, -- sealed
  PRIMARY KEY (pool_id, upload_id, seq)
){table};

-- What became of the lines of a file, some hundred lines a row.
CREATE TABLE import_log (
  pool_id {text} NOT NULL,
  job_id {text} NOT NULL,
  seq {int} NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (pool_id, job_id, seq)
){table};
