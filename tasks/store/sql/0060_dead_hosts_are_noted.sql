-- That a host is dead is seen by watching whether it beats, and noted here: a clock that was set tells nothing of that.

ALTER TABLE hosts
    ADD COLUMN dead_beat timestamptz,
    ADD COLUMN supervisor text;
COMMENT ON COLUMN hosts.dead_beat IS 'The beat after which others saw none for 15 s; it counts as dead as long as this is its last beat.';
COMMENT ON COLUMN hosts.supervisor IS 'Which process beats for it: pid and time of start, as its machine counts.';
