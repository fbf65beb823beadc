-- The balance of one of several keys is read call by call over a month. Where there is one key, nothing is indexed.

CREATE INDEX calls_of_a_key ON calls (account, at) WHERE account NOT IN ('', 'default') AND balance IS NOT NULL;
