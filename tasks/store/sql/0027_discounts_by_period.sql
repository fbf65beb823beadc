-- The discount of each price type by period, in the place of its greatest: what is asked for is a price type in a period,
-- and a deal that was cheap three months ago is not looked at for the best of this week.

ALTER TABLE deal_sightings DROP COLUMN greatest_percents, ADD COLUMN discount_percents bytea;
-- Rows of this width leave enough of a page for those that are listed again.
ALTER TABLE deal_sightings SET (fillfactor = 70);
COMMENT ON COLUMN deal_sightings.discount_percents IS
    'Discount in percent by period (0 day, 1 week, 2 month, 3 quarter) and price type, where there is an offer and a mean:'
    ' get_byte(discount_percents, 36 * period + price type); 0 where the price is not below the mean. NULL in a row not'
    ' reckoned yet.';
COMMENT ON COLUMN deal_sightings.greatest_drop IS
    'Greatest difference between a mean and the price now, of all price types and periods, in the smallest unit; 0 without one.';
