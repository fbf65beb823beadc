"""A line to the database for short messages of several statements, each answered by the last one's result.

It uses the client library beneath the driver's cursors, which take longer than the server does. Where the session is
ours it is set up once and hears notifications; behind a pooler each transaction says what it needs.
"""

from __future__ import annotations

import select
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import errors
from psycopg.pq import ExecStatus

from tasks.errors import DatabaseTransient
from tasks.store.connection import connect
from tasks.store.sqlstate import translate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg.pq.abc import PGresult

SILENCE_S: Final = 15.0  # the longest wait for an answer: for a lock 2 s are allowed
_CONNECT_S: Final = 5
_SETTINGS: Final = (
    ("synchronous_commit", "off"),  # a lost change is noticed, and one free reading puts it right
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "5s"),  # who stands still in the middle keeps the others no longer
    ("statement_timeout", "0"),
    ("standard_conforming_strings", "on"),
    ("client_min_messages", "warning"),
)
# A server that waits for a host which is gone notices as soon as the host would.
_KEEPALIVES: Final = (
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
)
_BAD: Final = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE, ExecStatus.EMPTY_QUERY})


class Line:
    """One connection.

    Attributes:
        is_ours: whether the session is this process's alone; behind a pooler it is not.
        prologue: what a transaction begins with.
        notified: counts the notifications heard, by channel.
    """

    def __init__(self, url: str, application_name: str, channels: Iterable[str], prepare: bytes = b"") -> None:
        """Connect; say `prepare` once, and listen to these channels, where the session is this process's alone.

        Raises:
            DatabaseTransient: the server cannot be reached now.
            ConfigError: a person has to mend the URL, the login or the database.
        """
        self._connection = connect(url, application_name=application_name, autocommit=True, wait_s=_CONNECT_S)
        self._pg = self._connection.pgconn
        self.is_ours = self._connection.prepare_threshold is not None
        self.notified: Counter[str] = Counter()
        self._listens: set[str] = set()
        self.prologue = b"BEGIN;" + b"".join(_set("SET LOCAL", *one) for one in _SETTINGS)
        if self.is_ours:
            with ExitStack() as undo:
                undo.callback(self.close)
                self.ask(b"".join(_set("SET", *one) for one in (*_SETTINGS, *_KEEPALIVES)) + prepare)
                self.listen(channels)
                undo.pop_all()
            self.prologue = b"BEGIN;"

    def listen(self, channels: Iterable[str]) -> None:
        """Listen to these channels too, where the session is this process's alone.

        Raises:
            DatabaseTransient: the line broke.
        """
        new = [channel for channel in channels if channel not in self._listens]
        if new and self.is_ours:
            self.ask("".join(f"LISTEN {channel};" for channel in new).encode())
            self._listens.update(new)

    def ask(self, message: bytes) -> PGresult:
        """The result of the last statement of the message.

        Raises:
            DatabaseTransient: it could not be done now; after most of these errors the line is closed.
            StoreError: the tables are not those of this build.
            ConfigError: a right is missing.
        """
        try:
            with translate():
                return self._ask(message)
        except DatabaseTransient:
            if self._pg.transaction_status != psycopg.pq.TransactionStatus.INERROR:
                self.close()
            raise

    def _ask(self, message: bytes) -> PGresult:
        self._pg.send_query(message)
        deadline_s = time.monotonic() + SILENCE_S
        while self._pg.flush():
            self._await(select.POLLIN | select.POLLOUT, deadline_s)
            self._pg.consume_input()
        last = None
        while True:
            while self._pg.is_busy():
                self._await(select.POLLIN, deadline_s)
                self._pg.consume_input()
            result = self._pg.get_result()
            if result is None:
                break
            last = last if last is not None and last.status in _BAD else result
        self._drain()
        if last is None:
            raise psycopg.OperationalError("the server gave no answer")
        if last.status in _BAD:
            raise errors.error_from_result(last)
        return last

    def undo(self) -> None:
        """Leave a transaction that failed, so that the next one can begin.

        Raises:
            DatabaseTransient: the line broke.
        """
        if self._pg.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.ask(b"ROLLBACK")

    def hear(self, seconds: float) -> None:
        """Wait until a notification comes, at most so long; a signal's handler runs meanwhile.

        Raises:
            DatabaseTransient: the line broke.
        """
        poll = select.poll()
        poll.register(self._pg.socket, select.POLLIN)
        if not poll.poll(max(0.0, seconds) * 1000):
            return
        try:
            with translate():
                self._pg.consume_input()
        except DatabaseTransient:
            self.close()
            raise
        self._drain()

    def close(self) -> None:
        """Close it; nothing the second time."""
        self._connection.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._connection.closed

    def _drain(self) -> None:
        while (found := self._pg.notifies()) is not None:
            self.notified[found.relname.decode()] += 1

    def _await(self, events: int, deadline_s: float) -> None:
        left_s = deadline_s - time.monotonic()
        poll = select.poll()
        poll.register(self._pg.socket, events)
        if left_s <= 0 or not poll.poll(left_s * 1000):
            raise psycopg.OperationalError(f"the server did not answer within {SILENCE_S:g} s")


def _set(verb: str, name: str, value: str) -> bytes:
    return f"{verb} {name} = '{value}';".encode()
