-- How much a plan earns, for whoever decides how many hosts there should be.

ALTER TABLE ledgers ADD COLUMN tokens_a_minute double precision;
COMMENT ON COLUMN ledgers.tokens_a_minute IS 'Tokens that the plan earns a minute; null until a reply has told it.';
