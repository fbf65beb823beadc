-- Which selections have listed a deal. The narrow row is written with every page anyway; a number takes two bytes of it.

CREATE TABLE selections (
    number        smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    selection_key text NOT NULL UNIQUE
);
COMMENT ON TABLE selections IS 'The selections that have listed deals, by the numbers that stand beside these.';
COMMENT ON COLUMN selections.number IS 'As in deals.selections.';
COMMENT ON COLUMN selections.selection_key IS 'Which selection, as in crawls.';

ALTER TABLE deal_sightings ADD COLUMN selections smallint[];
COMMENT ON COLUMN deal_sightings.selections IS 'As in deals.';

CREATE OR REPLACE VIEW deals AS
SELECT
    d.domain, d.asin, d.title, d.parent_asin, d.image, d.root_cat, d.categories, d.current, d.current_since,
    d.creation_date, d.last_update, d.delta, d.delta_percent, d.delta_last, d.avg, d.back_in_stock,
    d.sales_rank_drops30, d.sales_rank_drops90, d.sales_rank_drops180, d.sales_rank_drops365, d.lightning_start,
    d.lightning_end, d.warehouse_condition, d.warehouse_condition_comment, d.date_interval_index, d.extra,
    d.first_seen_at, s.last_seen_at, d.min_rating, s.last_seen_on, s.selections
FROM deal_rows AS d LEFT JOIN deal_sightings AS s USING (domain, asin);
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
COMMENT ON COLUMN current_deals.selections IS 'As in deals.';
