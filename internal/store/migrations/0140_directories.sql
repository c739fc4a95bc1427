-- A directory provisions the people of one identity provider of a pool, by SCIM. users and groups count its resources.
-- closed says that only people of the directory may sign in at the provider.
CREATE TABLE directories (
  pool_id {text} NOT NULL,
  id {text} NOT NULL,
  provider {text} NOT NULL,
  users {int} NOT NULL,
  groups {int} NOT NULL,
  closed {int} NOT NULL,
  created_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, id)
){clustered};
CREATE UNIQUE INDEX directories_by_provider ON directories (pool_id, provider);

-- The tokens by which directories are called. hash is that of the whole token. A token whose
-- expires_at is 0 does not expire.
CREATE TABLE directory_tokens (
  pool_id {text} NOT NULL,
  hash {blob} NOT NULL,
  directory_id {text} NOT NULL,
  id {text} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, hash)
){clustered};
CREATE INDEX directory_tokens_by_directory ON directory_tokens (pool_id, directory_id);
CREATE INDEX directory_tokens_expired ON directory_tokens (expires_at) WHERE expires_at > 0;

-- The users and groups that a directory has made. target is the id of the pool's user, or the key of the pool's group.
-- place numbers the resources of a kind from 1 on, without gaps. Keys that the directory did not send are NULL.
CREATE TABLE directory_resources (
  pool_id {text} NOT NULL,
  directory_id {text} NOT NULL,
  kind {text} NOT NULL,
  id {text} NOT NULL,
  target {text} NOT NULL,
  place {int} NOT NULL,
  name_key {text} NOT NULL,
  external_id {text},
  email_key {text},
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, directory_id, kind, id)
){clustered};
-- The conditions are true of every row. They keep PostgreSQL from walking one index for a column of another.
CREATE UNIQUE INDEX directory_resources_by_name ON directory_resources (pool_id, directory_id, kind, name_key) WHERE name_key >= '';
CREATE UNIQUE INDEX directory_resources_by_place ON directory_resources (pool_id, directory_id, kind, place) WHERE place > 0;
CREATE INDEX directory_resources_by_external_id ON directory_resources (pool_id, directory_id, kind, external_id, id) WHERE external_id IS NOT NULL;
CREATE INDEX directory_resources_by_email ON directory_resources (pool_id, directory_id, kind, email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX directory_resources_by_target ON directory_resources (target, pool_id, kind, directory_id);
