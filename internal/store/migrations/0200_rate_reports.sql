-- What each server counted of its busy keys in the last seconds, so that all servers enforce one limit together. A server
-- has one row, and none while it has no busy key.
CREATE TABLE rate_reports (
  node {text} NOT NULL,
  seq {int} NOT NULL,
  expires_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (node)
){clustered};
CREATE INDEX rate_reports_by_expiry ON rate_reports (expires_at);
