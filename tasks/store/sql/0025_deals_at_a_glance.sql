-- Which deals to look at, told by a narrow row: the day on which each was last listed, the discount of each price type by
-- period, what none of its price types exceeds, and which selections have listed it (a number takes two bytes). `deals`
-- looks at the lists of so many as it shows, however many there are. The columns are added empty, which rewrites nothing;
-- the rows that are there are reckoned in the background, and looked at as a whole until then.

ALTER TABLE deal_sightings
    ADD COLUMN last_seen_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    ADD COLUMN greatest_drop int,
    ADD COLUMN lowest_price int,
    ADD COLUMN sales_rank int,
    ADD COLUMN creation_date int,
    ADD COLUMN discount_percents bytea,
    ADD COLUMN selections smallint[];
-- The day and not the moment: a deal that is listed again on the same day needs no new entry, so its row stays where it is.
CREATE INDEX deal_sightings_seen ON deal_sightings (domain, last_seen_on);

COMMENT ON TABLE deal_sightings IS
    'When each deal was last listed, and what its price types come to at the most; part of the view deals.';
COMMENT ON COLUMN deal_sightings.last_seen_on IS
    'Day of last_seen_at in UTC. A later day, that of the upgrade, in rows that were there before this column.';
COMMENT ON COLUMN deal_sightings.discount_percents IS
    'Discount in percent by period (0 day, 1 week, 2 month, 3 quarter) and price type, where there is an offer and a mean:'
    ' get_byte(discount_percents, 36 * period + price type); 0 where the price is not below the mean. NULL in a row not'
    ' reckoned yet.';
COMMENT ON COLUMN deal_sightings.greatest_drop IS
    'Greatest difference between a mean and the price now, of all price types and periods, in the smallest unit; 0 without one.';
COMMENT ON COLUMN deal_sightings.lowest_price IS
    'Lowest price of those price types that are below one of their means; NULL when none is.';
COMMENT ON COLUMN deal_sightings.sales_rank IS 'Sales rank, as in current_deals.';
COMMENT ON COLUMN deal_sightings.creation_date IS 'As in deals.';
COMMENT ON COLUMN deal_sightings.selections IS 'As in deals.';

CREATE TABLE selections (
    number        smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    selection_key text NOT NULL UNIQUE
);
COMMENT ON TABLE selections IS 'The selections that have listed deals, by the numbers that stand beside these.';
COMMENT ON COLUMN selections.number IS 'As in deals.selections.';
COMMENT ON COLUMN selections.selection_key IS 'Which selection, as in crawls.';

CREATE OR REPLACE VIEW deals AS
SELECT
    d.domain, d.asin, d.title, d.parent_asin, d.image, d.root_cat, d.categories, d.current, d.current_since,
    d.creation_date, d.last_update, d.delta, d.delta_percent, d.delta_last, d.avg, d.back_in_stock,
    d.sales_rank_drops30, d.sales_rank_drops90, d.sales_rank_drops180, d.sales_rank_drops365, d.lightning_start,
    d.lightning_end, d.warehouse_condition, d.warehouse_condition_comment, d.date_interval_index, d.extra,
    d.first_seen_at, s.last_seen_at, d.min_rating, s.last_seen_on, s.selections
FROM deal_rows AS d LEFT JOIN deal_sightings AS s USING (domain, asin);
COMMENT ON COLUMN deals.last_seen_on IS 'Day on which the deal was last listed, in UTC; there is an index on it.';
COMMENT ON COLUMN deals.selections IS
    'Numbers of the selections that have listed it since they are kept (selections.number); NULL or empty before that.';

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
    keepa_time(d.creation_date) AS deal_since,
    d.last_seen_on,
    d.selections
FROM deals AS d
JOIN price_types AS t ON t.is_money AND d.current[t.id + 1] >= 0
LEFT JOIN domains AS m ON m.id = d.domain
LEFT JOIN categories AS c ON c.domain = d.domain AND c.id = d.root_cat;
COMMENT ON COLUMN current_deals.last_seen_on IS 'Day on which the deal was last listed, in UTC; there is an index on it.';
COMMENT ON COLUMN current_deals.selections IS 'As in deals.';
