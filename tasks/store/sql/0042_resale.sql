-- What is left of a deal that is sold again: the fees, the least price that loses nothing, the profit. The formula stands
-- in the two functions below and nowhere else; amounts are in the smallest unit of the currency, as in the tables.

CREATE FUNCTION keepa_amount(units bigint, domain smallint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN domain = 5 THEN units::numeric ELSE units * 0.01 END $$;
COMMENT ON FUNCTION keepa_amount(bigint, smallint) IS
    'An amount as money of the locale, as keepa_money makes it of a price; an amount may be below 0.';

CREATE FUNCTION keepa_units(money numeric, domain smallint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT round(CASE WHEN domain = 5 THEN money ELSE money * 100 END)::bigint $$;
COMMENT ON FUNCTION keepa_units(numeric, smallint) IS 'Money of the locale in its smallest unit: the way back from keepa_amount.';

-- Amazon takes the greater of a percentage of the price and a least amount, a fee for each item that it stores and sends,
-- and one for media. Source: Amazon's fee schedule (Seller Central, "Referral fees"). The least amount is that of most
-- categories in the United States, 0.30 dollars; Keepa does not tell it, and none is reckoned with elsewhere.
CREATE FUNCTION resale(
    cost bigint, sell bigint, referral_percent double precision, fba_fee bigint, closing_fee bigint, domain smallint
) RETURNS TABLE (referral_fee bigint, fees bigint, profit bigint, roi_percent numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT r.fee, r.fee + f.fixed, sell - r.fee - f.fixed - cost, round(100.0 * (sell - r.fee - f.fixed - cost) / nullif(cost, 0), 1)
FROM (
    SELECT CASE WHEN sell > 0 AND referral_percent BETWEEN 0 AND 50 THEN
        greatest(round(sell * referral_percent::numeric / 100)::bigint, CASE domain WHEN 1 THEN 30 ELSE 0 END)
    END AS fee
) AS r CROSS JOIN (
    SELECT CASE WHEN fba_fee >= 0 THEN fba_fee + greatest(coalesce(closing_fee, 0), 0) END AS fixed
) AS f
$$;
COMMENT ON FUNCTION resale(bigint, bigint, double precision, bigint, bigint, smallint) IS
    'What selling one item brings, for what it has cost, the price it is sold at with shipping, Amazon''s referral fee in'
    ' percent, its fee for picking and packing and its closing fee (NULL: none): the referral fee, all fees, the profit and'
    ' that in percent of the cost. NULL where something of it is not known, or is no such percentage (0 to 50).';

CREATE FUNCTION break_even(
    cost bigint, referral_percent double precision, fba_fee bigint, closing_fee bigint, domain smallint
) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
-- One below and one above what it is without rounding: the profit never falls when the price rises.
SELECT min(s.sell)
FROM (
    SELECT greatest(
        ceil((cost + fba_fee + greatest(coalesce(closing_fee, 0), 0)) / (1 - referral_percent::numeric / 100))::bigint,
        cost + fba_fee + greatest(coalesce(closing_fee, 0), 0) + CASE domain WHEN 1 THEN 30 ELSE 0 END
    ) AS near
    WHERE cost >= 0 AND fba_fee >= 0 AND referral_percent BETWEEN 0 AND 50
) AS n
CROSS JOIN LATERAL generate_series(greatest(n.near - 2, 1), n.near + 2) AS s (sell)
CROSS JOIN LATERAL resale(cost, s.sell, referral_percent, fba_fee, closing_fee, domain) AS m
WHERE m.profit >= 0
$$;
COMMENT ON FUNCTION break_even(bigint, double precision, bigint, bigint, smallint) IS
    'The least price at which `resale` leaves no loss; NULL where something is not known.';

CREATE VIEW deal_resale AS
SELECT
    d.domain,
    d.shop,
    d.asin,
    d.title,
    p.brand,
    d.category,
    d.price_type,
    d.currency,
    d.price,
    keepa_amount(b.buy_box, d.domain) AS buy_box,
    keepa_amount(m.referral_fee, d.domain) AS referral_fee,
    keepa_money(p.fba_pick_and_pack_fee, d.domain) AS fba_fee,
    keepa_money(greatest(coalesce(p.variable_closing_fee, 0), 0), d.domain) AS closing_fee,
    keepa_amount(m.fees, d.domain) AS fees,
    keepa_amount(
        break_even(c.cost, p.referral_fee_percentage, p.fba_pick_and_pack_fee, p.variable_closing_fee, d.domain), d.domain
    ) AS break_even,
    keepa_amount(m.profit, d.domain) AS profit,
    m.roi_percent,
    nullif(greatest(p.package_weight, 0), 0) AS package_weight,
    keepa_money(r.current[1], d.domain) AS amazon_price,
    CASE WHEN r.current[35] >= 0 THEN r.current[35] END AS fba_sellers,
    r.sales_rank_drops30 AS rank_drops_30,
    d.sales_rank,
    d.last_seen_at,
    d.last_seen_on,
    'https://www.' || d.shop || '/dp/' || d.asin AS url
FROM current_deals AS d
JOIN deal_rows AS r ON r.domain = d.domain AND r.asin = d.asin
LEFT JOIN products AS p ON p.domain = d.domain AND p.asin = d.asin
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN r.current[19] > 0 THEN r.current[19]::bigint
        WHEN (p.stats -> 'current' ->> 18)::numeric BETWEEN 1 AND 2147483647 THEN (p.stats -> 'current' ->> 18)::bigint
    END AS buy_box
) AS b
CROSS JOIN LATERAL (SELECT keepa_units(d.price, d.domain) AS cost) AS c
CROSS JOIN LATERAL resale(
    c.cost, b.buy_box, p.referral_fee_percentage, p.fba_pick_and_pack_fee, p.variable_closing_fee, d.domain
) AS m;

COMMENT ON VIEW deal_resale IS
    'What is left of each current deal, bought at its price and sold at the price of the buy box: fees, profit, return. A row'
    ' for each deal and price type that has an offer, as in current_deals.';
COMMENT ON COLUMN deal_resale.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN deal_resale.shop IS 'The shop''s domain name, such as amazon.de.';
COMMENT ON COLUMN deal_resale.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN deal_resale.title IS 'Title.';
COMMENT ON COLUMN deal_resale.brand IS 'Brand; NULL until the product was fetched.';
COMMENT ON COLUMN deal_resale.category IS 'Name of the root category.';
COMMENT ON COLUMN deal_resale.price_type IS 'Keepa''s name of the price type that the product is bought at.';
COMMENT ON COLUMN deal_resale.currency IS 'ISO 4217 code of all amounts.';
COMMENT ON COLUMN deal_resale.price IS 'What the product costs.';
COMMENT ON COLUMN deal_resale.buy_box IS
    'Price of the buy box with shipping, as the deal says it, or else the product; NULL when nobody has it or it is not known.';
COMMENT ON COLUMN deal_resale.referral_fee IS 'Amazon''s part of that price.';
COMMENT ON COLUMN deal_resale.fba_fee IS 'Amazon''s fee for picking and packing.';
COMMENT ON COLUMN deal_resale.closing_fee IS 'Amazon''s fee for media.';
COMMENT ON COLUMN deal_resale.fees IS 'All three.';
COMMENT ON COLUMN deal_resale.break_even IS 'The least price to sell at without a loss.';
COMMENT ON COLUMN deal_resale.profit IS 'buy_box less fees and price; below 0: a loss.';
COMMENT ON COLUMN deal_resale.roi_percent IS 'Profit in percent of the price.';
COMMENT ON COLUMN deal_resale.package_weight IS 'Weight of the package in grams; NULL when it is not known.';
COMMENT ON COLUMN deal_resale.amazon_price IS 'Price of Amazon''s own offer; NULL when it has none.';
COMMENT ON COLUMN deal_resale.fba_sellers IS 'Sellers of new ones for whom Amazon ships; NULL when it is not known.';
COMMENT ON COLUMN deal_resale.rank_drops_30 IS 'How often the sales rank fell in 30 days: about how many were sold.';
COMMENT ON COLUMN deal_resale.sales_rank IS 'Sales rank.';
COMMENT ON COLUMN deal_resale.last_seen_at IS 'When the deal was last listed.';
COMMENT ON COLUMN deal_resale.last_seen_on IS 'Day of that in UTC; there is an index on it.';
COMMENT ON COLUMN deal_resale.url IS 'The product''s page in the shop.';
