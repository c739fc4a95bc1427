-- Of an active job, owner is the worker that has it, '' where it waits for one; lease_until is since when it waits. How long
-- a worker may be silent is judged by those who want its job, by clocks of their own: beat changes as long as it works. It
-- is not in import_jobs, so that a beat is no conflict with the batch that is being stored.
CREATE TABLE import_beats (
  pool_id {text} NOT NULL,
  job_id {text} NOT NULL,
  beat {int} NOT NULL,
  PRIMARY KEY (pool_id, job_id)
){clustered};
DROP INDEX import_jobs_by_lease;
CREATE INDEX import_jobs_by_owner ON import_jobs (owner, lease_until, pool_id, id) WHERE active = 1;
