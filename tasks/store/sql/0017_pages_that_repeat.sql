-- A page that was read before in the same walk is told from one that was not: a cache may leave the number out.

ALTER TABLE crawls ADD COLUMN fingerprints bigint[] NOT NULL DEFAULT '{}', ADD COLUMN repeats int NOT NULL DEFAULT 0;
COMMENT ON COLUMN crawls.fingerprints IS 'What the pages read so far of this part of the walk are known again by.';
COMMENT ON COLUMN crawls.repeats IS 'How often a page came in this walk that had been read before.';
