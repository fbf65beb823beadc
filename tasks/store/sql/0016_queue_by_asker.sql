-- The next products of one selection, or of one locale where no selection is known, however many of others wait in front.

CREATE INDEX fetch_queue_asked ON fetch_queue ((coalesce(selection_key, domain::text)), priority DESC, place)
    WHERE state IN ('pending', 'leased');
