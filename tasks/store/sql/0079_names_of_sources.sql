-- A source that was taken out of the settings is shown by its name while something of it still waits.

ALTER TABLE crawls ADD COLUMN name text;
COMMENT ON COLUMN crawls.name IS
    'What the source is called, of the last page that was read of it; NULL for a selection, and for what was read before names were kept.';
