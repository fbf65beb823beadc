-- Of three price types Keepa compares another price with its mean than the one that is shown beside it.

COMMENT ON COLUMN current_deals.avg_day IS 'Weighted mean of the last 48 hours, of this price type; NULL without one.';
COMMENT ON COLUMN current_deals.avg_week IS 'Weighted mean of the last 7 days, of this price type.';
COMMENT ON COLUMN current_deals.avg_month IS 'Weighted mean of the last 31 days, of this price type.';
COMMENT ON COLUMN current_deals.avg_quarter IS 'Weighted mean of the last 90 days, of this price type.';
COMMENT ON COLUMN current_deals.discount_percent_day IS
    'Percent below the mean of 48 hours (negative: above); NULL without a mean. Of LIGHTNING_DEAL, WAREHOUSE and PRIME_EXCL: below that of Amazon''s price, or of the new one where Amazon has none, not below the mean beside it.';
COMMENT ON COLUMN current_deals.discount_percent_week IS
    'Percent below the mean of 7 days. Of LIGHTNING_DEAL, WAREHOUSE and PRIME_EXCL: below that of Amazon''s price, or of the new one where Amazon has none, not below the mean beside it.';
COMMENT ON COLUMN current_deals.discount_percent_month IS
    'Percent below the mean of 31 days. Of LIGHTNING_DEAL, WAREHOUSE and PRIME_EXCL: below that of Amazon''s price, or of the new one where Amazon has none, not below the mean beside it.';
COMMENT ON COLUMN current_deals.discount_percent_quarter IS
    'Percent below the mean of 90 days. Of LIGHTNING_DEAL, WAREHOUSE and PRIME_EXCL: below that of Amazon''s price, or of the new one where Amazon has none, not below the mean beside it.';
