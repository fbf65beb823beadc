-- What a host says of itself, so that another one can tell whether both may spend from one key, and who is to leave.

ALTER TABLE hosts
    ADD COLUMN ledger text,
    ADD COLUMN accounts bigint[],
    ADD COLUMN migration int,
    ADD COLUMN drain_at timestamptz;
COMMENT ON TABLE hosts IS 'The hosts that write to this database.';
COMMENT ON COLUMN hosts.ledger IS 'Where its ledger is: file or database. Null: a build that did not tell.';
COMMENT ON COLUMN hosts.accounts IS 'The accounts it spends from, as in `ledgers`.';
COMMENT ON COLUMN hosts.migration IS 'Number of the newest migration that its build knows.';
COMMENT ON COLUMN hosts.drain_at IS 'Since when it is to finish its calls and begin no more; null while it may work.';
