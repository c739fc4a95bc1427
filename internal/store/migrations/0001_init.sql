-- Keys begin with the pool, then something random: rows of one pool stay together and spread within it.
-- Times are Unix milliseconds; 0 is "never". Words in braces differ between the engines.

CREATE TABLE meta (
  name {text} NOT NULL PRIMARY KEY,
  value {blob} NOT NULL
){clustered};

CREATE TABLE pools (
  id {text} NOT NULL PRIMARY KEY,
  region {text} NOT NULL,
  name {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  doc {blob} NOT NULL
){table};
CREATE INDEX pools_by_region ON pools (region, created_at, id);
CREATE INDEX pools_by_creation ON pools (created_at, id);

-- What is deleted but not yet swept away: whole pools, and the memberships of groups.
CREATE TABLE doomed (
  pool_id {text} NOT NULL,
  group_uid {text} NOT NULL, -- empty: the pool itself
  doomed_at {int} NOT NULL,
  PRIMARY KEY (pool_id, group_uid)
){clustered};

CREATE TABLE clients (
  pool_id {text} NOT NULL,
  id {text} NOT NULL,
  name {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, id)
){table};
CREATE UNIQUE INDEX clients_by_id ON clients (id);

-- uid is random and new for each life of an item: a group created again under an old key has no members.
CREATE TABLE items (
  pool_id {text} NOT NULL,
  kind {text} NOT NULL,
  item_key {text} NOT NULL,
  uid {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (pool_id, kind, item_key)
){table};
CREATE UNIQUE INDEX items_by_uid ON items (pool_id, uid);

CREATE TABLE domains (
  domain {text} NOT NULL PRIMARY KEY,
  pool_id {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  modified_at {int} NOT NULL,
  doc {blob} NOT NULL
){table};
CREATE INDEX domains_by_pool ON domains (pool_id, domain);

-- record is the whole user; the other columns are copies of what is searched (and of the version, for compare-and-set).
-- The sign-in names (alias_*) live in the user's own row: one write at sign-up, one look-up at sign-in.
CREATE TABLE users (
  pool_id {text} NOT NULL,
  id {text} NOT NULL,
  username_key {text} NOT NULL,
  status {text} NOT NULL,
  enabled {int} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  email {text},
  phone_number {text},
  name {text},
  given_name {text},
  family_name {text},
  preferred_username {text},
  alias_email {text},
  alias_phone {text},
  alias_preferred {text},
  record {blob} NOT NULL,
  PRIMARY KEY (pool_id, id)
){table};
CREATE UNIQUE INDEX users_by_username ON users (pool_id, username_key);
CREATE UNIQUE INDEX users_by_alias_email ON users (pool_id, alias_email) WHERE alias_email IS NOT NULL;
CREATE UNIQUE INDEX users_by_alias_phone ON users (pool_id, alias_phone) WHERE alias_phone IS NOT NULL;
CREATE UNIQUE INDEX users_by_alias_preferred ON users (pool_id, alias_preferred) WHERE alias_preferred IS NOT NULL;
CREATE INDEX users_by_state ON users (pool_id, enabled, status, created_at, id);
CREATE INDEX users_by_email ON users (pool_id, email, id) WHERE email IS NOT NULL;
CREATE INDEX users_by_phone_number ON users (pool_id, phone_number, id) WHERE phone_number IS NOT NULL;
CREATE INDEX users_by_name ON users (pool_id, name, id) WHERE name IS NOT NULL;
CREATE INDEX users_by_given_name ON users (pool_id, given_name, id) WHERE given_name IS NOT NULL;
CREATE INDEX users_by_family_name ON users (pool_id, family_name, id) WHERE family_name IS NOT NULL;
CREATE INDEX users_by_preferred_username ON users (pool_id, preferred_username, id) WHERE preferred_username IS NOT NULL;

CREATE TABLE members (
  pool_id {text} NOT NULL,
  group_uid {text} NOT NULL,
  user_id {text} NOT NULL,
  PRIMARY KEY (pool_id, group_uid, user_id)
){clustered};
CREATE INDEX members_by_user ON members (pool_id, user_id, group_uid);

CREATE TABLE codes (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  purpose {text} NOT NULL,
  hash {blob} NOT NULL,
  target {text} NOT NULL,
  value {text} NOT NULL,
  attempts {int} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, user_id, purpose)
){clustered};
CREATE INDEX codes_by_expiry ON codes (expires_at);

CREATE TABLE counters (
  pool_id {text} NOT NULL,
  subject {text} NOT NULL,
  kind {text} NOT NULL,
  count {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, subject, kind)
){clustered};
CREATE INDEX counters_by_expiry ON counters (expires_at);

CREATE TABLE lockouts (
  pool_id {text} NOT NULL,
  user_id {text} NOT NULL,
  failures {int} NOT NULL,
  last_at {int} NOT NULL,
  locked_until {int} NOT NULL,
  PRIMARY KEY (pool_id, user_id)
){clustered};
CREATE INDEX lockouts_by_last ON lockouts (last_at);

CREATE TABLE spent (
  pool_id {text} NOT NULL,
  hash {blob} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, hash)
){clustered};
CREATE INDEX spent_by_expiry ON spent (expires_at);

CREATE TABLE families (
  pool_id {text} NOT NULL,
  family {text} NOT NULL,
  user_id {text} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, family)
){clustered};
CREATE INDEX families_by_expiry ON families (expires_at);

CREATE TABLE rotated (
  pool_id {text} NOT NULL,
  family {text} NOT NULL,
  token_id {text} NOT NULL,
  rotated_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (pool_id, family, token_id)
){clustered};
CREATE INDEX rotated_by_expiry ON rotated (expires_at);

-- due_at is next_at while the message is queued and expires_at afterwards: one index serves claiming and sweeping.
CREATE TABLE messages (
  pool_id {text} NOT NULL,
  id {text} NOT NULL,
  user_id {text} NOT NULL,
  username {text} NOT NULL,
  medium {text} NOT NULL,
  recipient {text} NOT NULL,
  state {text} NOT NULL,
  queued {int} NOT NULL,
  due_at {int} NOT NULL,
  attempts {int} NOT NULL,
  next_at {int} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  last_error {text} NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (pool_id, id)
){table};
CREATE INDEX messages_by_due ON messages (queued, due_at);
CREATE INDEX messages_by_creation ON messages (pool_id, created_at, id);

CREATE TABLE access_keys (
  id {text} NOT NULL PRIMARY KEY,
  principal_arn {text} NOT NULL,
  name {text} NOT NULL,
  version {int} NOT NULL,
  secret {blob} NOT NULL,
  doc {blob} NOT NULL,
  created_at {int} NOT NULL
){table};

CREATE TABLE data_keys (
  purpose {text} NOT NULL,
  id {text} NOT NULL,
  wrapped {blob} NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (purpose, id)
){table};

CREATE TABLE signing_keys (
  pool_id {text} NOT NULL,
  kid {text} NOT NULL,
  use_for {text} NOT NULL,
  state {text} NOT NULL,
  sealed {blob} NOT NULL,
  public {blob} NOT NULL,
  created_at {int} NOT NULL,
  activates_at {int} NOT NULL,
  retires_at {int} NOT NULL,
  drops_at {int} NOT NULL,
  version {int} NOT NULL,
  PRIMARY KEY (pool_id, kid)
){table};
