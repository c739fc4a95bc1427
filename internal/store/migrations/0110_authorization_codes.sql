-- Authorization codes (RFC 6749 §4.1.2), by their keyed hash. What a code stands for is sealed. A used one is kept until it
-- expires, so that a second use is noticed.
CREATE TABLE authorization_codes (
  pool_id {text} NOT NULL,
  hash {blob} NOT NULL,
  used {int} NOT NULL,
  sealed {blob} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, hash)
){table};
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);
