-- The hosts that share a ledger. Another host is alive while it beats, by the clock of the database.

CREATE TABLE hosts (
    host        smallint GENERATED ALWAYS AS IDENTITY (CYCLE) PRIMARY KEY,
    id          text NOT NULL UNIQUE,
    name        text NOT NULL,
    version     text NOT NULL,
    joined_at   timestamptz NOT NULL,
    beat_at     timestamptz NOT NULL,
    left_at     timestamptz,
    workers     jsonb NOT NULL
);
COMMENT ON TABLE hosts IS 'The hosts that use the ledgers in `ledgers`.';
COMMENT ON COLUMN hosts.host IS 'Its number, by which leases name it.';
COMMENT ON COLUMN hosts.id IS 'The state directory, the boot of the machine and the PID namespace: where a pid means one process.';
COMMENT ON COLUMN hosts.name IS 'What people call it (HOST_NAME).';
COMMENT ON COLUMN hosts.version IS 'The build that runs there.';
COMMENT ON COLUMN hosts.joined_at IS 'Since when it takes part.';
COMMENT ON COLUMN hosts.beat_at IS 'When it said last that it is alive; after 15 s of silence it counts as dead.';
COMMENT ON COLUMN hosts.left_at IS 'When it left by itself; null while it takes part.';
COMMENT ON COLUMN hosts.workers IS 'Its workers: their roles, states and process ids.';
