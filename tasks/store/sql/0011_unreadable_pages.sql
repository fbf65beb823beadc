-- A page that cannot be read is asked for again a few times, further and further apart, and then passed over.

ALTER TABLE crawls ADD COLUMN attempts int NOT NULL DEFAULT 0;
COMMENT ON COLUMN crawls.attempts IS 'How often the page at which the walk stands came and could not be read.';
