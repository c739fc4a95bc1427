-- The records of the audit trail. Each process that records has a chain of its own, with a random number. seq counts the
-- records of a chain without gaps, from 1. at is the time of the event, which need not rise with seq. body and the columns
-- before it are covered by hash, which covers the hash of the record before, too. sub, username and personal can name a
-- person. Of these three hash covers only a commitment, so that they can be erased.
CREATE TABLE audit_events (
  chain {int} NOT NULL,
  seq {int} NOT NULL,
  at {int} NOT NULL,
  kind {text} NOT NULL,
  source {text} NOT NULL,
  name {text} NOT NULL,
  read_only {int} NOT NULL,
  region {text} NOT NULL,
  pool_id {text} NOT NULL,
  resource {text} NOT NULL,
  access_key {text} NOT NULL,
  error {text} NOT NULL,
  request_id {text} NOT NULL,
  body {blob} NOT NULL,
  sub {text} NOT NULL,
  username {text} NOT NULL,
  personal {blob} NOT NULL,
  commitment {blob} NOT NULL,
  hash {blob} NOT NULL,
  PRIMARY KEY (chain, seq)
){table};
CREATE INDEX audit_events_by_time ON audit_events (at, chain, seq);
CREATE INDEX audit_events_by_name ON audit_events (name, at, chain, seq);
CREATE INDEX audit_events_by_pool ON audit_events (pool_id, at, chain, seq) WHERE pool_id > '';
CREATE INDEX audit_events_by_sub ON audit_events (pool_id, sub, at, chain, seq) WHERE sub > '';
CREATE INDEX audit_events_by_access_key ON audit_events (access_key, at, chain, seq) WHERE access_key > '';
CREATE INDEX audit_events_by_error ON audit_events (error, at, chain, seq) WHERE error > '';
CREATE INDEX audit_events_by_username ON audit_events (username, at, chain, seq) WHERE username > '';
CREATE INDEX audit_events_by_resource ON audit_events (resource, at, chain, seq) WHERE resource > '';
CREATE INDEX audit_events_by_request ON audit_events (request_id, at, chain, seq) WHERE request_id > '';

-- The chains. head is the sealed position and hash of the last record, tail the sealed position of the first record that is
-- kept and the hash before it. tail is empty until the first sweep. live is 0 while a chain that is still has no records.
CREATE TABLE audit_chains (
  chain {int} NOT NULL,
  seq {int} NOT NULL,
  head {blob} NOT NULL,
  first_seq {int} NOT NULL,
  tail {blob} NOT NULL,
  started_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  live {int} NOT NULL,
  PRIMARY KEY (chain)
){clustered};
CREATE INDEX audit_chains_live ON audit_chains (chain) WHERE live = 1;

-- Signed statements about the heads of chains. chain and seq are of the head that the statement was made for.
CREATE TABLE audit_checkpoints (
  chain {int} NOT NULL,
  seq {int} NOT NULL,
  at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (chain, seq)
){clustered};
CREATE INDEX audit_checkpoints_by_time ON audit_checkpoints (at);
