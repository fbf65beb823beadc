-- What could not be used is listed the latest first, and deleted the oldest first, without a look at the rest.

CREATE INDEX quarantine_latest ON quarantine (last_at, id);
