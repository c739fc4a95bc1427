-- States of sign-ins that are too long for a Session, which then is a reference. The hash names the state among the spent
-- ones, too.
CREATE TABLE sign_in_states (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  hash {blob} NOT NULL,
  sealed {blob} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, user_id, hash)
){table};
CREATE INDEX sign_in_states_by_expiry ON sign_in_states (expires_at);
