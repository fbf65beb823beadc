-- Histories in half the room: as many bytes a number as the largest of a list needs, in planes (the highest byte of each
-- number, then the next one of each). The table gets another name, and price_series becomes a view that shows what the
-- table held. No row is rewritten here: those in the old form stay readable, and get the new one in the background. With it
-- they get the lowest value of each, so that who compares prices with it need not read a million histories.
--
-- The functions look up nothing by its name when they run, so that the views read the same for every search_path. Readers
-- who name the schema have another path, and so have PostgreSQL itself, where it refreshes a materialized view, and
-- pg_restore.

-- What is materialized of the lists cannot follow.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT v.oid::regclass AS name, pg_get_userbyid(v.relowner) AS owner
        FROM pg_depend AS d
        JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind = 'm'
        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'price_series'::regclass
            AND a.attname IN ('minutes', 'prices', 'shipping')
    LOOP
        RAISE insufficient_privilege USING MESSAGE = format(
            '%s of %s reads a column that is empty in new rows: drop it, and make it again after the upgrade',
            found.name, found.owner);
    END LOOP;
END $$;

-- Views of others that read the table are made again below, on the view of its name.
CREATE TEMP TABLE views_of_price_series ON COMMIT DROP AS
SELECT DISTINCT c.oid::regclass AS name, pg_get_viewdef(c.oid) AS definition, c.reloptions
FROM pg_depend AS d
JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class AS c ON c.oid = r.ev_class AND c.relkind = 'v'
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'price_series'::regclass AND c.relname <> 'price_history';

ALTER TABLE price_series RENAME TO price_series_rows;
ALTER TABLE price_series_rows
    ALTER minutes DROP NOT NULL,
    ALTER prices DROP NOT NULL,
    ADD COLUMN minute_pages int[],
    ADD COLUMN minute_bytes bytea,
    ADD COLUMN price_bytes bytea,
    ADD COLUMN shipping_bytes bytea,
    ADD COLUMN lowest int,
    ADD CHECK ((minutes IS NULL) = (prices IS NULL) AND (minutes IS NULL) <> (minute_bytes IS NULL)) NOT VALID,
    ADD CHECK ((minute_bytes IS NULL) = (price_bytes IS NULL)) NOT VALID,
    ADD CHECK (octet_length(minute_bytes) = points * CASE WHEN minute_pages IS NULL THEN 4 ELSE 2 END) NOT VALID,
    ADD CHECK (octet_length(price_bytes) IN (points, 2 * points, 3 * points, 4 * points)) NOT VALID,
    ADD CHECK (octet_length(shipping_bytes) IN (points, 2 * points, 3 * points, 4 * points)) NOT VALID;
-- The low bytes of minutes look like noise: a compressor would find nothing.
ALTER TABLE price_series_rows ALTER minute_bytes SET STORAGE EXTERNAL;

COMMENT ON TABLE price_series_rows IS
    'Histories as they are stored, one row per product and price type. price_series shows them as lists, price_history has a row per point.';
COMMENT ON COLUMN price_series_rows.minutes IS 'Keepa minutes of a row of an older build that has no bytes yet, otherwise NULL.';
COMMENT ON COLUMN price_series_rows.prices IS 'Values of such a row.';
COMMENT ON COLUMN price_series_rows.shipping IS 'Shipping costs of such a row.';
COMMENT ON COLUMN price_series_rows.minute_bytes IS
    'Of each minute the lower two bytes, in planes: the higher one of each point, then the lower one of each. Without minute_pages all four.';
COMMENT ON COLUMN price_series_rows.minute_pages IS
    'After how many points the upper two bytes of the minutes rise by one, beginning with those of first_minute.';
COMMENT ON COLUMN price_series_rows.price_bytes IS
    'The values, one to four bytes each, in planes: the highest byte of each point, then the next one of each. All ones are -1 (none).';
COMMENT ON COLUMN price_series_rows.shipping_bytes IS 'Shipping costs in the same form, for the price types that carry them.';
COMMENT ON COLUMN price_series_rows.lowest IS 'The lowest of the values; -1 if there was never one. NULL in a row of an older build.';

CREATE FUNCTION number_at(place int, planes bytea, width int, count int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE width
    WHEN 2 THEN coalesce(nullif((get_byte(planes, place) << 8) | get_byte(planes, place + count), 65535), -1)
    WHEN 1 THEN coalesce(nullif(get_byte(planes, place), 255), -1)
    WHEN 3 THEN coalesce(nullif(
        (get_byte(planes, place) << 16) | (get_byte(planes, place + count) << 8) | get_byte(planes, place + 2 * count),
        16777215
    ), -1)
    WHEN 4 THEN (get_byte(planes, place) << 24) | (get_byte(planes, place + count) << 16)
        | (get_byte(planes, place + 2 * count) << 8) | get_byte(planes, place + 3 * count)
END;
COMMENT ON FUNCTION number_at(int, bytea, int, int) IS
    'The number at a place, from 0, of so many in byte planes: the highest byte of each number, then the next one of each. All ones are -1.';

-- Each list is taken out of the table once (joined to nothing, or the whole of it cut out), and not anew for each number.
-- OFFSET 0 keeps that, and each number, from being worked out wherever it is used.
CREATE FUNCTION series_points(
    points int, first_minute int, minute_pages int[], minute_bytes bytea, price_bytes bytea, shipping_bytes bytea,
    minutes int[], prices int[], shipping int[]
) RETURNS TABLE (minute int, price int, shipping int)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 500
BEGIN ATOMIC
    SELECT
        CASE
            WHEN held.pages IS NOT NULL THEN ((held.page + width_bucket(place, held.pages)) << 16)
                | (get_byte(held.minute_bytes, place) << 8) | get_byte(held.minute_bytes, place + points)
            WHEN held.minutes IS NULL THEN number_at(place, held.minute_bytes, 4, points)
            ELSE held.minutes[place + 1]
        END,
        CASE WHEN held.prices IS NULL THEN number_at(place, held.price_bytes, held.price_width, points)
            ELSE held.prices[place + 1] END,
        CASE WHEN held.shipping_bytes IS NOT NULL THEN number_at(place, held.shipping_bytes, held.shipping_width, points)
            WHEN held.shipping IS NOT NULL THEN held.shipping[place + 1] END
    FROM (
        SELECT
            first_minute >> 16 AS page, minute_pages[:] AS pages, minute_bytes || ''::bytea AS minute_bytes,
            price_bytes || ''::bytea AS price_bytes, octet_length(price_bytes) / points AS price_width,
            shipping_bytes || ''::bytea AS shipping_bytes, octet_length(shipping_bytes) / points AS shipping_width,
            minutes[:] AS minutes, prices[:] AS prices, shipping[:] AS shipping
        OFFSET 0
    ) AS held
    CROSS JOIN LATERAL generate_series(0, points - 1) AS place
    OFFSET 0;
END;
COMMENT ON FUNCTION series_points(int, int, int[], bytea, bytea, bytea, int[], int[], int[]) IS
    'The points of a history, in order, of the columns of price_series_rows.';

-- The same numbers as before in less time: a whole number of hundredths has two decimals. A function that belongs to
-- somebody else stays as it is.
DO $$
BEGIN
    IF pg_has_role((SELECT proowner FROM pg_proc WHERE oid = 'keepa_money(int, smallint)'::regprocedure), 'USAGE') THEN
        CREATE OR REPLACE FUNCTION keepa_money(amount int, domain smallint) RETURNS numeric
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $money$
            SELECT CASE WHEN amount < 0 THEN NULL WHEN domain = 5 THEN amount::numeric ELSE amount * 0.01 END
        $money$;
    END IF;
END $$;

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
    s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
            s.minutes, s.prices, s.shipping
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
            s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
            s.minutes, s.prices, s.shipping
        ) AS p
    ) AS minutes,
    (
        SELECT array_agg(p.price ORDER BY p.minute)
        FROM series_points(
            s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
            s.minutes, s.prices, s.shipping
        ) AS p
    ) AS prices,
    (
        SELECT array_agg(p.shipping ORDER BY p.minute) FILTER (WHERE p.shipping IS NOT NULL)
        FROM series_points(
            s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
            s.minutes, s.prices, s.shipping
        ) AS p
    ) AS shipping,
    CASE WHEN s.lowest IS NOT NULL THEN s.lowest ELSE (
        SELECT coalesce(min(p.price) FILTER (WHERE p.price >= 0), -1)
        FROM series_points(
            s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
            s.minutes, s.prices, s.shipping
        ) AS p
    ) END AS lowest
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
            ('shipping', 'Shipping costs, for the price types that carry them; -1 none.'),
            ('lowest', 'The lowest of the values; -1 if there was never one.')
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
        EXECUTE format('CREATE OR REPLACE VIEW %s %s AS %s', described.name,
            'WITH (' || array_to_string(described.reloptions, ', ') || ')', described.definition);
    END LOOP;
END $$;
