"""States that a database can be in without the program's doing. Each is a context manager over a `Place`."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from tasks.embedded_postgres.server import EmbeddedPostgres
from tests.fakes.database.tcp_proxy import Line


class Place:
    """A database on a server that may be told anything. `urls` gives its URL now."""

    def __init__(self, url):
        self.url = url

    def admin(self, statement, *, is_of_server=False):
        """Do it as the server's owner, from a database that no state touches; `{}` is this database's name.

        Every connection to it ends then, so that nobody goes on with what was so before. What is said of the server
        itself is read anew.
        """
        told = conninfo.conninfo_to_dict(self.url())
        name, told["dbname"] = told["dbname"], "postgres"
        with psycopg.connect(conninfo.make_conninfo(**told), autocommit=True) as conn:
            conn.execute("SET default_transaction_read_only = off")  # for the whole server may be read only
            conn.execute(sql.SQL(statement).format(sql.Identifier(name)))
            if is_of_server:
                conn.execute("SELECT pg_reload_conf()")
            conn.execute("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s", (name,))


class Theirs:
    """A server that is not the program's own, and a line to it that can be cut."""

    def __init__(self, home):
        self._server = EmbeddedPostgres(home)
        self._url = self._server.start("theirs")
        self.line = Line(self._url)
        self.place = Place(lambda: self._url)

    def _pid(self):
        return int((self._server._home / "data" / "postmaster.pid").read_text().splitlines()[0])

    def kill(self):
        """As when the machine it runs on is switched off and on."""
        with suppress(ProcessLookupError):
            os.kill(self._pid(), signal.SIGKILL)
        self._server.start("theirs")

    @contextmanager
    def stopped(self):
        self._server.stop()
        yield
        self._server.start("theirs")

    @contextmanager
    def frozen(self):
        """Every process stands still: connections stand and say nothing."""
        pid = self._pid()
        os.kill(pid, signal.SIGSTOP)  # first, so that no more come
        held = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        try:
            for one in held:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGSTOP)
            yield
        finally:
            for one in held:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)

    @contextmanager
    def cut_off(self):
        self.line.cut()
        yield
        self.line.mend()

    def close(self):
        self.line.close()
        self._server.stop()


@contextmanager
def _read_only(place):
    """As a standby is, and a server whose disk is full: every database of it."""
    place.admin("ALTER SYSTEM SET default_transaction_read_only = on", is_of_server=True)
    yield
    place.admin("ALTER SYSTEM RESET default_transaction_read_only", is_of_server=True)


@contextmanager
def _told(place, what, undo):
    place.admin(f"ALTER DATABASE {{}} {what}")
    yield
    place.admin(f"ALTER DATABASE {{}} {undo}")


def _set(name, value):
    return partial(_told, what=f"SET {name} = {value}", undo=f"RESET {name}")


STATES = {
    "read only": _set("default_transaction_read_only", "on"),
    "read only server": _read_only,
    "German dates": _set("datestyle", "'German, DMY'"),
    "another time zone": _set("timezone", "'Asia/Kolkata'"),
    "other intervals": _set("intervalstyle", "'iso_8601'"),
    "escaped bytes": _set("bytea_output", "'escape'"),
    "serializable": _set("default_transaction_isolation", "'serializable'"),
    "idle sessions end": _set("idle_session_timeout", "'1s'"),
    "closed": partial(_told, what="ALLOW_CONNECTIONS false", undo="ALLOW_CONNECTIONS true"),
}
