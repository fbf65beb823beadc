-- How far the duties in the background have come: each goes on where it stood, whichever process does its next step.

CREATE TABLE background_duties (
    name       text PRIMARY KEY,
    state      json NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE background_duties IS 'How far each duty in the background (pruning, moving and filling of rows) has come.';
COMMENT ON COLUMN background_duties.name IS 'The duty.';
COMMENT ON COLUMN background_duties.state IS 'What it goes on from, in its own words.';
COMMENT ON COLUMN background_duties.changed_at IS 'When that changed.';
