-- price_history says price and price_type as current_deals does: money of the currency, and Keepa's name. The columns
-- are renamed where they stand, so that views built on this one keep what they showed.

ALTER VIEW price_history RENAME COLUMN price_type TO price_type_id;
ALTER VIEW price_history RENAME COLUMN price_type_name TO price_type;
ALTER VIEW price_history RENAME COLUMN price TO value;
ALTER VIEW price_history RENAME COLUMN shipping TO shipping_value;
ALTER VIEW price_history RENAME COLUMN amount TO price;
ALTER VIEW price_history RENAME COLUMN shipping_amount TO shipping;

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
FROM price_series AS s
CROSS JOIN LATERAL unnest(s.minutes, s.prices, s.shipping) AS p (minute, price, shipping)
LEFT JOIN price_types AS t ON t.id = s.price_type
LEFT JOIN domains AS m ON m.id = s.domain;

COMMENT ON COLUMN price_history.price_type_id IS 'Keepa''s number of the price type (price_types.id).';
COMMENT ON COLUMN price_history.price_type IS 'Name of the price type; NULL of one that price_types does not know.';
COMMENT ON COLUMN price_history.value IS
    'As received: a price in the smallest unit, or the rank, count or rating (0 to 50) itself; NULL when there was none.';
COMMENT ON COLUMN price_history.shipping_value IS 'Shipping costs as received, in the smallest unit; NULL when there are none.';
COMMENT ON COLUMN price_history.is_available IS 'Whether there was an offer, or a rank.';
COMMENT ON COLUMN price_history.currency IS 'ISO 4217 code of price and shipping; NULL for ranks, counts and ratings.';
COMMENT ON COLUMN price_history.price IS
    'Price in the currency, without shipping; NULL when there was none, and for ranks, counts and ratings.';
COMMENT ON COLUMN price_history.shipping IS 'Shipping costs in the currency; NULL when there are none or the price type has none.';
COMMENT ON COLUMN price_history.shop IS 'The shop''s domain name, such as amazon.de.';

-- Rows that never change are never analysed by themselves, and show as a table without rows.
ANALYZE domains;
ANALYZE price_types;
