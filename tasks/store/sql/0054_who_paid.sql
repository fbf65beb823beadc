-- Whose tokens a call cost, and which host made it. A column with a constant default is added in a moment.

ALTER TABLE calls ADD COLUMN account text NOT NULL DEFAULT '', ADD COLUMN host text NOT NULL DEFAULT '';

DO $$
DECLARE
    name regclass;
BEGIN
    FOR name IN SELECT relid FROM pg_partition_tree('calls') UNION ALL SELECT 'calls_hourly'::regclass LOOP
        EXECUTE format('COMMENT ON COLUMN %s.account IS %L', name,
            'Name of the key that paid; empty of calls from before keys had names, when there was one.');
        EXECUTE format('COMMENT ON COLUMN %s.host IS %L', name,
            'Name of the host that called; empty of calls from before it was recorded.');
    END LOOP;
END $$;
