-- The rows of one user are found when the user is exported or deleted. The condition is true of every row: see 0080.
CREATE INDEX families_by_user ON families (pool_id, user_id);
CREATE INDEX messages_by_user ON messages (pool_id, user_id) WHERE user_id >= '';
-- A user's login has the same hash in every identity pool.
CREATE INDEX identity_logins_by_hash ON identity_logins (hash, pool_id);
