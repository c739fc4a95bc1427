-- Identity pools. doc has the settings, the roles and the tags.
CREATE TABLE identity_pools (
  id {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (id)
){clustered};
CREATE INDEX identity_pools_by_region ON identity_pools (region, created_at, id);

-- The identities of identity pools. Clients name them without the pool. An identity that was merged into another one has
-- the other one's id in parent, else parent is empty.
CREATE TABLE pool_identities (
  id {text} NOT NULL,
  pool_id {text} NOT NULL,
  parent {text} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  PRIMARY KEY (id)
){clustered};
CREATE INDEX pool_identities_by_pool ON pool_identities (pool_id, id);
CREATE INDEX pool_identities_active ON pool_identities (pool_id, id) WHERE parent = '';
CREATE INDEX pool_identities_by_parent ON pool_identities (parent, id) WHERE parent > '';

-- The logins of identities. hash names a login: the provider and the person there. subject is kept for developers' own
-- users alone, which operations list.
CREATE TABLE identity_logins (
  pool_id {text} NOT NULL,
  hash {blob} NOT NULL,
  identity_id {text} NOT NULL,
  provider {text} NOT NULL,
  subject {text} NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (pool_id, hash)
){clustered};
CREATE INDEX identity_logins_by_identity ON identity_logins (identity_id, provider, subject);
