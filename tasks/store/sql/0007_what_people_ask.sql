-- What people ask for most, ready to read: deals with the names of shop and category, histories in money.

CREATE TABLE categories (
    domain smallint NOT NULL,
    id     bigint NOT NULL,
    name   text NOT NULL,
    PRIMARY KEY (domain, id)
);
COMMENT ON TABLE categories IS 'Names of the root categories, as the pages of deals tell them.';
COMMENT ON COLUMN categories.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN categories.id IS 'Amazon''s number of the category, as in deals.root_cat.';
COMMENT ON COLUMN categories.name IS 'Its name, in the language of the locale.';

-- The price type is joined first: asked for one type, it looks at one place of each list.
CREATE OR REPLACE VIEW current_deals AS
SELECT
    d.domain,
    d.asin,
    d.title,
    t.name AS price_type,
    m.currency,
    keepa_money(d.current[t.id + 1], d.domain) AS price,
    keepa_time(d.current_since[t.id + 1]) AS price_since,
    keepa_money(
        CASE WHEN d.delta_last[t.id + 1] <> 0 THEN d.current[t.id + 1] + d.delta_last[t.id + 1] END, d.domain
    ) AS price_before,
    keepa_money(d.avg[1][t.id + 1], d.domain) AS avg_day,
    keepa_money(d.avg[2][t.id + 1], d.domain) AS avg_week,
    keepa_money(d.avg[3][t.id + 1], d.domain) AS avg_month,
    keepa_money(d.avg[4][t.id + 1], d.domain) AS avg_quarter,
    CASE WHEN d.avg[1][t.id + 1] > 0 THEN d.delta_percent[1][t.id + 1] END AS discount_percent_day,
    CASE WHEN d.avg[2][t.id + 1] > 0 THEN d.delta_percent[2][t.id + 1] END AS discount_percent_week,
    CASE WHEN d.avg[3][t.id + 1] > 0 THEN d.delta_percent[3][t.id + 1] END AS discount_percent_month,
    CASE WHEN d.avg[4][t.id + 1] > 0 THEN d.delta_percent[4][t.id + 1] END AS discount_percent_quarter,
    CASE WHEN d.current[4] > 0 THEN d.current[4] END AS sales_rank,
    keepa_time(d.last_update) AS updated_at,
    d.first_seen_at,
    d.last_seen_at,
    m.host AS shop,
    d.root_cat,
    c.name AS category,
    keepa_time(d.creation_date) AS deal_since
FROM deals AS d
JOIN price_types AS t ON t.is_money AND d.current[t.id + 1] >= 0
LEFT JOIN domains AS m ON m.id = d.domain
LEFT JOIN categories AS c ON c.domain = d.domain AND c.id = d.root_cat;

COMMENT ON COLUMN current_deals.shop IS 'The shop''s domain name, such as amazon.de.';
COMMENT ON COLUMN current_deals.root_cat IS 'Number of the root category.';
COMMENT ON COLUMN current_deals.category IS 'Name of the root category; NULL until a page of deals has told it.';
COMMENT ON COLUMN current_deals.deal_since IS 'When the change happened that made it a deal for the selection it came by.';

CREATE OR REPLACE VIEW price_history AS
SELECT
    s.domain,
    s.asin,
    s.price_type,
    t.name AS price_type_name,
    keepa_time(p.minute) AS at,
    CASE WHEN p.price <> -1 THEN p.price END AS price,
    CASE WHEN p.shipping <> -1 THEN p.shipping END AS shipping,
    p.price <> -1 AS is_available,
    m.currency,
    CASE WHEN t.is_money THEN keepa_money(p.price, s.domain) END AS amount,
    CASE WHEN t.is_money THEN keepa_money(p.shipping, s.domain) END AS shipping_amount
FROM price_series AS s
CROSS JOIN LATERAL unnest(s.minutes, s.prices, s.shipping) AS p (minute, price, shipping)
LEFT JOIN price_types AS t ON t.id = s.price_type
LEFT JOIN domains AS m ON m.id = s.domain;

COMMENT ON COLUMN price_history.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN price_history.amount IS
    'The price as money of the locale, without shipping; NULL when there was none, and for ranks, counts and ratings.';
COMMENT ON COLUMN price_history.shipping_amount IS 'The shipping costs as money; NULL when there are none or the price type has none.';
