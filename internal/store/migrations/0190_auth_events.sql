-- Sign-ins and other monitored events of users (threat protection). ids begin with a time, so that the primary key also
-- has the order of the list. succeeded is 1 for a sign-in that ended well.
CREATE TABLE auth_events (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  id {text} NOT NULL,
  expires_at {int} NOT NULL,
  succeeded {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, user_id, id)
){clustered};
CREATE INDEX auth_events_by_expiry ON auth_events (expires_at);
CREATE INDEX auth_events_succeeded ON auth_events (pool_id, user_id, id) WHERE succeeded = 1;

-- What is known of a user's earlier sign-ins, in one short document for each user.
CREATE TABLE sign_in_histories (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  version {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, user_id)
){clustered};
