-- The identities at other providers by which a user signs in. hash names the identity: the provider, an attribute ("" for
-- the provider's own name of the person) and its value. The user's profile has what is shown.
CREATE TABLE identities (
  pool_id {text} NOT NULL,
  hash {blob} NOT NULL,
  user_id {text} NOT NULL,
  PRIMARY KEY (pool_id, hash)
){clustered};
CREATE INDEX identities_by_user ON identities (pool_id, user_id);
