-- Images of login pages: logos of classic pages and assets of managed login. A client's document names them. owner is an
-- app client, or ALL for the pool's own logo. An image never changes: a new one has a new id.
CREATE TABLE login_images (
  pool_id {text} NOT NULL,
  owner {text} NOT NULL,
  id {text} NOT NULL,
  content {blob} NOT NULL,
  PRIMARY KEY (pool_id, owner, id)
){table};
