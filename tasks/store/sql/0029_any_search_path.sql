-- price_series, price_history, sales_rank_history and products.sales_ranks read the same for every search_path: their
-- functions look up nothing by its name when they run. Readers who name the schema have another path, and so have
-- PostgreSQL itself, where it refreshes a materialized view, and pg_restore. The functions do what they did.

CREATE OR REPLACE FUNCTION number_at(place int, planes bytea, width int, count int) RETURNS int
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

-- As before: each list is taken out of the table once, and OFFSET 0 keeps it from being worked out wherever it is used.
CREATE OR REPLACE FUNCTION series_points(
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

CREATE OR REPLACE FUNCTION sales_rank_points(product products) RETURNS TABLE (category bigint, minute int, rank int)
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

CREATE OR REPLACE FUNCTION sales_ranks(product products) RETURNS json
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
