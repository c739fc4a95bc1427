-- PostgreSQL's planner cannot tell indexes apart while a table is empty, and keeps the plan that it made then. So an index
-- that begins like the primary key has a condition that is true of every row. Only statements that repeat the condition
-- can use the index.
DROP INDEX users_by_username;
CREATE UNIQUE INDEX users_by_username ON users (pool_id, username_key) WHERE username_key >= '';
DROP INDEX users_by_state;
CREATE INDEX users_by_state ON users (pool_id, enabled, status, created_at, id) WHERE created_at >= 0;
DROP INDEX messages_by_creation;
CREATE INDEX messages_by_creation ON messages (pool_id, created_at, id) WHERE created_at >= 0;
DROP INDEX messages_by_wait;
CREATE INDEX messages_by_wait ON messages (lane, due_at, created_at) WHERE queued = 1 AND created_at >= 0;
