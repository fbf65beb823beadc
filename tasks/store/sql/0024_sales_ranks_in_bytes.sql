-- Sales ranks as byte planes, and not as text. products.sales_ranks reads as before, and sales_rank_history has a row per
-- point. Rows in the old form stay readable, and get the new one in the background.

ALTER TABLE products RENAME COLUMN sales_ranks TO sales_ranks_json;
ALTER TABLE products
    ADD COLUMN sales_rank_categories bigint[],
    ADD COLUMN sales_rank_points int[],
    ADD COLUMN sales_rank_minutes bytea,
    ADD COLUMN sales_rank_values bytea;
COMMENT ON COLUMN products.sales_ranks_json IS
    'Sales ranks of an unusual form, and those of rows of an older build. products.sales_ranks shows either kind.';
COMMENT ON COLUMN products.sales_rank_categories IS 'Categories of the sales ranks. Kept from the last reply with history.';
COMMENT ON COLUMN products.sales_rank_points IS 'How many ranks each has; 0: they are the history of SALES. Kept likewise.';
COMMENT ON COLUMN products.sales_rank_minutes IS
    'Keepa minutes of all ranks, one category after the other, in planes as the values of price_series_rows. Kept likewise.';
COMMENT ON COLUMN products.sales_rank_values IS 'The ranks in the same form. Kept likewise.';

CREATE FUNCTION sales_rank_points(product products) RETURNS TABLE (category bigint, minute int, rank int)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 500
BEGIN ATOMIC
    WITH listed AS (
        SELECT l.category, l.points, (sum(l.points) OVER (ORDER BY l.number))::int AS until
        FROM unnest((product).sales_rank_categories, (product).sales_rank_points)
            WITH ORDINALITY AS l (category, points, number)
    ), held AS (
        SELECT
            (product).sales_rank_minutes || ''::bytea AS minutes, (product).sales_rank_values || ''::bytea AS ranks,
            max(listed.until) AS points
        FROM listed
        HAVING max(listed.until) > 0
    )
    SELECT
        l.category,
        number_at(place, held.minutes, octet_length(held.minutes) / held.points, held.points),
        number_at(place, held.ranks, octet_length(held.ranks) / held.points, held.points)
    FROM held CROSS JOIN listed AS l CROSS JOIN LATERAL generate_series(l.until - l.points, l.until - 1) AS place
    UNION ALL
    SELECT l.category, p.minute, p.price
    FROM listed AS l
    JOIN price_series_rows AS s ON s.domain = (product).domain AND s.asin = (product).asin AND s.price_type = 3
    CROSS JOIN LATERAL series_points(
        s.points, s.first_minute, s.minute_pages, s.minute_bytes, s.price_bytes, s.shipping_bytes,
        s.minutes, s.prices, s.shipping
    ) AS p
    WHERE l.points = 0
    UNION ALL
    SELECT
        CASE WHEN received.key ~ '^-?[0-9]{1,18}$' THEN received.key::bigint END,
        CASE WHEN received.value ->> number ~ '^-?[0-9]{1,9}$' THEN (received.value ->> number)::int END,
        CASE WHEN received.value ->> number + 1 ~ '^-?[0-9]{1,9}$' THEN (received.value ->> number + 1)::int END
    FROM json_each((product).sales_ranks_json) AS received
    CROSS JOIN LATERAL generate_series(
        0, CASE json_typeof(received.value) WHEN 'array' THEN json_array_length(received.value) - 2 ELSE -1 END, 2
    ) AS number;
END;
COMMENT ON FUNCTION sales_rank_points(products) IS
    'The sales ranks of a product, by category in order of time; NULL is what was received and is no number of its kind.';

CREATE FUNCTION sales_ranks(product products) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce((product).sales_ranks_json, (
        SELECT json_object_agg(category, points) FROM (
            SELECT p.category, json_agg(n.value ORDER BY p.minute, n.number) AS points
            FROM sales_rank_points(product) AS p
            CROSS JOIN LATERAL (VALUES (1, p.minute), (2, p.rank)) AS n (number, value)
            GROUP BY p.category
        ) AS listed
    ));
END;
COMMENT ON FUNCTION sales_ranks(products) IS
    'The sales ranks as received, by category, minute and rank in turn; written like a column: products.sales_ranks.';

CREATE VIEW sales_rank_history AS
SELECT p.domain, p.asin, r.category, keepa_time(r.minute) AS at, CASE WHEN r.rank >= 0 THEN r.rank END AS rank, m.host AS shop
FROM products AS p
CROSS JOIN LATERAL sales_rank_points(p) AS r
LEFT JOIN domains AS m ON m.id = p.domain;
COMMENT ON VIEW sales_rank_history IS 'Sales ranks by category, one row per change; it holds until the next row.';
COMMENT ON COLUMN sales_rank_history.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN sales_rank_history.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN sales_rank_history.category IS 'Amazon''s number of the category in which the rank counts.';
COMMENT ON COLUMN sales_rank_history.at IS 'From when on it holds.';
COMMENT ON COLUMN sales_rank_history.rank IS 'The rank; NULL when there was none.';
COMMENT ON COLUMN sales_rank_history.shop IS 'The shop''s domain name, such as amazon.de.';

-- Views of others that read the column would go on with what has another name now, and is empty in rows of the new form:
-- they read the function instead. What is materialized cannot follow.
DO $readers$
DECLARE
    found record;
    alias text;
    definition text;
BEGIN
    FOR found IN
        SELECT DISTINCT v.oid::regclass AS name, v.relkind, pg_get_userbyid(v.relowner) AS owner, v.reloptions,
            pg_has_role(v.relowner, 'USAGE') AS is_ours, pg_get_viewdef(v.oid) AS definition
        FROM pg_depend AS d
        JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        JOIN pg_class AS v ON v.oid = r.ev_class
        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'products'::regclass
            AND a.attname = 'sales_ranks_json'
    LOOP
        IF found.relkind <> 'v' OR NOT found.is_ours THEN
            RAISE insufficient_privilege USING MESSAGE = format(
                '%s of %s reads a column that is empty in new rows: drop it, and make it again after the upgrade',
                found.name, found.owner);
        END IF;
        -- Where a view reads one table alone, its definition names columns without it.
        alias := coalesce(
            (regexp_match(found.definition, E'\n   FROM (?:\\S+\\.)?products (\\w+|"[^"]+")'))[1], 'products');
        definition := regexp_replace(found.definition, '(^|[^."\w])sales_ranks_json\M', '\1' || alias || '.sales_ranks', 'g');
        definition := regexp_replace(definition, '\.sales_ranks_json\M', '.sales_ranks', 'g');
        EXECUTE format('CREATE OR REPLACE VIEW %s %s AS %s', found.name,
            'WITH (' || array_to_string(found.reloptions, ', ') || ')', definition);
    END LOOP;
END
$readers$;
