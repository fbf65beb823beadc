-- One row for each call. Where it is unknown whether a transaction was committed, all of it is done again.

ALTER TABLE calls ADD COLUMN key uuid;
CREATE UNIQUE INDEX calls_key ON calls (key) WHERE key IS NOT NULL;
COMMENT ON COLUMN calls.key IS 'Hash of what makes the call this one; NULL in rows of older builds.';
