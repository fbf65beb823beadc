-- Turns are rows: a lock of a session is worth nothing where a pooler gives each transaction to another session.

CREATE TABLE turns (
    name        text PRIMARY KEY,
    owner       text NOT NULL,
    until       timestamptz NOT NULL
);
COMMENT ON TABLE turns IS 'Who may walk through a selection now: one worker at a time.';
COMMENT ON COLUMN turns.name IS 'The job, the selection and the locale.';
COMMENT ON COLUMN turns.owner IS 'The worker, and its process.';
COMMENT ON COLUMN turns.until IS 'From when on another may take it, unless its owner says before that it still wants it.';
