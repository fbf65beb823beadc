-- Offers in a table of their own: one row each, replaced as a whole with every reading of a product's offers.

CREATE TABLE offers (
    domain            smallint NOT NULL,
    asin              text NOT NULL,
    place             int NOT NULL,
    live_place        int,
    offer_id          int,
    seller_id         text,
    condition         int,
    condition_comment text,
    last_seen         int,
    last_stock_update int,
    min_order_qty     int,
    is_amazon         boolean,
    is_fba            boolean,
    is_prime          boolean,
    is_prime_excl     boolean,
    is_map            boolean,
    is_shippable      boolean,
    is_preorder       boolean,
    is_warehouse_deal boolean,
    is_scam           boolean,
    is_addon_item     boolean,
    ships_from_china  boolean,
    minutes           int[] NOT NULL,
    prices            int[] NOT NULL,
    shipping          int[] NOT NULL,
    stock_csv         int[],
    prime_excl_csv    int[],
    coupon_history    int[],
    extra             json,
    PRIMARY KEY (domain, asin, place),
    CHECK (cardinality(prices) = cardinality(minutes)),
    CHECK (cardinality(shipping) = cardinality(minutes))
);
CREATE INDEX offers_live_by_seller ON offers (domain, seller_id) WHERE live_place IS NOT NULL;

COMMENT ON TABLE offers IS
    'Sellers'' offers, old ones included, as of the last reply with offers that collected them (products.offers_fetched_at).';
COMMENT ON COLUMN offers.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN offers.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN offers.place IS 'Place in the list as received, from 0.';
COMMENT ON COLUMN offers.live_place IS 'Place among the offers that stand now, from 0, in the shop''s order; NULL when the offer is gone.';
COMMENT ON COLUMN offers.offer_id IS 'Keepa''s number of the offer within the product.';
COMMENT ON COLUMN offers.seller_id IS 'Amazon''s number of the seller.';
COMMENT ON COLUMN offers.condition IS '0 unknown, 1 new, 2 to 5 used like new to acceptable, 6 refurbished, 7 to 10 collectible likewise.';
COMMENT ON COLUMN offers.condition_comment IS 'The seller''s words on the condition.';
COMMENT ON COLUMN offers.last_seen IS 'Keepa minute at which it was last seen.';
COMMENT ON COLUMN offers.last_stock_update IS 'Keepa minute of the last look at its stock; 0 for never.';
COMMENT ON COLUMN offers.min_order_qty IS 'Least number of pieces in an order.';
COMMENT ON COLUMN offers.is_amazon IS 'Whether Amazon sells it.';
COMMENT ON COLUMN offers.is_fba IS 'Whether Amazon ships it.';
COMMENT ON COLUMN offers.is_prime IS 'Whether it comes with Prime.';
COMMENT ON COLUMN offers.is_prime_excl IS 'Whether it is for members of Prime only.';
COMMENT ON COLUMN offers.is_map IS 'Whether the price is hidden (minimum advertised price).';
COMMENT ON COLUMN offers.is_shippable IS 'Whether it can be shipped now.';
COMMENT ON COLUMN offers.is_preorder IS 'Whether it is ordered ahead.';
COMMENT ON COLUMN offers.is_warehouse_deal IS 'Whether Amazon''s warehouse sells it.';
COMMENT ON COLUMN offers.is_scam IS 'Whether the seller is likely to be a fraud.';
COMMENT ON COLUMN offers.is_addon_item IS 'Whether it can be bought along with others only.';
COMMENT ON COLUMN offers.ships_from_china IS 'Whether it is shipped from China.';
COMMENT ON COLUMN offers.minutes IS 'Keepa minutes at which the price changed, rising.';
COMMENT ON COLUMN offers.prices IS 'Price from then on, without shipping; -1 none, -2 not known.';
COMMENT ON COLUMN offers.shipping IS 'Shipping costs from then on; -1 none, -2 not known.';
COMMENT ON COLUMN offers.stock_csv IS 'Minute and pieces in turn; NULL when the stock was not asked for.';
COMMENT ON COLUMN offers.prime_excl_csv IS 'Minute and price for members of Prime in turn.';
COMMENT ON COLUMN offers.coupon_history IS 'Minute and coupon in turn: positive an amount, negative percent.';
COMMENT ON COLUMN offers.extra IS 'Fields this build does not know, as received; NULL when there are none.';

INSERT INTO offers
SELECT
    p.domain, p.asin, o.place - 1, array_position(p.live_offers_order, (o.place - 1)::int) - 1,
    r."offerId", r."sellerId", r.condition, r."conditionComment", r."lastSeen", r."lastStockUpdate", r."minOrderQty",
    r."isAmazon", r."isFBA", r."isPrime", r."isPrimeExcl", r."isMAP", r."isShippable", r."isPreorder",
    r."isWarehouseDeal", r."isScam", r."isAddonItem", r."shipsFromChina",
    h.minutes, h.prices, h.shipping, r."stockCSV", r."primeExclCSV", r."couponHistory", nullif(x.extra, '{}')::json
FROM products AS p
CROSS JOIN LATERAL json_array_elements(p.offers) WITH ORDINALITY AS o (sent, place)
CROSS JOIN LATERAL json_to_record(o.sent) AS r (
    "offerId" int, "sellerId" text, condition int, "conditionComment" text, "lastSeen" int, "lastStockUpdate" int,
    "minOrderQty" int, "isAmazon" boolean, "isFBA" boolean, "isPrime" boolean, "isPrimeExcl" boolean, "isMAP" boolean,
    "isShippable" boolean, "isPreorder" boolean, "isWarehouseDeal" boolean, "isScam" boolean, "isAddonItem" boolean,
    "shipsFromChina" boolean, "offerCSV" int[], "stockCSV" int[], "primeExclCSV" int[], "couponHistory" int[]
)
CROSS JOIN LATERAL (
    SELECT
        coalesce(array_agg(v ORDER BY n) FILTER (WHERE n % 3 = 1), '{}') AS minutes,
        coalesce(array_agg(v ORDER BY n) FILTER (WHERE n % 3 = 2), '{}') AS prices,
        coalesce(array_agg(v ORDER BY n) FILTER (WHERE n % 3 = 0), '{}') AS shipping
    FROM unnest(r."offerCSV") WITH ORDINALITY AS c (v, n)
) AS h
CROSS JOIN LATERAL (
    SELECT o.sent::jsonb - ARRAY[
        'offerId', 'sellerId', 'condition', 'conditionComment', 'lastSeen', 'lastStockUpdate', 'minOrderQty',
        'isAmazon', 'isFBA', 'isPrime', 'isPrimeExcl', 'isMAP', 'isShippable', 'isPreorder', 'isWarehouseDeal',
        'isScam', 'isAddonItem', 'shipsFromChina', 'offerCSV', 'stockCSV', 'primeExclCSV', 'couponHistory'
    ] AS extra
) AS x;
ALTER TABLE products DROP COLUMN offers;
COMMENT ON COLUMN products.live_offers_order IS 'Which of the offers stand now: their places from 0. Kept from the last reply with offers.';
COMMENT ON COLUMN products.offers_successful IS 'Whether the offers were collected; a reply that failed at it does not replace one that did not.';

CREATE VIEW live_offers AS
SELECT
    o.domain,
    o.asin,
    o.live_place AS place,
    o.seller_id,
    CASE
        WHEN o.condition = 1 THEN 'new'
        WHEN o.condition BETWEEN 2 AND 5 THEN (ARRAY['used, like new', 'used, very good', 'used, good', 'used, acceptable'])[o.condition - 1]
        WHEN o.condition = 6 THEN 'refurbished'
        WHEN o.condition BETWEEN 7 AND 10 THEN 'collectible'
    END AS condition,
    m.currency,
    keepa_money(o.prices[cardinality(o.prices)], o.domain) AS price,
    keepa_money(o.shipping[cardinality(o.shipping)], o.domain) AS shipping,
    o.is_amazon,
    o.is_fba,
    o.is_prime,
    keepa_time(o.minutes[cardinality(o.minutes)]) AS price_since,
    keepa_time(o.last_seen) AS last_seen_at
FROM offers AS o
LEFT JOIN domains AS m ON m.id = o.domain
WHERE o.live_place IS NOT NULL;

COMMENT ON VIEW live_offers IS 'Offers that stood at the last reply with offers, money as numbers of the currency.';
COMMENT ON COLUMN live_offers.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN live_offers.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN live_offers.place IS 'Place among them, from 0, in the shop''s order.';
COMMENT ON COLUMN live_offers.seller_id IS 'Amazon''s number of the seller.';
COMMENT ON COLUMN live_offers.condition IS 'Condition in words; NULL when it is not known.';
COMMENT ON COLUMN live_offers.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN live_offers.price IS 'Price without shipping; NULL when it is not known.';
COMMENT ON COLUMN live_offers.shipping IS 'Shipping costs; NULL when they are not known.';
COMMENT ON COLUMN live_offers.is_amazon IS 'Whether Amazon sells it.';
COMMENT ON COLUMN live_offers.is_fba IS 'Whether Amazon ships it.';
COMMENT ON COLUMN live_offers.is_prime IS 'Whether it comes with Prime.';
COMMENT ON COLUMN live_offers.price_since IS 'Since when the price holds.';
COMMENT ON COLUMN live_offers.last_seen_at IS 'When the offer was last seen.';
