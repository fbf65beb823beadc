"""A worker's connection to PostgreSQL: one transaction after another, each done again when the database was in the way.

However long the database is unavailable, the work waits for it: nothing is paid for meanwhile, because whatever is to
be asked of the API is claimed in the database first. Calls to be recorded are noted here and written by the next
transaction, so a call stands in the table together with its rows or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import tenacity

from tasks.errors import BadRow, DatabaseTransient
from tasks.ingest.outage_report import DatabaseOutage
from tasks.runtime.interruptible import run_interruptible
from tasks.store.bulk.batch import refused
from tasks.store.calls import calls
from tasks.store.connection import connect
from tasks.store.sqlstate import cause_of, translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.runtime.job import JobContext
    from tasks.store.calls.calls import Call
    from tasks.store.connection import Connection

T = TypeVar("T")


# A stop cannot be heard while a statement waits for somebody's lock; the retry that follows hears it, within a second.
LOCK_TIMEOUT_MS: Final = 700
UNWRITTEN_LIMIT: Final = 1_000  # records of failed calls kept while the database is unavailable
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 8.0  # so that a database that is back is noticed soon; below it full jitter


class DatabaseSession:
    """One connection, opened when needed and opened again when it was lost."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._outage = DatabaseOutage(context)
        self._connection: Connection | None = None
        self._unwritten: list[Call] = []

    def record_call(self, call: Call) -> None:
        """Record `call` with the next transaction."""
        self._unwritten.append(call)
        del self._unwritten[:-UNWRITTEN_LIMIT]

    def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, after its transaction is committed, however long that takes.

        `work` may be called several times.

        Raises:
            DatabaseTransient: the stop flag was set while the database was in the way.
            BadRow: the database will not do this work, but others.
            WrongSchema: a person has to mend the tables.
            ConfigError: a person has to mend the login, the rights or the database.
        """
        stop = self._context.stop
        failures: list[str | None] = []

        def pause(seconds: float) -> None:
            stop.wait(seconds)

        def failed(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome is not None else None
            if isinstance(error, DatabaseTransient):
                self._outage.failed(error, state.upcoming_sleep)
                _blame(error, failures)

        retry = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(DatabaseTransient),
            wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S),
            stop=lambda _state: stop.is_set(),
            sleep=pause,
            before_sleep=failed,
            reraise=True,
        )
        result: T = retry(self._once, work)
        self._outage.over()
        return result

    def flush(self) -> None:
        """Write what is noted, if the database is there.

        Raises:
            StoreError: it is not.
            ConfigError: it never will be.
        """
        if self._unwritten:
            self._once(lambda _connection: None)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, work: Callable[[Connection], T]) -> T:
        noted = tuple(self._unwritten)
        try:
            with translate():
                connection = self._open()
                with connection.transaction():
                    result = work(connection)
                    refusals = [self._record(connection, call) for call in noted]
        except UnicodeError as error:
            raise BadRow(f"text that no database can hold: {error}") from error
        except DatabaseTransient as error:
            if not cause_of(error).keeps:
                self.close()
            raise
        del self._unwritten[: len(noted)]
        for refusal in filter(None, refusals):
            self._context.log.error("record_refused", reason=refusal)
        return result

    @staticmethod
    def _record(connection: Connection, call: Call) -> str | None:
        """Why the record is refused, as by a trigger of the user's own; that is no reason to stop the work."""
        return refused(connection, lambda: calls.record(connection, call))

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            url, worker = self._context.settings.database_url.reveal(), self._context.worker
            self._connection = run_interruptible(
                lambda: connect(
                    url, application_name=f"sluicegate {worker}", autocommit=True, lock_timeout_ms=LOCK_TIMEOUT_MS
                ),
                self._context.stop.is_set,
                DatabaseTransient("asked to stop while the database was connected to"),
            )
            self._connection.on_wait = self._outage.silent
        return self._connection


def _blame(error: DatabaseTransient, failures: list[str | None]) -> None:
    """Note a failure; a database that refuses the same work alone, again and again in the same way, is available.

    Raises:
        BadRow: there were enough of them.
    """
    row = cause_of(error)
    if failures and failures[-1] != row.prefix:
        failures.clear()
    failures.append(row.prefix)
    if row.tries is not None and len(failures) >= row.tries:
        raise BadRow(f"{error}; {len(failures)} times in a row") from error
