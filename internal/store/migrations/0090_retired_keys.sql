-- When a data key was given up as stolen: it opens rows and nothing else.
ALTER TABLE data_keys ADD COLUMN retired_at {int} NOT NULL DEFAULT 0;
