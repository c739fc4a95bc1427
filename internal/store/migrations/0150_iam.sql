-- The users, groups, roles, policies and identity providers of the account (IAM). entity_key is the name in lower case,
-- because IAM's names differ by more than case. doc is NULL for a user that was made from an access key.
CREATE TABLE iam_entities (
  kind {text} NOT NULL,
  entity_key {text} NOT NULL,
  id {text} NOT NULL,
  name {text} NOT NULL,
  path {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  doc {blob},
  PRIMARY KEY (kind, entity_key)
){clustered};

-- What users, groups and roles refer to: their attached policies, their permissions boundary, and the groups of a user.
CREATE TABLE iam_links (
  kind {text} NOT NULL,
  entity_key {text} NOT NULL,
  link {text} NOT NULL,
  target {text} NOT NULL,
  PRIMARY KEY (kind, entity_key, link, target)
){clustered};
CREATE INDEX iam_links_by_target ON iam_links (target, link, kind, entity_key);

-- Every access key belongs to a user, also the keys that are older than users.
ALTER TABLE access_keys ADD COLUMN user_key {text} NOT NULL DEFAULT '';
UPDATE access_keys SET user_key = lower(name);
CREATE INDEX access_keys_by_user ON access_keys (user_key, id);
INSERT INTO iam_entities (kind, entity_key, id, name, path, version, created_at)
  SELECT 'user', lower(name), 'AIDA' || substr(min(id), 5), min(name), '/', 1, min(created_at) FROM access_keys GROUP BY lower(name);
