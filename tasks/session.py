"""A worker's connection to PostgreSQL: one transaction after another, each done again when the database was in the way.

Calls to be recorded are noted here and written by the next transaction, so a call stands in the table together with its
rows or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import psycopg
from psycopg import conninfo

from ledger import NS_PER_S
from tasks.errors import Contended
from tasks.retry import Patience, retrying
from tasks.store import calls
from tasks.store.connection import connect
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.job import Site
    from tasks.store.calls import Call
    from tasks.store.connection import Connection

T = TypeVar("T")


def password_of(url: str) -> str:
    """The password in a connection string, for the log to blot out; empty when there is none."""
    try:
        return str(conninfo.conninfo_to_dict(url).get("password") or "")
    except psycopg.ProgrammingError:
        return ""


# A stop cannot be heard while a statement waits for somebody's lock; the retry that follows hears it, within a second.
LOCK_TIMEOUT: Final = "SET lock_timeout = '700ms'"
UNWRITTEN_LIMIT: Final = 1_000  # records of failed calls kept while the database is away


class Session:
    """One connection, opened when needed and opened again when it was lost."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._connection: Connection | None = None
        self._unwritten: list[Call] = []

    def note(self, call: Call) -> None:
        """Record `call` with the next transaction."""
        self._unwritten.append(call)
        del self._unwritten[:-UNWRITTEN_LIMIT]

    def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, after its transaction is committed. `work` may be called several times.

        Raises:
            Contended: the database was away for `retry_deadline_s`, or the stop flag was set meanwhile.
            StoreError: the database will not do this.
        """
        patience = Patience(self._site.settings.retry_deadline_s)
        retry = retrying(Contended, patience, self._site.stop, self._tell_pause)
        result: T = retry(self._once, work, patience)
        return result

    def flush(self) -> None:
        """Write what is noted, if the database is there.

        Raises:
            StoreError: it is not.
        """
        if self._unwritten:
            self._once(lambda _connection: None, Patience(0))

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, work: Callable[[Connection], T], patience: Patience) -> T:
        began_ns = self._site.clock.now_ns()
        noted = tuple(self._unwritten)
        try:
            with translate():
                connection = self._open()
                with connection.transaction():
                    result = work(connection)
                    for call in noted:
                        calls.record(connection, call)
        except Contended:
            if self._connection is not None and self._connection.closed:
                self.close()  # a deadlock or a lock not had in time leaves the connection, and its turns, as they were
            patience.spend((self._site.clock.now_ns() - began_ns) / NS_PER_S)
            raise
        del self._unwritten[: len(noted)]
        return result

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            url = self._site.settings.database_url.reveal()
            self._connection = connect(url, application_name=f"sluicegate {self._site.worker}", autocommit=True)
            self._connection.execute(LOCK_TIMEOUT)
        return self._connection

    def _tell_pause(self, error: BaseException, pause_s: float) -> None:
        site = self._site
        site.log.warning("database_away", error=error, retry_in_s=round(pause_s, 1))
        until_ns = site.clock.now_ns() + round(pause_s * NS_PER_S)
        site.beat.phase("writing", f"PostgreSQL does not answer, again in {pause_s:.0f} s", until_ns=until_ns)
