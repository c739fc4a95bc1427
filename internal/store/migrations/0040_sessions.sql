-- Sessions of users, where the pool tracks them. A token session is a family of refresh tokens; an SSO session (parent of
-- others) is one browser's. family is empty for SSO, parent for what came through none. mark is the user's sign-out mark
-- at the beginning, tracking the pool's period of tracking: a session counts while both are still the same.
CREATE TABLE user_sessions (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  id {text} NOT NULL,
  kind {text} NOT NULL,
  client_id {text} NOT NULL,
  family {text} NOT NULL,
  parent {text} NOT NULL,
  mark {int} NOT NULL,
  tracking {int} NOT NULL,
  created_at {int} NOT NULL,
  active_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  device {text} NOT NULL,
  address {text} NOT NULL,
  PRIMARY KEY (pool_id, user_id, id)
){clustered};
CREATE INDEX user_sessions_by_expiry ON user_sessions (expires_at);

-- What all changes to one user's number of sessions write, so that two of them never count at the same time.
CREATE TABLE user_session_turns (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  turns {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, user_id)
){clustered};
CREATE INDEX user_session_turns_by_expiry ON user_session_turns (expires_at);
