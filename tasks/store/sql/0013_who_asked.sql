-- By which selection a product came into the queue, so that what a selection leaves behind is known when it is gone.

ALTER TABLE fetch_queue ADD COLUMN selection_key text;
COMMENT ON COLUMN fetch_queue.selection_key IS
    'The selection that listed it last (crawls.selection_key); NULL when no selection did, or an older build queued it.';
