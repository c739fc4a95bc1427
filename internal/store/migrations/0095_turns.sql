-- What transactions write that check something which has no row of its own, such as that a name is free. Of two such
-- transactions at once, one is run again.
CREATE TABLE turns (
  pool_id {text} NOT NULL,
  subject {text} NOT NULL,
  turns {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, subject)
){clustered};
CREATE INDEX turns_by_expiry ON turns (expires_at);
DROP TABLE user_session_turns;
