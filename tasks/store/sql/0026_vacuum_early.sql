-- Tables whose rows are written anew all the time are vacuumed when a twentieth of them is dead, and not a fifth, on every
-- server. Who has set something else there keeps it.

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT t.oid::regclass AS name, t.reloptions AS chosen, toast.reloptions AS chosen_for_toast
        FROM pg_class AS t LEFT JOIN pg_class AS toast ON toast.oid = t.reltoastrelid
        WHERE t.relnamespace = to_regnamespace(quote_ident(current_schema())) AND t.relkind = 'r'
          AND t.relname IN ('products', 'price_series_rows', 'offers', 'deal_rows', 'deal_sightings', 'fetch_queue')
    LOOP
        IF coalesce(array_to_string(found.chosen, ','), '') !~ 'autovacuum_vacuum_scale_factor=' THEN
            EXECUTE format('ALTER TABLE %s SET (autovacuum_vacuum_scale_factor = 0.05)', found.name);
        END IF;
        IF coalesce(array_to_string(found.chosen_for_toast, ','), '') !~ 'autovacuum_vacuum_scale_factor=' THEN
            EXECUTE format('ALTER TABLE %s SET (toast.autovacuum_vacuum_scale_factor = 0.05)', found.name);
        END IF;
    END LOOP;
END $$;

-- Rows as narrow as these leave enough of a page for those that are listed again.
ALTER TABLE deal_sightings SET (fillfactor = 70);
