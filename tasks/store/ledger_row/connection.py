"""The row of one account over a line that other rows may share: asked for, waited for, told of a loss and of a fork."""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from ledger import NoLedger
from tasks.errors import DatabaseTransient
from tasks.store.ledger_row import statements
from tasks.store.ledger_row.patience import NoPatience
from tasks.store.ledger_row.shared_line import read_epoch
from tasks.store.sqlstate import cause_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import Clock
    from tasks.store.ledger_row.line import Line
    from tasks.store.ledger_row.patience import Patience
    from tasks.store.ledger_row.shared_line import SharedLine
    from tasks.store.ledger_row.statements import RowState

T = TypeVar("T")

CAP_S: Final = 0.5  # the longest sleep at a stretch, so that a request to stop is heard
_NUMBERS: Final = itertools.count(1)
_LOCKED: Final = "55P03"


class RowConnection:
    """What one user of the row says to the server.

    Attributes:
        patience: what to do while the database cannot be used.
        number: tells the connections of this process apart.
        request: the number of the last change that was kept; a forked child begins at 0.
        tried: the number of the last change that was sent, whether it was kept or not.
        epoch: the life of the server, as it was read last.
        is_new: whether that was since the last change, because the line or the server is another.
        moments: when the row was asked for and told, by this machine's clock, in nanoseconds.
        formats: the newest format of a book that each host reads, of those that beat, as the row was told with.
    """

    def __init__(self, shared: SharedLine, account: int, local: Clock) -> None:
        """Nothing is connected yet."""
        self.patience: Patience = NoPatience()
        self.number = next(_NUMBERS)
        self.request = self.tried = 0
        self.epoch = ""
        self.is_new = False
        self.moments = (0, 0)
        self.formats: Mapping[int, int] = {}
        self.shared = shared
        self._channel = statements.channel(account)
        self._local = local
        self._account = account
        self._pid = os.getpid()
        self._known = 0  # the number of the line that this row has learned of
        self._failures_seen = 0
        self._started_us: int | None = None
        self._is_closed = False
        self._never = threading.Event()
        shared.join(self._channel)

    @property
    def line(self) -> Line | None:
        """The line, which other rows may use too; None when there is none now."""
        return self.shared.line

    @property
    def wake_value(self) -> int:
        """Changes with each notification, and with each line, since one may have been missed in between."""
        return self.shared.heard(self._channel)

    @property
    def is_prepared(self) -> bool:
        """Whether the session knows the statements by name."""
        return self.line is not None and self.line.is_ours

    def lock(self) -> RowState:
        """Begin a transaction and tell the row, which is locked then.

        Raises:
            NoLedger: there is no such row.
            DatabaseTransient: not now.
        """
        line = self.open()
        state = self._told(line.prologue + statements.begin(self._account, is_prepared=self.is_prepared))
        if state.started_us != self._started_us:
            if self._started_us is not None:  # a pooler leads to another server, or to one that was started anew
                self._learn_epoch(line)
            self._started_us = state.started_us
        return state

    def read(self) -> RowState:
        """Tell the row.

        Raises:
            NoLedger: there is no such row.
            DatabaseTransient: not now.
        """
        self.open()
        return self._told(statements.read(self._account, is_prepared=self.is_prepared))

    def patiently(self, work: Callable[[], T]) -> T:
        """What `work` returns, as soon as the database can be used.

        Raises:
            DatabaseTransient: `patience` has ended.
        """
        while True:
            try:
                result = work()
            except DatabaseTransient as error:
                self.undo()
                if cause_of(error).prefix != _LOCKED:  # its holder goes on, or the server ends it within seconds
                    self.patience.failed(error)
            else:
                self.patience.over()
                return result

    def open(self) -> Line:
        """The line; a new one after a loss, and in a forked child.

        Raises:
            DatabaseTransient: the server cannot be reached now.
            ConfigError: a person has to mend the URL, the login or the database.
        """
        if self._pid != os.getpid():
            self._pid, self.request, self.tried = os.getpid(), 0, 0
        try:
            line = self.shared.open(self._failures_seen)
        except DatabaseTransient:
            self._failures_seen = self.shared.failures
            raise
        if self._known != self.shared.number:
            self._known, self.epoch, self.is_new = self.shared.number, self.shared.epoch, True
            self._started_us = None
        return line

    def undo(self) -> None:
        """Leave a transaction that failed; where the line is lost the server undoes it by itself."""
        try:
            if self.line is not None and not self.line.is_closed:
                self.line.undo()
        except DatabaseTransient:
            self.lose()

    def lose(self) -> None:
        """Close the line, for all rows that use it; the next user opens another one."""
        self.shared.lose()

    def close(self) -> None:
        """Use the line no longer; nothing the second time."""
        if not self._is_closed:
            self._is_closed = True
            self.shared.leave(self._channel)

    def sleep(self, seen: int, seconds: float) -> None:
        """Sleep until a notification comes, `seconds` (at most `CAP_S`) have passed, or a signal's handler has run."""
        span_s = max(0.0, min(seconds, CAP_S))
        if self.wake_value == seen and not self.shared.hear(span_s):
            self._never.wait(span_s)

    def _told(self, message: bytes) -> RowState:
        """The row as it is told, and when."""
        asked_ns = self._local.now_ns()
        result = self.open().ask(message)
        self.moments = (asked_ns, self._local.now_ns())
        if not result.ntuples:
            raise NoLedger("there is no ledger of this key in the database: `sluicegate run` makes it")
        state = statements.state_of([result.get_value(0, column) for column in range(result.nfields)])
        self.formats = state.formats
        return state

    def _learn_epoch(self, line: Line) -> None:
        self.epoch, self.is_new = read_epoch(line), True
