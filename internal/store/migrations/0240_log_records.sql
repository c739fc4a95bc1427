-- Records of the logs of user pools that wait to be delivered. A delivered row is deleted. Rows of one source go out by at,
-- then id. The source 'nobody' has rows that are written for users who do not exist and never delivered.
CREATE TABLE log_records (
  pool_id {text} NOT NULL,
  source {text} NOT NULL,
  at {int} NOT NULL,
  id {text} NOT NULL,
  user_id {text} NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (pool_id, source, at, id)
){clustered};
CREATE INDEX log_records_by_user ON log_records (pool_id, user_id) WHERE user_id > '';
