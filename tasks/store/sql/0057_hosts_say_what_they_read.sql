-- Two versions of the program share a ledger while hosts are upgraded one after another: they write what both read.

ALTER TABLE hosts
    ADD COLUMN ledger_format int NOT NULL DEFAULT 1,
    ADD COLUMN ledger_format_at timestamptz;
COMMENT ON COLUMN hosts.ledger_format IS 'The newest format of a book (`ledgers.format`) that the host reads; the others write none that is newer while it beats.';
COMMENT ON COLUMN hosts.ledger_format_at IS 'When it said so; 1 counts as its format when it joined later than that, by a version that does not say it.';
