"""Asks the database whether it would take rows now, over a connection that is kept for a minute.

It is kept because a new one each time fills the server's log and costs it a process; for a minute only, because what is
set for a database or a role, and which server a name leads to, shows in new connections alone.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from supervisor.database.backend import APPLICATION
from tasks.errors import Error

if TYPE_CHECKING:
    from ledger import Clock
    from tasks.secret import Secret
    from tasks.store.connection import Connection

_KEPT_NS: Final = 60 * NS_PER_S
_ASK: Final = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
STANDBY: Final = "read only: the server is a standby, or still recovers"
READ_ONLY: Final = "read only: default_transaction_read_only is on for this server, database or role"


class Probe:
    """Asks one database. Used by one thread, `cut` apart."""

    def __init__(self, url: Secret, clock: Clock, *, connect_s: int | None = None) -> None:
        """Wait for a connection for `connect_s` seconds, or else for the default."""
        self._url = url
        self._connect_s = connect_s
        self._clock = clock
        self._conn: Connection | None = None
        self._made_ns = 0
        self._line: socket.socket | None = None

    def ask(self) -> str | None:
        """Why the database takes no rows although it answers; None when it takes them.

        Raises:
            Error: it does not answer, or refuses us.
        """
        from tasks.store.sqlstate import translate

        is_old = self._clock.now_ns() >= self._made_ns + _KEPT_NS
        if self._conn is not None and (is_old or self._conn.closed):
            self.close()
        is_kept = self._conn is not None
        try:
            with translate():
                row = self._connection().execute(_ASK, prepare=False).fetchone()
        except Error:
            self.close()
            if is_kept:  # what a pooler or a server's restart did to an idle connection is no fault of now
                return self.ask()
            raise
        in_recovery, read_only = row or (False, False)
        if in_recovery or read_only:
            self.close()  # after a fail-over the same name leads elsewhere
            return STANDBY if in_recovery else READ_ONLY
        return None

    def cut(self) -> None:
        """End an `ask` that still waits for an answer with an error; from any thread."""
        line = self._line
        if line is not None:
            with suppress(OSError):  # it has ended by itself
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _connection(self) -> Connection:
        from tasks.store.connection import connect

        if self._conn is None:
            self._conn = connect(
                self._url.reveal(), application_name=APPLICATION, autocommit=True, wait_s=self._connect_s
            )
            self._made_ns = self._clock.now_ns()
            self._line = socket.socket(fileno=os.dup(self._conn.fileno()))
        return self._conn
