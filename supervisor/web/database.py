"""Asks the database for pages: two connections, nothing that could change a row, and two seconds for each question.

What a session has set may be another one's behind a pooler, so the role, the read-only mode and the time limit are said
at the beginning of each transaction. A server that stands still keeps no such limit: the connection is then cut from
here, and the visitor is told.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from tasks.errors import DatabaseTransient, NoRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supervisor.web.run_reader import RunReader
    from tasks.secret import Secret
    from tasks.store.connection import Connection

QUERY_S: Final = 2.0
EXPORT_S: Final = 600.0
_CONNECT_S: Final = 2
_MARGIN_S: Final = 0.5  # the server's own limit has a better message, so it comes first
_MOST: Final = 2
_APPLICATION: Final = "sluicegate page"
_MAY_READ_ONLY: Final = "SELECT pg_has_role(current_user, 'pg_read_all_data', 'MEMBER')"
_READER: Final = b"SET LOCAL ROLE pg_read_all_data"
_SLOW: Final = "the database has not answered within {:g} s: it is overloaded or stands still; try again"
_BUSY: Final = "the page's connections to the database are all in use: try again in a moment"


class Database:
    """The database of the run. It may be used by several threads."""

    def __init__(self, run: RunReader, url: Secret, *, wait_s: float = QUERY_S) -> None:
        """Use `url`, or what the report of `run` names when that is empty: the embedded database.

        Whoever wants a connection waits for at most `wait_s` until one is free.
        """
        self._wait_s = wait_s
        self._run = run
        self._url = url
        self._places = threading.BoundedSemaphore(_MOST)
        self._export = threading.BoundedSemaphore(1)
        self._idle: list[tuple[str, Connection]] = []

    @contextmanager
    def reading(self, *, limit_s: float = QUERY_S) -> Iterator[Connection]:
        """A connection within one transaction that can change nothing, for `limit_s` seconds in all.

        Raises:
            NoRows: there is no database yet.
            Error: the database does not answer in time, or cannot be reached.
        """
        with self._place(self._places, self._wait_s), self._connection() as conn, _cut_after(conn, limit_s):
            yield from _read_only(conn, limit_s)

    @contextmanager
    def writing(self, *, limit_s: float = QUERY_S) -> Iterator[Connection]:
        """A connection for what a person ordered; the caller opens its transactions.

        Raises:
            NoRows: there is no database yet.
            Error: the database does not answer in time, or cannot be reached.
        """
        with self._place(self._places, self._wait_s), self._connection() as conn, _cut_after(conn, limit_s):
            conn.read_only = None
            yield conn

    @contextmanager
    def exporting(self) -> Iterator[Connection]:
        """The same for a list as a whole, on a connection of its own: one at a time, for ten minutes at most.

        Raises:
            NoRows: there is no database yet.
            Error: the database does not answer in time, cannot be reached, or another list is being sent.
        """
        with self._place(self._export, 0), self._connection() as conn, _cut_after(conn, EXPORT_S):
            yield from _read_only(conn, EXPORT_S)

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop()[1].close()

    def url(self) -> str:
        """Where the database is.

        Raises:
            NoRows: the embedded one has not been started yet.
        """
        if self._url:
            return self._url.reveal()
        last = self._run.look().status.report
        if last is None or last.run.database_url is None:
            raise NoRows("the database is not there yet: it is being started, see Events")
        return last.run.database_url

    @contextmanager
    def _place(self, places: threading.BoundedSemaphore, wait_s: float) -> Iterator[None]:
        if not places.acquire(timeout=wait_s):
            raise DatabaseTransient(_BUSY)
        try:
            yield
        finally:
            places.release()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection that is kept for the next one when nothing has gone wrong."""
        from tasks.store.connection import connect
        from tasks.store.sqlstate import translate

        url = self.url()
        conn = self._kept(url)
        if conn is None:
            conn = connect(url, application_name=_APPLICATION, autocommit=True, wait_s=_CONNECT_S)
        with ExitStack() as undo:
            undo.callback(conn.close)
            with translate():
                yield conn
            if len(self._idle) < _MOST:
                self._idle.append((url, conn))
                undo.pop_all()

    def _kept(self, url: str) -> Connection | None:
        while True:
            try:
                known, conn = self._idle.pop()
            except IndexError:
                return None
            if known == url and not conn.closed and _is_alive(conn):
                return conn
            conn.close()


def _read_only(conn: Connection, limit_s: float) -> Iterator[Connection]:
    conn.read_only = True
    with conn.transaction():
        row = conn.execute(_MAY_READ_ONLY, prepare=False).fetchone()
        if row is not None and row[0]:
            conn.execute(_READER, prepare=False)
        conn.execute(f"SET LOCAL statement_timeout = {round(limit_s * 1000)}".encode(), prepare=False)
        yield conn


def _is_alive(conn: Connection) -> bool:
    """Whether nothing has come over an idle connection: that would be its end. It asks the kernel alone."""
    try:
        with socket.socket(fileno=socket.dup(conn.fileno())) as line:
            line.setblocking(False)
            line.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def _cut_after(conn: Connection, limit_s: float) -> Iterator[None]:
    """Cut the connection when the server owes an answer for longer than it may take.

    Raises:
        DatabaseTransient: it was cut.
    """
    is_cut = threading.Event()
    fd = socket.dup(conn.fileno())

    def cut() -> None:
        is_cut.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    with socket.socket(fileno=fd) as line:
        timer = threading.Timer(limit_s + _MARGIN_S, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if is_cut.is_set():
                raise DatabaseTransient(_SLOW.format(limit_s)) from error
            raise
        finally:
            timer.cancel()
