-- Addresses that a user has signed in from, by their keyed hash: whoever guesses from elsewhere does not lock these out. A
-- user has a few, and seen_at is written again once in some days.
CREATE TABLE known_addresses (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  hash {blob} NOT NULL,
  seen_at {int} NOT NULL,
  PRIMARY KEY (pool_id, user_id, hash)
){clustered};
CREATE INDEX known_addresses_by_seen ON known_addresses (seen_at);
