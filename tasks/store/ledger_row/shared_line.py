"""One line to the server for the rows that a process uses: opened anew after a loss or a fork, and by one at a time.

A worker with fifty keys has fifty ledgers, and a server allows a hundred connections. Their transactions are short and
one after the other, so one line serves them all, and hears the notifications of each. Whoever begins a transaction
holds `mutex` until it has ended. A line that is lost is lost for every row, and each of them learns that by itself:
`number` tells the lines apart.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from tasks.errors import DatabaseTransient
from tasks.store.ledger_row import statements
from tasks.store.ledger_row.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILED_S: Final = 1.0  # a server that cannot be reached was not reached for any row: no one else tries so soon


class SharedLine:
    """What the rows of one process say to the server over.

    Attributes:
        mutex: whoever has it has the line.
        number: counts the lines that were opened.
        epoch: the life of the server, as it was read when the line was opened.
        connect: makes a line that listens to these channels.
        line: the line; None before the first, and after a loss.
        failures: how often the server could not be reached.
        failed_s: for how many seconds a failure to reach it holds for the other rows.
    """

    def __init__(self, url: str, name: str) -> None:
        """Nothing is connected yet."""
        self.mutex = threading.RLock()
        self.number = 0
        self.failures = 0
        self.failed_s = FAILED_S
        self.epoch = ""
        self.connect: Callable[[Sequence[str]], Line] = lambda channels: Line(url, name, channels, statements.PREPARE)
        self.line: Line | None = None
        self._channels: dict[str, int] = {}
        self._heard: dict[str, int] = {}  # over earlier lines, and one for each line that was lost
        self._pid = os.getpid()
        self._inherited: Line | None = None
        self._failure: tuple[DatabaseTransient, float] | None = None

    def join(self, channel: str) -> None:
        """A row is used, which listens to this channel."""
        with self.mutex:
            self._channels[channel] = self._channels.get(channel, 0) + 1
            self._heard.setdefault(channel, 0)

    def leave(self, channel: str) -> None:
        """A row is used no longer; the line is closed when no other one is. Leaving twice changes nothing."""
        with self.mutex:
            left = self._channels.get(channel, 1) - 1
            if left:
                self._channels[channel] = left
            else:
                self._channels.pop(channel, None)
            if not self._channels:
                self.lose()

    def open(self, failures: int = 0) -> Line:
        """The line; a new one after a loss, and in a forked child.

        Whoever has seen `failures` of it is not told of those again.

        Raises:
            DatabaseTransient: the server cannot be reached now, or could not a moment ago.
            ConfigError: a person has to mend the URL, the login or the database.
        """
        if self._pid != os.getpid():
            # The parent goes on with the line: it is neither used nor closed here.
            self._pid, self._inherited, self.line = os.getpid(), self.line, None
        if self.line is None or self.line.is_closed:
            self.lose()
            self._raise_if_unreachable(failures)
            self.line = self._connected()
        self.line.listen(self._channels)
        return self.line

    def lose(self) -> None:
        """Close the line; the next user opens another one."""
        line, self.line = self.line, None
        if line is not None:
            for channel in self._heard:
                self._heard[channel] += line.notified[channel] + 1
            line.close()

    def heard(self, channel: str) -> int:
        """Changes with each notification on the channel, and with each line: one may have been missed in between."""
        return self._heard.get(channel, 0) + (0 if self.line is None else self.line.notified[channel])

    def hear(self, seconds: float) -> bool:
        """Wait until a notification of any row comes, at most so long; False when nothing can be heard now.

        That is so without a line, behind a pooler, in a forked child, and while another thread has the line. A line
        that breaks meanwhile is lost, and the next user opens another one.
        """
        if not self.mutex.acquire(blocking=False):
            return False
        try:
            line = self.line
            if line is None or line.is_closed or not line.is_ours or self._pid != os.getpid():
                return False
            line.hear(seconds)
        except DatabaseTransient:
            self.lose()
        finally:
            self.mutex.release()
        return True

    def _connected(self) -> Line:
        try:
            line = self.connect(tuple(self._channels))
            try:
                self.epoch = read_epoch(line)
            except DatabaseTransient:
                line.close()
                raise
        except DatabaseTransient as error:
            self.failures += 1
            self._failure = error, time.monotonic()
            raise
        self._failure = None
        self.number += 1
        return line

    def _raise_if_unreachable(self, seen: int) -> None:
        if self._failure is not None and seen < self.failures:
            error, at_s = self._failure
            if time.monotonic() - at_s < self.failed_s:
                raise error


def read_epoch(line: Line) -> str:
    """The life of the server that this line leads to now.

    Raises:
        DatabaseTransient: the line broke.
    """
    return (line.ask(statements.EPOCH).get_value(0, 0) or b"").decode()
