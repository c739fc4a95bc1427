-- Messages wait in lanes, one for each way out, so that what hangs in one delays no other. Within a lane the pools take
-- turns: messages_by_lane finds the next pool and the first message of each. Only waiting messages are in these indexes.
ALTER TABLE messages ADD COLUMN lane {text} NOT NULL DEFAULT 'EMAIL';
UPDATE messages SET lane = medium WHERE queued = 1;
CREATE INDEX messages_by_lane ON messages (lane, pool_id, due_at) WHERE queued = 1;
CREATE INDEX messages_by_wait ON messages (lane, due_at, created_at) WHERE queued = 1;
CREATE INDEX messages_by_expiry ON messages (due_at) WHERE queued = 0;
DROP INDEX messages_by_due;
