-- In one direction, so that a search can begin in the middle: behind what was claimed already, whose entries stay for as
-- long as somebody's snapshot does (a back-up).

DROP INDEX fetch_queue_next, fetch_queue_asked;
CREATE INDEX fetch_queue_next ON fetch_queue ((-priority), place) WHERE state IN ('pending', 'leased');
CREATE INDEX fetch_queue_asked ON fetch_queue ((coalesce(selection_key, domain::text)), (-priority), place)
    WHERE state IN ('pending', 'leased');
