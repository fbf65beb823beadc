-- Products and their histories. Parts that only come when asked for (history, figures, offers) stay as they are when a
-- reply comes without them. Each has the age of its own reading, so that an old reply that arrives late still gives what
-- is missing and never replaces what is newer.

CREATE TABLE products (
    domain                               smallint NOT NULL,
    asin                                 text NOT NULL,
    is_found                             boolean NOT NULL,
    product_type                         int,
    title                                text,
    parent_asin                          text,
    root_category                        bigint,
    categories                           bigint[],
    category_tree                        json,
    images                               json,
    images_csv                           text,
    ean_list                             text[],
    upc_list                             text[],
    gtin_list                            text[],
    variations                           json,
    variation_csv                        text,
    author                               text,
    binding                              text,
    brand                                text,
    color                                text,
    contributors                         json,
    description                          text,
    edition                              text,
    features                             text[],
    format                               text,
    formats                              json,
    frequently_bought_together           text[],
    included_components                  text,
    item_type_keyword                    text,
    languages                            json,
    manufacturer                         text,
    model                                text,
    part_number                          text,
    product_group                        text,
    sales_rank_display_group             text,
    size                                 text,
    type                                 text,
    url_slug                             text,
    website_display_group                text,
    website_display_group_name           text,
    number_of_items                      int,
    number_of_pages                      int,
    publication_date                     int,
    release_date                         int,
    item_height                          int,
    item_length                          int,
    item_width                           int,
    item_weight                          int,
    package_height                       int,
    package_length                       int,
    package_width                        int,
    package_weight                       int,
    package_quantity                     int,
    has_reviews                          boolean,
    is_adult_product                     boolean,
    is_b2b                               boolean,
    is_eligible_for_super_saver_shipping boolean,
    is_eligible_for_trade_in             boolean,
    is_heat_sensitive                    boolean,
    is_redirect_asin                     boolean,
    is_sns                               boolean,
    launchpad                            boolean,
    last_update                          int,
    last_price_change                    int,
    last_rating_update                   int,
    last_ebay_update                     int,
    last_sold_update                     int,
    last_stock_update                    int,
    tracking_since                       int,
    listed_since                         int,
    monthly_sold                         int,
    sales_rank_reference                 bigint,
    ebay_listing_ids                     bigint[],
    g                                    int,
    buy_box_eligible_offer_counts        int[],
    fba_pick_and_pack_fee                int,
    fba_fees_last_update                 int,
    referral_fee_percent                 int,
    referral_fee_percentage              double precision,
    variable_closing_fee                 int,
    coupon                               int[],
    competitive_price_threshold          int,
    new_price_is_map                     boolean,
    deals                                json,
    promotions                           json,
    availability_amazon                  int,
    extra                                json,
    parent_asin_history                  text[],
    monthly_sold_history                 int[],
    sales_ranks                          json,
    sales_rank_reference_history         bigint[],
    buy_box_seller_id_history            text[],
    buy_box_used_history                 text[],
    coupon_history                       int[],
    stats                                json,
    offers                               json,
    live_offers_order                    int[],
    offers_successful                    boolean,
    first_fetched_at                     timestamptz NOT NULL,
    fetched_at                           timestamptz NOT NULL,
    history_update                       int,
    history_fetched_at                   timestamptz,
    stats_update                         int,
    stats_fetched_at                     timestamptz,
    offers_update                        int,
    offers_fetched_at                    timestamptz,
    PRIMARY KEY (domain, asin)
);
CREATE INDEX products_without_history ON products (domain, asin) WHERE history_fetched_at IS NULL;

COMMENT ON TABLE products IS
    'Products as last fetched, one row per locale and ASIN. Times are Keepa minutes (keepa_time), money is in the smallest unit (keepa_money),'
    ' lengths in millimetres, weights in grams; -1 or 0 mostly mean that it is not known.';

DO $$
DECLARE
    described record;
BEGIN
    FOR described IN SELECT * FROM (VALUES
        ('domain', 'Amazon locale (domains.id).'),
        ('asin', 'Amazon''s number of the product.'),
        ('is_found', 'Whether the server knew the product; if not, the other columns are of an earlier reply or empty.'),
        ('product_type', '0 standard, 1 download, 2 e-book, 3 no access, 4 invalid, 5 variation parent.'),
        ('title', 'Title.'),
        ('parent_asin', 'The product this one is a variation of, if any.'),
        ('root_category', 'Root category.'),
        ('categories', 'Categories that hold the product directly.'),
        ('category_tree', 'The way from the root category to its own: [{catId, name}].'),
        ('images', 'Pictures: [{l, lH, lW, m, mH, mW}].'),
        ('images_csv', 'File names of the pictures, separated by commas.'),
        ('ean_list', 'European article numbers.'),
        ('upc_list', 'Universal product codes.'),
        ('gtin_list', 'Global trade item numbers.'),
        ('variations', 'Variations of a parent, as received.'),
        ('variation_csv', 'ASINs of the variations, separated by commas.'),
        ('author', 'Author.'),
        ('binding', 'Binding.'),
        ('brand', 'Brand.'),
        ('color', 'Colour.'),
        ('contributors', 'People and what they did: [[name, role]].'),
        ('description', 'Description.'),
        ('edition', 'Edition.'),
        ('features', 'Bullet points.'),
        ('format', 'Format.'),
        ('formats', 'Other formats: [{asin, format}].'),
        ('frequently_bought_together', 'ASINs bought with it.'),
        ('included_components', 'What is in the box.'),
        ('item_type_keyword', 'Amazon''s keyword of its kind.'),
        ('languages', 'Languages: [[language, use]].'),
        ('manufacturer', 'Manufacturer.'),
        ('model', 'Model.'),
        ('part_number', 'Part number.'),
        ('product_group', 'Amazon''s product group.'),
        ('sales_rank_display_group', 'Group in which the sales rank counts.'),
        ('size', 'Size.'),
        ('type', 'Amazon''s product type.'),
        ('url_slug', 'Readable part of the shop''s address.'),
        ('website_display_group', 'Group on the website.'),
        ('website_display_group_name', 'Name of that group.'),
        ('number_of_items', 'Items in the pack.'),
        ('number_of_pages', 'Pages.'),
        ('publication_date', 'Year, year and month, or date as digits.'),
        ('release_date', 'Likewise.'),
        ('item_height', 'Height in millimetres.'),
        ('item_length', 'Length in millimetres.'),
        ('item_width', 'Width in millimetres.'),
        ('item_weight', 'Weight in grams.'),
        ('package_height', 'Height of the package in millimetres.'),
        ('package_length', 'Length of the package in millimetres.'),
        ('package_width', 'Width of the package in millimetres.'),
        ('package_weight', 'Weight of the package in grams.'),
        ('package_quantity', 'Pieces in the package.'),
        ('has_reviews', 'Whether it has reviews.'),
        ('is_adult_product', 'Whether it is for adults.'),
        ('is_b2b', 'Whether it is for business customers.'),
        ('is_eligible_for_super_saver_shipping', 'Whether it is eligible for free shipping.'),
        ('is_eligible_for_trade_in', 'Whether Amazon takes it in trade.'),
        ('is_heat_sensitive', 'Whether it melts.'),
        ('is_redirect_asin', 'Whether its ASIN leads to another.'),
        ('is_sns', 'Whether there is a subscription.'),
        ('launchpad', 'Whether it is in the launchpad programme.'),
        ('last_update', 'Keepa minute of the last update: an older reading never replaces a newer one.'),
        ('last_price_change', 'Keepa minute of the last change of a price.'),
        ('last_rating_update', 'Keepa minute of the last look at the rating.'),
        ('last_ebay_update', 'Keepa minute of the last look at eBay; 0 or less for never.'),
        ('last_sold_update', 'Keepa minute of the last look at the units sold.'),
        ('last_stock_update', 'Keepa minute of the last look at the stock.'),
        ('tracking_since', 'Keepa minute at which its history begins.'),
        ('listed_since', 'Keepa minute of its listing; may be below 1 or in the future.'),
        ('monthly_sold', 'Units sold in the last month, as the shop shows it.'),
        ('sales_rank_reference', 'Category in which the main sales rank counts; -1 none.'),
        ('ebay_listing_ids', 'Listings on eBay: new, used.'),
        ('g', 'As received; its meaning is not documented.'),
        ('buy_box_eligible_offer_counts', 'Offers eligible for the buy box, by fulfilment and condition.'),
        ('fba_pick_and_pack_fee', 'Amazon''s fee for picking and packing.'),
        ('fba_fees_last_update', 'Keepa minute of that fee.'),
        ('referral_fee_percent', 'Amazon''s fee in whole percent.'),
        ('referral_fee_percentage', 'Amazon''s fee in percent.'),
        ('variable_closing_fee', 'Closing fee.'),
        ('coupon', 'Coupon: once, with a subscription; positive an amount, negative percent.'),
        ('competitive_price_threshold', 'Price above which the offer is not featured.'),
        ('new_price_is_map', 'Whether the new price is hidden (minimum advertised price).'),
        ('deals', 'Running deals, as received.'),
        ('promotions', 'Promotions, as received.'),
        ('availability_amazon', 'Amazon''s own offer: -1 none, 0 in stock, 1 to 4 later.'),
        ('extra', 'Fields this build does not know, as received; NULL when there are none.'),
        ('parent_asin_history', 'Minute and parent in turn. Kept from the last reply with history.'),
        ('monthly_sold_history', 'Minute and units in turn. Kept likewise.'),
        ('sales_ranks', 'By category, minute and rank in turn. Kept likewise.'),
        ('sales_rank_reference_history', 'Minute and category in turn. Kept likewise.'),
        ('buy_box_seller_id_history', 'Minute and seller in turn; -1 nobody, -2 not known. Kept likewise.'),
        ('buy_box_used_history', 'Groups of minute, seller, condition and fulfilment. Kept likewise.'),
        ('coupon_history', 'Groups of minute and two coupons. Kept likewise.'),
        ('stats', 'Figures the server derived, as received. Kept from the last reply with figures.'),
        ('offers', 'Offers, old ones included, as received. Kept from the last reply with offers.'),
        ('live_offers_order', 'Which of the offers stand now: their places from 0. Kept likewise.'),
        ('offers_successful', 'Whether the offers were collected. Kept likewise.'),
        ('first_fetched_at', 'When the product was first fetched.'),
        ('fetched_at', 'When the reading in this row was fetched; one that tells nothing new does not touch the row.'),
        ('history_update', 'What last_update was in the reply that gave the history; NULL when there is none yet.'),
        ('history_fetched_at', 'When the history in price_series was fetched; NULL when there is none yet.'),
        ('stats_update', 'What last_update was in the reply that gave the figures.'),
        ('stats_fetched_at', 'When the figures were fetched; NULL when there are none.'),
        ('offers_update', 'What last_update was in the reply that gave the offers.'),
        ('offers_fetched_at', 'When the offers were fetched; NULL when there are none.')
    ) AS words (name, meaning)
    LOOP
        EXECUTE format('COMMENT ON COLUMN products.%I IS %L', described.name, described.meaning);
    END LOOP;
END $$;

CREATE TABLE price_series (
    domain       smallint NOT NULL,
    price_type   smallint NOT NULL,
    first_minute int NOT NULL,
    last_minute  int NOT NULL,
    points       int NOT NULL,
    fingerprint  bigint NOT NULL,
    asin         text NOT NULL,
    minutes      int[] NOT NULL,
    prices       int[] NOT NULL,
    shipping     int[],
    PRIMARY KEY (domain, asin, price_type),
    CHECK (cardinality(prices) = cardinality(minutes)),
    CHECK (cardinality(shipping) = cardinality(minutes)),
    CHECK (points = cardinality(minutes))
);

COMMENT ON TABLE price_series IS
    'Histories, one row per product and price type; a value holds from its minute until the next. price_history has a row per point.';
COMMENT ON COLUMN price_series.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN price_series.price_type IS 'Price type (price_types.id).';
COMMENT ON COLUMN price_series.first_minute IS 'Keepa minute of the first point.';
COMMENT ON COLUMN price_series.last_minute IS 'Keepa minute of the last point.';
COMMENT ON COLUMN price_series.points IS 'Number of points.';
COMMENT ON COLUMN price_series.fingerprint IS 'Of the history in the last reply that changed this row: the same reply again does not rewrite it.';
COMMENT ON COLUMN price_series.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN price_series.minutes IS 'Keepa minutes at which the value changed, rising.';
COMMENT ON COLUMN price_series.prices IS 'Values from then on; -1 none. Without shipping, if there is any.';
COMMENT ON COLUMN price_series.shipping IS 'Shipping costs, for the price types that carry them; -1 none.';

CREATE VIEW price_history AS
SELECT
    s.domain,
    s.asin,
    s.price_type,
    t.name AS price_type_name,
    keepa_time(p.minute) AS at,
    CASE WHEN p.price <> -1 THEN p.price END AS price,
    CASE WHEN p.shipping <> -1 THEN p.shipping END AS shipping,
    p.price <> -1 AS is_available
FROM price_series AS s
CROSS JOIN LATERAL unnest(s.minutes, s.prices, s.shipping) AS p (minute, price, shipping)
LEFT JOIN price_types AS t ON t.id = s.price_type;

COMMENT ON VIEW price_history IS 'Histories, one row per point.';
COMMENT ON COLUMN price_history.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN price_history.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN price_history.price_type IS 'Price type (price_types.id).';
COMMENT ON COLUMN price_history.price_type_name IS 'Its name.';
COMMENT ON COLUMN price_history.at IS 'From when on the value holds.';
COMMENT ON COLUMN price_history.price IS
    'Price in the currency''s smallest unit, without shipping; the value itself for ranks, counts and ratings. NULL when there was none.';
COMMENT ON COLUMN price_history.shipping IS 'Shipping costs in the smallest unit; NULL when there are none or the price type has none.';
COMMENT ON COLUMN price_history.is_available IS 'Whether there was an offer, or a rank.';
