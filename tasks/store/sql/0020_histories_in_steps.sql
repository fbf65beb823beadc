-- Histories in half the room: steps of 16 bits in place of minutes and values of 32. The table gets another name, and
-- price_series becomes a view that shows what the table held. No row is rewritten here: those in the old form stay
-- readable, and get the new one in the background.

-- Views of others that read the table are made again below, on the view of its name.
CREATE TEMP TABLE views_of_price_series ON COMMIT DROP AS
SELECT DISTINCT c.oid::regclass AS name, pg_get_viewdef(c.oid) AS definition
FROM pg_depend AS d
JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class AS c ON c.oid = r.ev_class AND c.relkind = 'v'
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'price_series'::regclass AND c.relname <> 'price_history';

ALTER TABLE price_series RENAME TO price_series_rows;
ALTER TABLE price_series_rows
    ALTER minutes DROP NOT NULL,
    ALTER prices DROP NOT NULL,
    ADD COLUMN minute_steps smallint[],
    ADD COLUMN price_steps smallint[],
    ADD COLUMN shipping_steps smallint[],
    ADD CHECK ((minutes IS NULL) <> (minute_steps IS NULL)) NOT VALID,
    ADD CHECK ((prices IS NULL) <> (price_steps IS NULL)) NOT VALID,
    ADD CHECK (cardinality(price_steps) = cardinality(minute_steps)) NOT VALID,
    ADD CHECK (cardinality(shipping_steps) = cardinality(minute_steps)) NOT VALID;

COMMENT ON TABLE price_series_rows IS
    'Histories as they are stored, one row per product and price type. price_series shows them as lists, price_history has a row per point.';
COMMENT ON COLUMN price_series_rows.minutes IS 'Keepa minutes of a row of an older build that has no steps yet, otherwise NULL.';
COMMENT ON COLUMN price_series_rows.prices IS 'Values of such a row.';
COMMENT ON COLUMN price_series_rows.shipping IS 'Shipping costs of such a row.';
COMMENT ON COLUMN price_series_rows.minute_steps IS
    'Minutes since the point before, the first since first_minute. An entry -1 - n is no point: it adds n times 32,768 minutes.';
COMMENT ON COLUMN price_series_rows.price_steps IS
    'What the value rose since the point before; -32768 is a value of -1 (none), and the next step counts from the value before it.'
    ' In an entry that is no point, it counts 32,768 times.';
COMMENT ON COLUMN price_series_rows.shipping_steps IS 'The same of shipping costs, for the price types that carry them.';

-- Of each row either the steps are there, or the lists of the old form.
CREATE FUNCTION series_points(
    first_minute int, minute_steps smallint[], price_steps smallint[], shipping_steps smallint[],
    minutes int[], prices int[], shipping int[]
) RETURNS TABLE (minute int, price int, shipping int)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 500 AS $$
    SELECT e.minute::int, e.price::int, e.shipping::int
    FROM (
        SELECT
            step.minute AS minute_step,
            first_minute + sum(CASE WHEN step.minute < 0 THEN (-1 - step.minute) * 32768 ELSE step.minute END)
                OVER so_far AS minute,
            CASE WHEN step.price = -32768 THEN -1 ELSE sum(
                CASE WHEN step.price = -32768 THEN 0 WHEN step.minute < 0 THEN step.price * 32768 ELSE step.price END
            ) OVER so_far END AS price,
            CASE WHEN step.shipping = -32768 THEN -1 ELSE sum(
                CASE WHEN step.shipping = -32768 THEN 0 WHEN step.minute < 0 THEN step.shipping * 32768 ELSE step.shipping END
            ) OVER so_far END AS shipping
        FROM unnest(minute_steps, price_steps, shipping_steps) WITH ORDINALITY AS step (minute, price, shipping, number)
        WINDOW so_far AS (ORDER BY step.number ROWS UNBOUNDED PRECEDING)
    ) AS e
    WHERE e.minute_step >= 0
    UNION ALL
    SELECT * FROM unnest(minutes, prices, shipping)
$$;
COMMENT ON FUNCTION series_points(int, smallint[], smallint[], smallint[], int[], int[], int[]) IS
    'The points of a history, in order, of the columns of price_series_rows.';

CREATE OR REPLACE VIEW price_history AS
SELECT
    s.domain,
    s.asin,
    s.price_type AS price_type_id,
    t.name AS price_type,
    keepa_time(p.minute) AS at,
    CASE WHEN p.price >= 0 THEN p.price END AS value,
    CASE WHEN p.shipping >= 0 THEN p.shipping END AS shipping_value,
    p.price >= 0 AS is_available,
    CASE WHEN t.is_money THEN m.currency END AS currency,
    CASE WHEN t.is_money THEN keepa_money(p.price, s.domain) END AS price,
    CASE WHEN t.is_money THEN keepa_money(p.shipping, s.domain) END AS shipping,
    m.host AS shop
FROM price_series_rows AS s
CROSS JOIN LATERAL series_points(
    s.first_minute, s.minute_steps, s.price_steps, s.shipping_steps, s.minutes, s.prices, s.shipping
) AS p
LEFT JOIN price_types AS t ON t.id = s.price_type
LEFT JOIN domains AS m ON m.id = s.domain;

CREATE VIEW price_series AS
SELECT
    s.domain,
    s.price_type,
    s.first_minute,
    s.last_minute,
    s.points,
    s.fingerprint,
    s.asin,
    (
        SELECT array_agg(p.minute ORDER BY p.minute)
        FROM series_points(
            s.first_minute, s.minute_steps, s.price_steps, s.shipping_steps, s.minutes, s.prices, s.shipping
        ) AS p
    ) AS minutes,
    (
        SELECT array_agg(p.price ORDER BY p.minute)
        FROM series_points(
            s.first_minute, s.minute_steps, s.price_steps, s.shipping_steps, s.minutes, s.prices, s.shipping
        ) AS p
    ) AS prices,
    (
        SELECT array_agg(p.shipping ORDER BY p.minute) FILTER (WHERE p.shipping IS NOT NULL)
        FROM series_points(
            s.first_minute, s.minute_steps, s.price_steps, s.shipping_steps, s.minutes, s.prices, s.shipping
        ) AS p
    ) AS shipping
FROM price_series_rows AS s;
COMMENT ON VIEW price_series IS
    'Histories, one row per product and price type; a value holds from its minute until the next. price_history has a row per point.';
DO $$
DECLARE
    described record;
BEGIN
    FOR described IN
        SELECT a.attname AS name, col_description(a.attrelid, a.attnum) AS meaning
        FROM pg_attribute AS a
        WHERE a.attrelid = 'price_series_rows'::regclass AND a.attname IN (
            'domain', 'asin', 'price_type', 'first_minute', 'last_minute', 'points', 'fingerprint'
        )
        UNION ALL VALUES
            ('minutes', 'Keepa minutes at which the value changed, rising.'),
            ('prices', 'Values from then on; -1 none. Without shipping, if there is any.'),
            ('shipping', 'Shipping costs, for the price types that carry them; -1 none.')
    LOOP
        EXECUTE format('COMMENT ON COLUMN price_series.%I IS %L', described.name, described.meaning);
    END LOOP;
    -- Who may read the table may read the view.
    FOR described IN
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS name
        FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a
        WHERE c.oid = 'price_series_rows'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT SELECT ON price_series TO %s', described.name);
    END LOOP;
    FOR described IN SELECT * FROM views_of_price_series LOOP
        EXECUTE format('CREATE OR REPLACE VIEW %s AS %s', described.name, described.definition);
    END LOOP;
END $$;
