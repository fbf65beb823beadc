-- What a call that failed leaves behind: the server may have charged it, so the same is asked for ever more rarely.

ALTER TABLE fetch_queue ADD COLUMN failures int NOT NULL DEFAULT 0;
COMMENT ON COLUMN fetch_queue.failures IS 'Calls in a row that asked for it and failed, as the API''s own refusals do not: it rests longer after each.';
