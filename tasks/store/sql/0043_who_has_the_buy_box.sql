-- Who has the buy box, at what price, and how many offers there are: figures that the details buybox and offers bring, and
-- that were only somewhere in `stats`, where a later reading without them took their place. The columns are added empty, which rewrites nothing, and fill as products are fetched.

ALTER TABLE products
    ADD COLUMN buy_box_price int,
    ADD COLUMN buy_box_shipping int,
    ADD COLUMN buy_box_seller_id text,
    ADD COLUMN buy_box_is_amazon boolean,
    ADD COLUMN buy_box_is_fba boolean,
    ADD COLUMN last_buy_box_update int,
    ADD COLUMN buy_box_update int,
    ADD COLUMN stats_known int,
    ADD COLUMN total_offer_count int,
    ADD COLUMN offer_count_fba int,
    ADD COLUMN offer_count_fbm int;

COMMENT ON COLUMN products.buy_box_price IS
    'Price of the buy box without shipping, as the last reply with buybox or offers has it; -1 nobody has it. NULL: none had.';
COMMENT ON COLUMN products.buy_box_shipping IS 'Shipping costs of the buy box, likewise.';
COMMENT ON COLUMN products.buy_box_seller_id IS 'Amazon''s number of the seller who has the buy box; NULL when nobody has it or it is not known.';
COMMENT ON COLUMN products.buy_box_is_amazon IS 'Whether Amazon has the buy box; NULL when it is not known.';
COMMENT ON COLUMN products.buy_box_is_fba IS 'Whether Amazon ships the offer in the buy box; NULL when it is not known.';
COMMENT ON COLUMN products.last_buy_box_update IS 'Keepa minute of the last look at the buy box.';
COMMENT ON COLUMN products.buy_box_update IS 'As last_update, of the reading that the columns of the buy box are of.';
COMMENT ON COLUMN products.stats_known IS
    'How many figures stats has: of two readings of the same last_update the one with more of them stays.';
COMMENT ON COLUMN products.total_offer_count IS 'Offers of any condition, as the shop counts them. Kept with stats.';
COMMENT ON COLUMN products.offer_count_fba IS 'New offers that Amazon ships; -2 when offers were not asked for. Kept with stats.';
COMMENT ON COLUMN products.offer_count_fbm IS 'New offers that the sellers ship themselves, likewise.';
