-- The lowest value of each history beside it, so that who compares prices with it need not read a million histories. The
-- column is added empty; it is filled as histories are written, and with the new form of rows of older builds.

ALTER TABLE price_series_rows ADD COLUMN lowest int;
COMMENT ON COLUMN price_series_rows.lowest IS 'The lowest of the values; -1 if there was never one. NULL in a row of an older build.';

CREATE OR REPLACE VIEW price_series AS
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
COMMENT ON COLUMN price_series.lowest IS 'The lowest of the values; -1 if there was never one.';
