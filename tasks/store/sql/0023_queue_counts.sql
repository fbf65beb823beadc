-- How long the queue is, without reading it: every statement that changes it writes down by how much.

CREATE TABLE fetch_queue_counts (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain        smallint NOT NULL,
    selection_key text,
    detail        text NOT NULL,
    waiting       bigint NOT NULL,
    done          bigint NOT NULL,
    given_up      bigint NOT NULL
);
COMMENT ON TABLE fetch_queue_counts IS
    'How many rows fetch_queue has: the sum of all rows here. A row is one change, or the sum of earlier ones.';
COMMENT ON COLUMN fetch_queue_counts.id IS 'Number of the change.';
COMMENT ON COLUMN fetch_queue_counts.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN fetch_queue_counts.selection_key IS 'As in fetch_queue.';
COMMENT ON COLUMN fetch_queue_counts.detail IS 'As in fetch_queue.';
COMMENT ON COLUMN fetch_queue_counts.waiting IS 'How many more are pending or leased; negative: how many fewer.';
COMMENT ON COLUMN fetch_queue_counts.done IS 'How many more are done.';
COMMENT ON COLUMN fetch_queue_counts.given_up IS 'How many more are given up.';

CREATE TABLE fetch_queue_check (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    checked_at timestamptz,
    took_s     double precision,
    wrong      bigint,
    next_at    timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE fetch_queue_check IS 'When fetch_queue was last counted row by row, and how far fetch_queue_counts was off: one row.';
COMMENT ON COLUMN fetch_queue_check.one IS 'True: there is one row.';
COMMENT ON COLUMN fetch_queue_check.checked_at IS 'When; NULL: never.';
COMMENT ON COLUMN fetch_queue_check.took_s IS 'Seconds that took.';
COMMENT ON COLUMN fetch_queue_check.wrong IS
    'Rows by which the sums were off, because somebody changed the queue who does not write that down; they were corrected.';
COMMENT ON COLUMN fetch_queue_check.next_at IS 'When it is due again.';

-- Nobody changes the queue between its count and the first change that is written down.
LOCK TABLE fetch_queue IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO fetch_queue_counts (domain, selection_key, detail, waiting, done, given_up)
SELECT domain, selection_key, detail,
       count(*) FILTER (WHERE state IN ('pending', 'leased')),
       count(*) FILTER (WHERE state = 'done'),
       count(*) FILTER (WHERE state = 'given up')
FROM fetch_queue GROUP BY domain, selection_key, detail;
INSERT INTO fetch_queue_check (checked_at, took_s, wrong)
VALUES (now(), extract(epoch FROM clock_timestamp() - now()), 0);
