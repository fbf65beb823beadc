-- What Keepa's numbers mean: its clock, its locales, its price types.

CREATE FUNCTION keepa_time(minute int) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT to_timestamp((minute::bigint + 21564000) * 60) $$;
COMMENT ON FUNCTION keepa_time(int) IS 'The moment a Keepa minute begins; minute 0 is 2011-01-01 00:00 UTC.';

CREATE TABLE domains (
    id           smallint PRIMARY KEY,
    host         text NOT NULL,
    currency     text NOT NULL,
    minor_digits smallint NOT NULL
);
COMMENT ON TABLE domains IS 'Amazon''s locales, as Keepa numbers them.';
COMMENT ON COLUMN domains.id IS 'Keepa''s number of the locale (domainId).';
COMMENT ON COLUMN domains.host IS 'The shop''s domain name.';
COMMENT ON COLUMN domains.currency IS 'ISO 4217 code of the prices.';
COMMENT ON COLUMN domains.minor_digits IS 'Digits after the point: a stored price divided by ten to this power is money.';

INSERT INTO domains (id, host, currency, minor_digits) VALUES
    (1, 'amazon.com', 'USD', 2),
    (2, 'amazon.co.uk', 'GBP', 2),
    (3, 'amazon.de', 'EUR', 2),
    (4, 'amazon.fr', 'EUR', 2),
    (5, 'amazon.co.jp', 'JPY', 0),
    (6, 'amazon.ca', 'CAD', 2),
    (8, 'amazon.it', 'EUR', 2),
    (9, 'amazon.es', 'EUR', 2),
    (10, 'amazon.in', 'INR', 2),
    (11, 'amazon.com.mx', 'MXN', 2),
    (12, 'amazon.com.br', 'BRL', 2);

CREATE FUNCTION keepa_money(amount int, domain smallint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN amount < 0 THEN NULL WHEN domain = 5 THEN amount::numeric ELSE round(amount / 100.0, 2) END $$;
COMMENT ON FUNCTION keepa_money(int, smallint) IS
    'A stored price as money of the locale: cents divided by 100, yen as they are; NULL when there is none (below 0).';

CREATE TABLE price_types (
    id           smallint PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    is_money     boolean NOT NULL,
    has_shipping boolean NOT NULL
);
COMMENT ON TABLE price_types IS 'What the places in a list by price type mean. Place n of a PostgreSQL array is price type n - 1.';
COMMENT ON COLUMN price_types.id IS 'Keepa''s number of the price type, from 0.';
COMMENT ON COLUMN price_types.name IS 'Keepa''s name of it.';
COMMENT ON COLUMN price_types.is_money IS 'Whether values are prices; otherwise they are ranks, counts or ratings (0 to 50).';
COMMENT ON COLUMN price_types.has_shipping IS 'Whether its history carries shipping costs beside the price.';

INSERT INTO price_types (id, name, is_money, has_shipping) VALUES
    (0, 'AMAZON', true, false),
    (1, 'NEW', true, false),
    (2, 'USED', true, false),
    (3, 'SALES', false, false),
    (4, 'LISTPRICE', true, false),
    (5, 'COLLECTIBLE', true, false),
    (6, 'REFURBISHED', true, false),
    (7, 'NEW_FBM_SHIPPING', true, true),
    (8, 'LIGHTNING_DEAL', true, false),
    (9, 'WAREHOUSE', true, false),
    (10, 'NEW_FBA', true, false),
    (11, 'COUNT_NEW', false, false),
    (12, 'COUNT_USED', false, false),
    (13, 'COUNT_REFURBISHED', false, false),
    (14, 'COUNT_COLLECTIBLE', false, false),
    (15, 'EXTRA_INFO_UPDATES', false, false),
    (16, 'RATING', false, false),
    (17, 'COUNT_REVIEWS', false, false),
    (18, 'BUY_BOX_SHIPPING', true, true),
    (19, 'USED_NEW_SHIPPING', true, true),
    (20, 'USED_VERY_GOOD_SHIPPING', true, true),
    (21, 'USED_GOOD_SHIPPING', true, true),
    (22, 'USED_ACCEPTABLE_SHIPPING', true, true),
    (23, 'COLLECTIBLE_NEW_SHIPPING', true, true),
    (24, 'COLLECTIBLE_VERY_GOOD_SHIPPING', true, true),
    (25, 'COLLECTIBLE_GOOD_SHIPPING', true, true),
    (26, 'COLLECTIBLE_ACCEPTABLE_SHIPPING', true, true),
    (27, 'REFURBISHED_SHIPPING', true, true),
    (28, 'EBAY_NEW_SHIPPING', true, true),
    (29, 'EBAY_USED_SHIPPING', true, true),
    (30, 'TRADE_IN', true, false),
    (31, 'RENT', true, false),
    (32, 'BUY_BOX_USED_SHIPPING', true, true),
    (33, 'PRIME_EXCL', true, false),
    (34, 'COUNT_NEW_FBA', false, false),
    (35, 'COUNT_NEW_FBM', false, false);
