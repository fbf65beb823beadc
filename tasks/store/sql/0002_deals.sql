-- Deals. The wide row is written only when the deal has changed; when it was last listed stands in a narrow row beside
-- it, because every poll lists the same deals again, and PostgreSQL copies a row whole for each change to it.

CREATE TABLE deal_rows (
    domain                      smallint NOT NULL,
    asin                        text NOT NULL,
    title                       text,
    parent_asin                 text,
    image                       text,
    root_cat                    bigint,
    categories                  bigint[],
    current                     int[] NOT NULL,
    current_since               int[] NOT NULL,
    creation_date               int NOT NULL,
    last_update                 int NOT NULL,
    delta                       int[][] NOT NULL,
    delta_percent               int[][] NOT NULL,
    delta_last                  int[] NOT NULL,
    avg                         int[][] NOT NULL,
    back_in_stock               boolean[],
    sales_rank_drops30          int,
    sales_rank_drops90          int,
    sales_rank_drops180         int,
    sales_rank_drops365         int,
    lightning_start             int,
    lightning_end               int,
    warehouse_condition         int,
    warehouse_condition_comment text,
    date_interval_index         int,
    extra                       json,
    first_seen_at               timestamptz NOT NULL,
    PRIMARY KEY (domain, asin)
);
CREATE INDEX deal_rows_newest ON deal_rows (domain, creation_date);

CREATE TABLE deal_sightings (
    domain       smallint NOT NULL,
    asin         text NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (domain, asin)
) WITH (fillfactor = 50);

COMMENT ON TABLE deal_rows IS 'Deals as last reported, one row per locale and ASIN; read the view deals.';
COMMENT ON TABLE deal_sightings IS 'When each deal was last listed; part of the view deals.';
COMMENT ON COLUMN deal_sightings.domain IS 'As in deals.';
COMMENT ON COLUMN deal_sightings.asin IS 'As in deals.';
COMMENT ON COLUMN deal_sightings.last_seen_at IS 'As in deals.';

CREATE VIEW deals AS
SELECT d.*, s.last_seen_at FROM deal_rows AS d LEFT JOIN deal_sightings AS s USING (domain, asin);
COMMENT ON VIEW deals IS
    'Deals as last reported, one row per locale and ASIN. Times are Keepa minutes (keepa_time), prices in the smallest unit (keepa_money).'
    ' Lists by price type have price type n at place n + 1 (price_types); -1 means no offer, -2 no data.'
    ' Tables of four rows are by range first: [1] day, [2] week, [3] month, [4] quarter, then price type.';

-- The table and the view have the same columns, so they are described once.
DO $$
DECLARE
    described record;
    relation  text;
BEGIN
    FOR described IN SELECT * FROM (VALUES
        ('domain', 'Amazon locale (domains.id).'),
        ('asin', 'Amazon''s number of the product.'),
        ('title', 'Title; may hold HTML entities.'),
        ('parent_asin', 'The product this one is a variation of, if any.'),
        ('image', 'File name of the picture.'),
        ('root_cat', 'Root category.'),
        ('categories', 'Categories that hold the product directly.'),
        ('current', 'Value now, by price type.'),
        ('current_since', 'Keepa minute since when the value holds, by price type.'),
        ('creation_date', 'Keepa minute of the change that made it a deal for the selection it came by.'),
        ('last_update', 'Keepa minute of the product''s last update: an older reading never replaces a newer one.'),
        ('delta', 'Average minus value now, by range and price type: positive is a drop.'),
        ('delta_percent', 'The same in percent of the average.'),
        ('delta_last', 'Value before the last change minus value now, by price type: positive is a drop.'),
        ('avg', 'Weighted mean by range (the first covers 48 hours) and price type.'),
        ('back_in_stock', 'Whether it came back into stock, by price type.'),
        ('sales_rank_drops30', 'Drops of the sales rank in the last 30 days.'),
        ('sales_rank_drops90', 'Drops of the sales rank in the last 90 days.'),
        ('sales_rank_drops180', 'Drops of the sales rank in the last 180 days.'),
        ('sales_rank_drops365', 'Drops of the sales rank in the last 365 days.'),
        ('lightning_start', 'Keepa minute at which a lightning deal starts; 0 without one.'),
        ('lightning_end', 'Keepa minute at which a lightning deal ends; 0 without one.'),
        ('warehouse_condition', 'Condition of the warehouse deal: 0 none, 2 to 5 used like new to acceptable.'),
        ('warehouse_condition_comment', 'Amazon''s words on that condition.'),
        ('date_interval_index', 'As received; its meaning is not documented.'),
        ('extra', 'Fields this build does not know, as received; NULL when there are none.'),
        ('first_seen_at', 'When the deal was first listed.'),
        ('last_seen_at', 'When the deal was last listed, also if nothing had changed.')
    ) AS words (name, meaning)
    LOOP
        FOREACH relation IN ARRAY ARRAY['deal_rows', 'deals'] LOOP
            IF relation = 'deals' OR described.name <> 'last_seen_at' THEN
                EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', relation, described.name, described.meaning);
            END IF;
        END LOOP;
    END LOOP;
END $$;

CREATE VIEW current_deals AS
SELECT
    d.domain,
    d.asin,
    d.title,
    t.name AS price_type,
    m.currency,
    keepa_money(p.value, d.domain) AS price,
    keepa_time(p.since) AS price_since,
    keepa_money(CASE WHEN p.fall <> 0 THEN p.value + p.fall END, d.domain) AS price_before,
    keepa_money(d.avg[1][p.place], d.domain) AS avg_day,
    keepa_money(d.avg[2][p.place], d.domain) AS avg_week,
    keepa_money(d.avg[3][p.place], d.domain) AS avg_month,
    keepa_money(d.avg[4][p.place], d.domain) AS avg_quarter,
    CASE WHEN d.avg[1][p.place] > 0 THEN d.delta_percent[1][p.place] END AS discount_percent_day,
    CASE WHEN d.avg[2][p.place] > 0 THEN d.delta_percent[2][p.place] END AS discount_percent_week,
    CASE WHEN d.avg[3][p.place] > 0 THEN d.delta_percent[3][p.place] END AS discount_percent_month,
    CASE WHEN d.avg[4][p.place] > 0 THEN d.delta_percent[4][p.place] END AS discount_percent_quarter,
    CASE WHEN d.current[4] > 0 THEN d.current[4] END AS sales_rank,
    keepa_time(d.last_update) AS updated_at,
    d.first_seen_at,
    d.last_seen_at
FROM deals AS d
CROSS JOIN LATERAL unnest(d.current, d.current_since, d.delta_last) WITH ORDINALITY AS p (value, since, fall, place)
JOIN price_types AS t ON t.id = p.place - 1 AND t.is_money
LEFT JOIN domains AS m ON m.id = d.domain
WHERE p.value >= 0;

COMMENT ON VIEW current_deals IS 'What can be bought now: a row per deal and price type that has an offer, money as numbers of the currency.';
COMMENT ON COLUMN current_deals.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN current_deals.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN current_deals.title IS 'Title; may hold HTML entities.';
COMMENT ON COLUMN current_deals.price_type IS 'Name of the price type (price_types).';
COMMENT ON COLUMN current_deals.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN current_deals.price IS 'Price now.';
COMMENT ON COLUMN current_deals.price_since IS 'Since when it holds.';
COMMENT ON COLUMN current_deals.price_before IS 'Price before the last change; NULL when that is not known.';
COMMENT ON COLUMN current_deals.avg_day IS 'Weighted mean of the last 48 hours; NULL without one.';
COMMENT ON COLUMN current_deals.avg_week IS 'Weighted mean of the last 7 days.';
COMMENT ON COLUMN current_deals.avg_month IS 'Weighted mean of the last 31 days.';
COMMENT ON COLUMN current_deals.avg_quarter IS 'Weighted mean of the last 90 days.';
COMMENT ON COLUMN current_deals.discount_percent_day IS 'Percent below the mean of 48 hours (negative: above); NULL without a mean.';
COMMENT ON COLUMN current_deals.discount_percent_week IS 'Percent below the mean of 7 days.';
COMMENT ON COLUMN current_deals.discount_percent_month IS 'Percent below the mean of 31 days.';
COMMENT ON COLUMN current_deals.discount_percent_quarter IS 'Percent below the mean of 90 days.';
COMMENT ON COLUMN current_deals.sales_rank IS 'Sales rank now; NULL without one.';
COMMENT ON COLUMN current_deals.updated_at IS 'When Keepa last updated the product.';
COMMENT ON COLUMN current_deals.first_seen_at IS 'When the deal was first listed.';
COMMENT ON COLUMN current_deals.last_seen_at IS 'When the deal was last listed.';
