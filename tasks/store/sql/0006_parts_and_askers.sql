-- A walk may stand in a range of prices, and says who is paying for its page now; deaths are told from refusals.

ALTER TABLE crawls ADD COLUMN price_low int, ADD COLUMN price_high int,
    ADD COLUMN asked_by text, ADD COLUMN asked_until timestamptz;
COMMENT ON COLUMN crawls.price_low IS 'Lowest price being walked, of a category too long for one walk; NULL for any price.';
COMMENT ON COLUMN crawls.price_high IS 'Highest price being walked; NULL for any price.';
COMMENT ON COLUMN crawls.asked_by IS 'Who has paid for its page, or is about to; NULL when nobody has.';
COMMENT ON COLUMN crawls.asked_until IS 'From when on another may pay for it.';

CREATE INDEX fetch_queue_done ON fetch_queue (finished_at) WHERE state = 'done';
ALTER TABLE fetch_queue ADD COLUMN deaths int NOT NULL DEFAULT 0;
COMMENT ON COLUMN fetch_queue.deaths IS 'How often its holder died or its lease ran out.';
COMMENT ON COLUMN fetch_queue.attempts IS 'How often it was refused, or missing from the reply.';
