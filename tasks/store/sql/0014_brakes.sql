-- What is paid for and cannot be used, by kind of request: when that is most of it, calls of the kind stop.

CREATE TABLE brakes (
    kind     text PRIMARY KEY,
    build    text NOT NULL,
    calls    int NOT NULL,
    tokens   bigint NOT NULL,
    lost     bigint NOT NULL,
    suspects text[] NOT NULL,
    why      text NOT NULL,
    since    timestamptz
);
COMMENT ON TABLE brakes IS 'What the last calls of a kind brought, and which kinds are stopped because most of it cannot be used.';
COMMENT ON COLUMN brakes.kind IS 'What was asked for: deal, or product with its detail, as in calls.shape.';
COMMENT ON COLUMN brakes.build IS 'Which build read it: another one may read what this one could not, and begins anew.';
COMMENT ON COLUMN brakes.calls IS 'Calls that the sums stand for; no more than ten, so that the last ones weigh most.';
COMMENT ON COLUMN brakes.tokens IS 'Tokens that were paid for them.';
COMMENT ON COLUMN brakes.lost IS 'Those of them that brought nothing usable.';
COMMENT ON COLUMN brakes.suspects IS 'What the last unusable reply was to answer: the same unusable again is not counted.';
COMMENT ON COLUMN brakes.why IS 'What the last call brought.';
COMMENT ON COLUMN brakes.since IS 'Since when the kind is stopped; NULL: it is not.';
