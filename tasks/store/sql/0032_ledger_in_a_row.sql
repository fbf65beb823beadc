-- The ledger of a key that several hosts share: one row, changed under its lock, with what happened beside it.

CREATE TABLE ledgers (
    account     bigint PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    format      int NOT NULL,
    sequence    bigint NOT NULL,
    epoch       text NOT NULL,
    book        bytea NOT NULL,
    changed_at  timestamptz NOT NULL
) WITH (fillfactor = 20, toast_tuple_target = 8160);
-- The row is written anew with each change: never compressed, and on its own page unless some hundred calls are open.
ALTER TABLE ledgers ALTER COLUMN book SET STORAGE EXTERNAL;
COMMENT ON TABLE ledgers IS 'The token ledgers that are kept in the database (LEDGER=database), one for each key and server.';
COMMENT ON COLUMN ledgers.account IS 'Hash of key and server; the key itself is nowhere in the database.';
COMMENT ON COLUMN ledgers.name IS 'What people call it.';
COMMENT ON COLUMN ledgers.format IS 'How the bytes of the book are to be read; a build of another format leaves them alone.';
COMMENT ON COLUMN ledgers.sequence IS 'Number of the change that wrote the book.';
COMMENT ON COLUMN ledgers.epoch IS 'Life of the database server in which it was written; another one may have lost the last changes.';
COMMENT ON COLUMN ledgers.book IS 'The balance, the tiers, open calls and those who wait, as `sluicegate ledger dump` shows them.';
COMMENT ON COLUMN ledgers.changed_at IS 'When it was changed last.';

CREATE TABLE ledger_events (
    account     bigint NOT NULL,
    number      bigint NOT NULL,
    sequence    bigint NOT NULL,
    at_ns       bigint NOT NULL,
    event       smallint NOT NULL,
    tier        smallint NOT NULL,
    tokens_mt   bigint NOT NULL,
    balance_mt  bigint NOT NULL,
    host        bigint NOT NULL,
    pid         int NOT NULL,
    PRIMARY KEY (account, number)
);
COMMENT ON TABLE ledger_events IS 'The last events of each ledger in `ledgers`, some hundreds of them.';
COMMENT ON COLUMN ledger_events.account IS 'The ledger, as in `ledgers`.';
COMMENT ON COLUMN ledger_events.number IS 'Counts the events of a ledger.';
COMMENT ON COLUMN ledger_events.sequence IS 'The change of the book that it belongs to.';
COMMENT ON COLUMN ledger_events.at_ns IS 'When, in nanoseconds of the clock of the ledger.';
COMMENT ON COLUMN ledger_events.event IS 'What happened, as in ledger/model/journal.py.';
COMMENT ON COLUMN ledger_events.tier IS 'Position of the tier, -1 for none.';
COMMENT ON COLUMN ledger_events.tokens_mt IS 'Tokens that it moved, in thousandths.';
COMMENT ON COLUMN ledger_events.balance_mt IS 'Balance after it, in thousandths of a token.';
COMMENT ON COLUMN ledger_events.host IS 'Host of the process, as in `hosts`; 0 for none.';
COMMENT ON COLUMN ledger_events.pid IS 'The process; 0 for none.';
