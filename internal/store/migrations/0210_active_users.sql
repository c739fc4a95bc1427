-- The users who were active in a month, by app client; client_id is '' for the user pool as a whole. A row says that the
-- user is counted. Rows of past months are removed some days after the month's end, and the counts stay.
CREATE TABLE active_users (
  pool_id {text} NOT NULL,
  month {int} NOT NULL,
  user_id {text} NOT NULL,
  client_id {text} NOT NULL,
  federated {int} NOT NULL,
  PRIMARY KEY (pool_id, month, user_id, client_id)
){clustered};
-- How many users are counted, changed in the transaction that inserts their rows. A count has a few shards, so that
-- servers seldom change the same row. The counts of a deleted pool stay.
CREATE TABLE active_counts (
  pool_id {text} NOT NULL,
  month {int} NOT NULL,
  client_id {text} NOT NULL,
  shard {int} NOT NULL,
  users {int} NOT NULL,
  federated {int} NOT NULL,
  PRIMARY KEY (pool_id, month, client_id, shard)
){clustered};
CREATE INDEX active_counts_by_month ON active_counts (month, pool_id, client_id, shard);
-- The months of which active_users may have rows.
CREATE TABLE active_months (
  pool_id {text} NOT NULL,
  month {int} NOT NULL,
  PRIMARY KEY (pool_id, month)
){clustered};
CREATE INDEX active_months_by_month ON active_months (month, pool_id);
