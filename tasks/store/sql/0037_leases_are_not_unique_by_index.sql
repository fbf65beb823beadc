-- A unique index of a table that may be spread by ASIN must have the ASIN. A lease is unique without one: its number
-- comes from a sequence, once for each item that is claimed. The index only finds it.

DROP INDEX fetch_queue_leases;
CREATE INDEX fetch_queue_leases ON fetch_queue (lease) WHERE state = 'leased';
