-- A column for each documented field that had none. They are added empty, which rewrites nothing: what an older build put
-- into `extra` stays there until the product is fetched again.

ALTER TABLE products
    ADD COLUMN historical_variations text[],
    ADD COLUMN bundle_items text[],
    ADD COLUMN a_plus json,
    ADD COLUMN active_ingredients text,
    ADD COLUMN audience_rating text,
    ADD COLUMN batteries_included boolean,
    ADD COLUMN batteries_required boolean,
    ADD COLUMN brand_store_name text,
    ADD COLUMN brand_store_url text,
    ADD COLUMN brand_store_url_name text,
    ADD COLUMN hazardous_materials json,
    ADD COLUMN ingredients text,
    ADD COLUMN item_form text,
    ADD COLUMN material text,
    ADD COLUMN materials text[],
    ADD COLUMN pattern text,
    ADD COLUMN product_benefit text,
    ADD COLUMN recommended_uses_for_product text,
    ADD COLUMN safety_warning text,
    ADD COLUMN scent text,
    ADD COLUMN short_description text,
    ADD COLUMN special_features text[],
    ADD COLUMN special_ingredients text,
    ADD COLUMN specific_uses_for_product text[],
    ADD COLUMN style text,
    ADD COLUMN target_audience_keyword text,
    ADD COLUMN unit_count json,
    ADD COLUMN videos json,
    ADD COLUMN is_haul boolean,
    ADD COLUMN is_merch_on_demand boolean,
    ADD COLUMN last_business_discount_update int,
    ADD COLUMN fba_pick_and_pack_fee_tax int,
    ADD COLUMN fba_storage_fee int,
    ADD COLUMN fba_storage_fee_tax int,
    ADD COLUMN reviews_last_update int,
    ADD COLUMN suggested_lower_price int,
    ADD COLUMN business_discount int,
    ADD COLUMN return_rate int,
    ADD COLUMN prime_deal_end_time int,
    ADD COLUMN availability_amazon_delay int[],
    ADD COLUMN stock_per_condition_3rd_fba int[],
    ADD COLUMN stock_per_condition_fbm int[],
    ADD COLUMN stock_amazon int,
    ADD COLUMN stock_buy_box int,
    ADD COLUMN buy_box_saving_basis int,
    ADD COLUMN buy_box_saving_basis_type text,
    ADD COLUMN buy_box_saving_percentage int,
    ADD COLUMN buy_box_shipping_time int;

DO $$
DECLARE
    described record;
BEGIN
    FOR described IN SELECT * FROM (VALUES
        ('historical_variations', 'ASINs of variations that were there once or are out of stock.'),
        ('bundle_items', 'ASINs in a bundle that Amazon puts together.'),
        ('a_plus', 'The maker''s pages: [{fromManufacturer, module: [{text, image, imageAltText, video, asin}]}].'),
        ('active_ingredients', 'Active ingredients.'),
        ('audience_rating', 'For which age a film or a game is rated.'),
        ('batteries_included', 'Whether batteries come with it.'),
        ('batteries_required', 'Whether it needs batteries.'),
        ('brand_store_name', 'Name of the brand''s store.'),
        ('brand_store_url', 'Path of that store in the shop.'),
        ('brand_store_url_name', 'Name of the store in that path.'),
        ('hazardous_materials', 'Hazardous materials: [{aspect, value}].'),
        ('ingredients', 'Ingredients.'),
        ('item_form', 'Form, such as liquid.'),
        ('material', 'Material; materials is the newer field.'),
        ('materials', 'Materials.'),
        ('pattern', 'Pattern.'),
        ('product_benefit', 'What it is good for.'),
        ('recommended_uses_for_product', 'Recommended uses, separated by commas.'),
        ('safety_warning', 'Safety warning.'),
        ('scent', 'Scent.'),
        ('short_description', 'Short description.'),
        ('special_features', 'Special features.'),
        ('special_ingredients', 'Special ingredients.'),
        ('specific_uses_for_product', 'Specific uses.'),
        ('style', 'Style.'),
        ('target_audience_keyword', 'For whom it is.'),
        ('unit_count', 'How much is in it: {unitValue, unitType, eachUnitCount}.'),
        ('videos', 'Videos: [{title, image, duration in seconds, creator, name, url}].'),
        ('is_haul', 'Whether it is in Amazon Haul.'),
        ('is_merch_on_demand', 'Whether it is printed on demand.'),
        ('last_business_discount_update', 'Keepa minute of the last look at business_discount.'),
        ('fba_pick_and_pack_fee_tax', 'Tax on fba_pick_and_pack_fee.'),
        ('fba_storage_fee', 'Amazon''s fee for storage.'),
        ('fba_storage_fee_tax', 'Tax on that fee.'),
        ('reviews_last_update', 'Keepa minute of the last look at the variation''s own ratings and reviews.'),
        ('suggested_lower_price', 'Price that Amazon suggests where nobody has the buy box.'),
        ('business_discount', 'Highest discount for business customers, in percent.'),
        ('return_rate', '1 few are sent back, 2 many; NULL average or not known.'),
        ('prime_deal_end_time', 'Keepa minute at which a deal for members of Prime ends; described nowhere.'),
        ('availability_amazon_delay', 'Least and most hours until Amazon sends it.'),
        ('stock_per_condition_3rd_fba', 'Pieces in stock of sellers for whom Amazon ships; condition n (as in offers) at place n + 1. Kept with stats.'),
        ('stock_per_condition_fbm', 'Likewise of sellers that ship themselves. Kept with stats.'),
        ('stock_amazon', 'Pieces that Amazon has, 10 at most; -2 not known. Kept with stats.'),
        ('stock_buy_box', 'Pieces that the holder of the buy box has, likewise. Kept with stats.'),
        ('buy_box_saving_basis', 'The price that is struck out in the buy box. Kept with stats.'),
        ('buy_box_saving_basis_type', 'Which price that is: LIST_PRICE or WAS_PRICE. Kept with stats.'),
        ('buy_box_saving_percentage', 'Discount that the buy box names, in percent. Kept with stats.'),
        ('buy_box_shipping_time', 'As received, described nowhere. Kept with stats.')
    ) AS words (name, meaning)
    LOOP
        EXECUTE format('COMMENT ON COLUMN products.%I IS %L', described.name, described.meaning);
    END LOOP;
END $$;

ALTER TABLE offers ADD COLUMN coupon int, ADD COLUMN offer_duplicates json;
COMMENT ON COLUMN offers.coupon IS 'Coupon: positive an amount, negative percent.';
COMMENT ON COLUMN offers.offer_duplicates IS
    'Dearer offers of the same seller, condition and kind of shipping: [{price, shipping, conditionComment}].';

ALTER TABLE deal_rows ADD COLUMN min_rating int;
CREATE OR REPLACE VIEW deals AS
SELECT
    d.domain, d.asin, d.title, d.parent_asin, d.image, d.root_cat, d.categories, d.current, d.current_since,
    d.creation_date, d.last_update, d.delta, d.delta_percent, d.delta_last, d.avg, d.back_in_stock,
    d.sales_rank_drops30, d.sales_rank_drops90, d.sales_rank_drops180, d.sales_rank_drops365, d.lightning_start,
    d.lightning_end, d.warehouse_condition, d.warehouse_condition_comment, d.date_interval_index, d.extra,
    d.first_seen_at, s.last_seen_at, d.min_rating
FROM deal_rows AS d LEFT JOIN deal_sightings AS s USING (domain, asin);
COMMENT ON COLUMN deal_rows.min_rating IS 'As received: the official structure of a deal has the filter''s least rating (0 to 50); -1 none.';
COMMENT ON COLUMN deals.min_rating IS 'As received: the official structure of a deal has the filter''s least rating (0 to 50); -1 none.';

INSERT INTO price_types (id, name, is_money, has_shipping) VALUES
    (1000, 'COUNT_VARIATION_RATINGS', false, false),
    (1001, 'COUNT_VARIATION_REVIEWS', false, false);
COMMENT ON COLUMN price_types.id IS
    'Keepa''s number of the price type, from 0; from 1000 on it is ours, of histories that Keepa gives no number.';
ANALYZE price_types;
