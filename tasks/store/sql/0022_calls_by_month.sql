-- Calls by month, so that a month is dropped whole, and sums by hour, which whoever records a call keeps. The table that
-- is there becomes the part of all that came before the end of this month; it is neither copied nor rewritten.

CREATE TABLE calls_hourly (
    hour           timestamptz NOT NULL,
    account        text NOT NULL DEFAULT '',
    host           text NOT NULL DEFAULT '',
    worker         text NOT NULL,
    tier           text NOT NULL,
    endpoint       text NOT NULL,
    shape          text NOT NULL,
    calls          bigint NOT NULL,
    items          bigint NOT NULL,
    rows           bigint NOT NULL,
    tokens         bigint NOT NULL,
    estimate       bigint NOT NULL,
    cost           bigint NOT NULL,
    refused        bigint NOT NULL,
    failed         bigint NOT NULL,
    unknown        bigint NOT NULL,
    unknown_tokens bigint NOT NULL,
    waited_s       double precision NOT NULL,
    duration_s     double precision NOT NULL,
    PRIMARY KEY (hour, account, host, worker, tier, endpoint, shape)
) WITH (fillfactor = 70);
COMMENT ON TABLE calls_hourly IS 'Sums of all calls by hour, which stay when the calls themselves are dropped.';
COMMENT ON COLUMN calls_hourly.hour IS 'Beginning of the hour in which the replies came, or the calls were given up.';
COMMENT ON COLUMN calls_hourly.account IS 'Whose tokens; empty while there is one key.';
COMMENT ON COLUMN calls_hourly.host IS 'Machine that called; empty while there is one.';
COMMENT ON COLUMN calls_hourly.worker IS 'Role and slot.';
COMMENT ON COLUMN calls_hourly.tier IS 'Who paid; empty for a free look at the balance.';
COMMENT ON COLUMN calls_hourly.endpoint IS 'What was asked: /deal, /product, /token.';
COMMENT ON COLUMN calls_hourly.shape IS 'The name under which their cost is learned.';
COMMENT ON COLUMN calls_hourly.calls IS 'Calls.';
COMMENT ON COLUMN calls_hourly.items IS 'Pages or ASINs that were answered for.';
COMMENT ON COLUMN calls_hourly.rows IS 'Rows written: new, or changed.';
COMMENT ON COLUMN calls_hourly.tokens IS 'Tokens charged, as far as it is known.';
COMMENT ON COLUMN calls_hourly.estimate IS 'Tokens reserved for the answered calls; what they were charged is cost.';
COMMENT ON COLUMN calls_hourly.cost IS 'Tokens charged for answered calls.';
COMMENT ON COLUMN calls_hourly.refused IS 'Calls that were answered with 429, which is free.';
COMMENT ON COLUMN calls_hourly.failed IS 'Calls without an answer, or with another that is none.';
COMMENT ON COLUMN calls_hourly.unknown IS 'Calls whose answer got lost, charge and all.';
COMMENT ON COLUMN calls_hourly.unknown_tokens IS 'Tokens reserved for calls whose answer got lost.';
COMMENT ON COLUMN calls_hourly.waited_s IS 'Seconds spent waiting for tokens.';
COMMENT ON COLUMN calls_hourly.duration_s IS 'Seconds from the first byte sent to the last received.';

DO $move$
DECLARE
    month_end timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    before text := 'calls_before_' || to_char(month_end AT TIME ZONE 'UTC', 'YYYY_MM');
    owner name;
    rights aclitem[];
    next_id bigint;
    views text[] := '{}';
    found record;
BEGIN
    LOCK TABLE calls IN ACCESS EXCLUSIVE MODE;
    SELECT pg_get_userbyid(relowner), relacl INTO owner, rights FROM pg_class WHERE oid = 'calls'::regclass;

    -- A view stays with the table that it was made on, whatever that is called later.
    FOR found IN
        SELECT DISTINCT v.oid::regclass AS name, v.relkind, pg_get_userbyid(v.relowner) AS owner, v.reloptions,
            pg_has_role(v.relowner, 'USAGE') AS is_ours, pg_get_viewdef(v.oid) AS definition
        FROM pg_depend AS d
        JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        JOIN pg_class AS v ON v.oid = r.ev_class
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'calls'::regclass
            AND v.oid <> d.refobjid
    LOOP
        IF found.relkind <> 'v' OR NOT found.is_ours THEN
            RAISE insufficient_privilege USING MESSAGE = format(
                '%s of %s reads the table calls, which is replaced: drop it, and make it again after the upgrade',
                found.name, found.owner);
        END IF;
        views := views || format('CREATE OR REPLACE VIEW %s %s AS %s', found.name,
            'WITH (' || array_to_string(found.reloptions, ', ') || ')', found.definition);
    END LOOP;

    INSERT INTO calls_hourly (hour, worker, tier, endpoint, shape, calls, items, rows, tokens, estimate, cost, refused,
        failed, unknown, unknown_tokens, waited_s, duration_s)
    SELECT
        date_bin('1 hour', at, timestamptz 'epoch') AS hour, left(worker, 100), left(tier, 100), left(endpoint, 100),
        left(shape, 100), count(*),
        coalesce(sum(items) FILTER (WHERE status = 200), 0), sum(rows), coalesce(sum(cost), 0),
        coalesce(sum(estimate) FILTER (WHERE status = 200 AND cost IS NOT NULL), 0),
        coalesce(sum(cost) FILTER (WHERE status = 200), 0), count(*) FILTER (WHERE status = 429),
        count(*) FILTER (WHERE status IS DISTINCT FROM 200 AND status IS DISTINCT FROM 429),
        count(*) FILTER (WHERE cost IS NULL), coalesce(sum(estimate) FILTER (WHERE cost IS NULL), 0),
        sum(waited_s), sum(duration_s)
    FROM calls
    GROUP BY 1, 2, 3, 4, 5
    ORDER BY 1;

    -- One index finds a time and keeps each call once: its key is a hash of its time, among others.
    SELECT coalesce(max(id), 0) + 1 INTO next_id FROM calls;
    CREATE UNIQUE INDEX calls_by_time ON calls (at, key);
    ALTER TABLE calls DROP CONSTRAINT calls_pkey;
    DROP INDEX calls_at;
    DROP INDEX calls_key;
    ALTER TABLE calls ALTER id DROP IDENTITY;

    EXECUTE format('ALTER TABLE calls RENAME TO %I', before);
    EXECUTE format('ALTER INDEX calls_by_time RENAME TO %I', before || '_by_time');
    EXECUTE format('CREATE TABLE calls (LIKE %I INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY RANGE (at)', before);
    EXECUTE format('ALTER TABLE calls ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH %s)', next_id);
    CREATE UNIQUE INDEX calls_by_time ON calls (at, key);
    COMMENT ON TABLE calls IS 'Every call to the API, by month.';

    EXECUTE format('CREATE TABLE %I (LIKE calls INCLUDING DEFAULTS INCLUDING COMMENTS)', 'calls_other');
    COMMENT ON TABLE calls_other IS 'Calls of a month that has no part of its own.';
    EXECUTE format('WITH ahead AS (DELETE FROM %I WHERE at >= %L RETURNING *) INSERT INTO calls_other SELECT * FROM ahead',
        before, month_end);
    ALTER TABLE calls ATTACH PARTITION calls_other DEFAULT;
    EXECUTE format('COMMENT ON TABLE %I IS %L', before, 'Calls before the first month that has a part of its own.');
    EXECUTE format('ALTER TABLE calls ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', before, month_end);

    IF owner <> current_user THEN
        EXECUTE format('ALTER TABLE calls OWNER TO %I', owner);
        EXECUTE format('ALTER TABLE calls_other OWNER TO %I', owner);
        EXECUTE format('ALTER TABLE calls_hourly OWNER TO %I', owner);
    END IF;
    FOR found IN SELECT * FROM aclexplode(rights) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee LOOP
        EXECUTE format('GRANT %s ON calls TO %s %s', found.privilege_type,
            CASE WHEN found.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(found.rolname) END,
            CASE WHEN found.is_grantable THEN 'WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    FOR found IN SELECT unnest(views) AS statement LOOP
        EXECUTE found.statement;
    END LOOP;
END
$move$;
