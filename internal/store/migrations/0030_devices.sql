-- What a person signed in from and registered. The id is the device key. doc holds its name and, sealed, its SRP verifier.
CREATE TABLE devices (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  id {text} NOT NULL,
  remembered {int} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  authenticated_at {int} NOT NULL,
  last_ip {text} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, user_id, id)
){table};

-- Keys of devices that were forgotten: refresh tokens that name one are dead. A row is kept until none can be left.
CREATE TABLE forgotten_devices (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  id {text} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, user_id, id)
){clustered};
CREATE INDEX forgotten_devices_by_expiry ON forgotten_devices (expires_at);
