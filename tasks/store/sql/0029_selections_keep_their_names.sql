-- A selection that has listed deals is known by its name also when it is no longer in the settings, with what it asked for.

ALTER TABLE selections ADD COLUMN name text, ADD COLUMN query json;

COMMENT ON COLUMN selections.name IS
    'What its file was called when it listed deals last; NULL when it has listed none since the name is kept.';
COMMENT ON COLUMN selections.query IS 'What it asks for, as it is sent; NULL as for name.';
