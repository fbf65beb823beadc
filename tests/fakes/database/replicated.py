"""A PostgreSQL with a streaming replica, asynchronous as by default: killed for good, the replica takes its place."""

from __future__ import annotations

import psycopg

from tests.fakes.database.tcp_postgres import TcpPostgres
from tests.fakes.waiting import wait_until

STREAMS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
REPLAYED = "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())"


class Replicated:
    """Both servers; `now` is the one that is written to."""

    def __init__(self, folder):
        folder.mkdir()
        self.now = self._first = TcpPostgres(folder / "first")
        self._second = TcpPostgres(folder / "second", replica_of=self._first)
        self.is_promoted = False
        self.until_streaming()

    def until_streaming(self):
        def streams():
            with psycopg.connect(self._first.url(), autocommit=True) as conn:
                return conn.execute(STREAMS).fetchone() == (1,)

        wait_until(streams, "a replica that follows")

    def until_caught_up(self):
        """Wait until the replica has all that the first one has written up to now."""

        def has_all():
            with psycopg.connect(self._first.url(), autocommit=True) as here:
                ((end,),) = here.execute("SELECT pg_current_wal_insert_lsn()").fetchall()
            with psycopg.connect(self._second.url(), autocommit=True) as there:
                return there.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (end,)).fetchone() == (True,)

        wait_until(has_all, "a replica that has all")

    def let_replica_fall_behind(self):
        """Let the replica get nothing more."""
        with psycopg.connect(self._second.url(), autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET primary_conninfo = ''")
            conn.execute("SELECT pg_reload_conf()")

            def is_alone():
                return conn.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchone() == (0,)

            wait_until(is_alone, "a replica that gets nothing")

    @property
    def servers(self):
        return self._first, self._second

    def places(self, address="127.0.0.1"):
        """Host and port of each."""
        return [(address, one.port) for one in self.servers]

    def url(self, places=None):
        """What a user writes: both servers, and that the one is meant that can be written to."""
        listed = ",".join(f"{address}:{port}" for address, port in places or self.places())
        return (
            f"postgresql://postgres@{listed}/{self.now.name}"
            "?target_session_attrs=read-write&connect_timeout=5&sslmode=disable&gssencmode=disable"
        )

    def kill(self):
        self.now.kill()

    def start(self):
        self.now.start()

    def promote(self):
        """Kill the one that is written to, and let the replica take its place; the time of the last commit it has."""
        self._first.kill()
        with psycopg.connect(self._second.url(), autocommit=True) as conn:
            assert conn.execute("SELECT pg_promote(true, 120)").fetchone() == (True,)
            ((seconds,),) = conn.execute(REPLAYED).fetchall()
        self.now, self.is_promoted = self._second, True
        return None if seconds is None else float(seconds)

    def close(self):
        for one in (self._second, self._first):
            one.close()
