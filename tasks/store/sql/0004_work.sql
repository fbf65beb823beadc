-- What the jobs remember: the queue, their walks, what was refused, and what each call cost.

CREATE SEQUENCE fetch_queue_lease;
COMMENT ON SEQUENCE fetch_queue_lease IS 'Numbers of the leases; each is given out once.';

CREATE TABLE fetch_queue (
    domain      smallint NOT NULL,
    asin        text NOT NULL,
    detail      text NOT NULL,
    state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'leased', 'done', 'given up')),
    priority    int NOT NULL,
    place       bigint NOT NULL,
    attempts    int NOT NULL DEFAULT 0,
    enqueued_at timestamptz NOT NULL DEFAULT now(),
    ready_at    timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    lease       bigint,
    owner       text,
    reason      text,
    PRIMARY KEY (domain, asin, detail),
    CHECK ((state = 'leased') = (lease IS NOT NULL))
);
CREATE INDEX fetch_queue_next ON fetch_queue (priority DESC, place) WHERE state IN ('pending', 'leased');
CREATE INDEX fetch_queue_given_up ON fetch_queue (finished_at) WHERE state = 'given up';
CREATE UNIQUE INDEX fetch_queue_leases ON fetch_queue (lease) WHERE state = 'leased';

COMMENT ON TABLE fetch_queue IS 'Products to fetch, and those fetched already, which are not queued again unless asked for.';
COMMENT ON COLUMN fetch_queue.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN fetch_queue.asin IS 'The product.';
COMMENT ON COLUMN fetch_queue.detail IS 'How much of it to fetch: stats, history or offers.';
COMMENT ON COLUMN fetch_queue.state IS 'pending; leased: somebody has it until ready_at; done; given up: failed too often.';
COMMENT ON COLUMN fetch_queue.priority IS 'Higher is served first.';
COMMENT ON COLUMN fetch_queue.place IS 'Order among equals: nanoseconds at which its batch was queued, plus its place in the batch.';
COMMENT ON COLUMN fetch_queue.attempts IS 'How often it was tried in vain, leases that ran out included.';
COMMENT ON COLUMN fetch_queue.enqueued_at IS 'When it was queued.';
COMMENT ON COLUMN fetch_queue.ready_at IS 'From when on it may be taken; while it is leased, when the lease runs out.';
COMMENT ON COLUMN fetch_queue.finished_at IS 'When it was done or given up.';
COMMENT ON COLUMN fetch_queue.lease IS 'Number of the lease under which it is taken.';
COMMENT ON COLUMN fetch_queue.owner IS 'Who has it.';
COMMENT ON COLUMN fetch_queue.reason IS 'Why the last attempt failed.';

CREATE TABLE crawls (
    job           text NOT NULL,
    selection_key text NOT NULL,
    domain        smallint NOT NULL,
    root_cat      bigint,
    page          int NOT NULL,
    started_at    timestamptz NOT NULL,
    state         text NOT NULL CHECK (state IN ('running', 'done')),
    high_minute   int,
    rows          bigint NOT NULL,
    finished_at   timestamptz,
    PRIMARY KEY (job, selection_key, domain)
);
COMMENT ON TABLE crawls IS 'The present or last walk of a job through the pages of a selection.';
COMMENT ON COLUMN crawls.job IS 'upsert or backfill.';
COMMENT ON COLUMN crawls.selection_key IS 'Which selection: a hash of it, so that a changed one begins anew.';
COMMENT ON COLUMN crawls.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN crawls.root_cat IS 'Root category being walked, of a selection too long for one walk.';
COMMENT ON COLUMN crawls.page IS 'The next page to ask for.';
COMMENT ON COLUMN crawls.started_at IS 'When the walk began.';
COMMENT ON COLUMN crawls.state IS 'running or done.';
COMMENT ON COLUMN crawls.high_minute IS 'Newest Keepa minute met so far; the watermark when the walk is complete.';
COMMENT ON COLUMN crawls.rows IS 'Rows met so far.';
COMMENT ON COLUMN crawls.finished_at IS 'When the walk was complete.';

CREATE TABLE watermarks (
    selection_key text NOT NULL,
    domain        smallint NOT NULL,
    minute        int NOT NULL,
    moved_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (selection_key, domain)
);
COMMENT ON TABLE watermarks IS 'Up to when all deals of a selection are known; moves only with a complete walk, and only forward.';
COMMENT ON COLUMN watermarks.selection_key IS 'Which selection, as in crawls.';
COMMENT ON COLUMN watermarks.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN watermarks.minute IS 'Keepa minute up to which all is known, inclusive.';
COMMENT ON COLUMN watermarks.moved_at IS 'When it last moved.';

CREATE TABLE quarantine (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('deal', 'product', 'request', 'body')),
    domain   smallint NOT NULL,
    key      text NOT NULL,
    reason   text NOT NULL,
    raw      bytea,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at  timestamptz NOT NULL DEFAULT now(),
    times    int NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX quarantine_fault ON quarantine (kind, domain, key, md5(reason));
COMMENT ON TABLE quarantine IS 'What could not be used, and why. The same fault again is counted.';
COMMENT ON COLUMN quarantine.id IS 'Number of the fault.';
COMMENT ON COLUMN quarantine.kind IS 'What was refused: a deal, a product, a request or a whole body.';
COMMENT ON COLUMN quarantine.domain IS 'Amazon locale (domains.id); 0 when it belongs to none.';
COMMENT ON COLUMN quarantine.key IS 'What it is about: an ASIN, or the name of a request.';
COMMENT ON COLUMN quarantine.reason IS 'Why it was refused.';
COMMENT ON COLUMN quarantine.raw IS 'The bytes as received, of the last time.';
COMMENT ON COLUMN quarantine.first_at IS 'When it was first refused.';
COMMENT ON COLUMN quarantine.last_at IS 'When it was last refused.';
COMMENT ON COLUMN quarantine.times IS 'How often it was refused.';

CREATE TABLE calls (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    tier       text NOT NULL,
    endpoint   text NOT NULL,
    shape      text NOT NULL,
    items      int NOT NULL,
    estimate   int NOT NULL,
    cost       int,
    balance    int,
    status     int,
    duration_s double precision NOT NULL,
    waited_s   double precision NOT NULL,
    worker     text NOT NULL,
    rows       int NOT NULL
);
CREATE INDEX calls_at ON calls (at);
COMMENT ON TABLE calls IS 'Every call to the API.';
COMMENT ON COLUMN calls.id IS 'Number of the record.';
COMMENT ON COLUMN calls.at IS 'When the reply came, or the call was given up.';
COMMENT ON COLUMN calls.tier IS 'Who paid; empty for a free look at the balance.';
COMMENT ON COLUMN calls.endpoint IS 'What was asked: /deal, /product, /token.';
COMMENT ON COLUMN calls.shape IS 'The name under which its cost is learned.';
COMMENT ON COLUMN calls.items IS 'Pages or ASINs asked for.';
COMMENT ON COLUMN calls.estimate IS 'Tokens reserved.';
COMMENT ON COLUMN calls.cost IS 'Tokens charged; NULL when the answer got lost.';
COMMENT ON COLUMN calls.balance IS 'Tokens left after it; NULL when the reply did not say.';
COMMENT ON COLUMN calls.status IS 'HTTP status; NULL without a reply.';
COMMENT ON COLUMN calls.duration_s IS 'Seconds from the first byte sent to the last received.';
COMMENT ON COLUMN calls.waited_s IS 'Seconds spent waiting for tokens.';
COMMENT ON COLUMN calls.worker IS 'Role and slot.';
COMMENT ON COLUMN calls.rows IS 'Rows written from the reply.';
