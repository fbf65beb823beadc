-- Rules may be about products of people's own lists, deals or not. What changes in those is written down as of deals.

COMMENT ON TABLE deal_changes IS
    'Deals, and products of lists, that have changed and that no rule has looked at since. Without a key: a writer waits for nobody who reads.';
COMMENT ON COLUMN rule_products.price IS
    'Its price when the rule last looked, in money of the locale; -1: nobody offered it.';
