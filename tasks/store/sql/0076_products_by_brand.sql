-- The products of a brand, for the deals that are of it: told by the index alone, for a row of a product is long. A brand
-- hardly ever changes, so a product that is written anew needs no new entry.
--
-- A row of an index holds 2,704 bytes and this one has the brand twice, while a brand may be of any length. So those that
-- are longer than any name of a brand are left to an index of their own, which has nothing of the brand.

CREATE INDEX products_brand ON products (lower(brand)) INCLUDE (domain, asin, brand) WHERE octet_length(brand) <= 600;
CREATE INDEX products_long_brand ON products (domain, asin) WHERE octet_length(brand) > 600;
