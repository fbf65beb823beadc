-- The products of a brand, for the deals that are of it: told by the index alone, for a row of a product is long. A brand
-- hardly ever changes, so a product that is written anew needs no new entry.

CREATE INDEX products_brand ON products (lower(brand)) INCLUDE (domain, asin, brand) WHERE brand IS NOT NULL;
