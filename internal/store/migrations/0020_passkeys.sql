-- A user's passkeys. The id is the authenticator's, as base64url; it is unique in the pool. sign_count is a column since
-- it is compared and set at each sign-in of an authenticator that counts.
CREATE TABLE passkeys (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  id {text} NOT NULL,
  sign_count {int} NOT NULL,
  created_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, user_id, id)
){table};
CREATE UNIQUE INDEX passkeys_by_id ON passkeys (pool_id, id);

-- The challenge of a registration under way, one for a user and app client.
CREATE TABLE passkey_challenges (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  client_id {text} NOT NULL,
  hash {blob} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, user_id, client_id)
){clustered};
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires_at);
