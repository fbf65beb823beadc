"""The home of a book that several hosts share: a row of the database.

A change takes two messages. The first begins a transaction, locks the row, and brings book and time; the second writes
the book and its events, and commits. Where the line breaks in between, the lock goes with it and nothing has happened;
where it breaks while the second is answered, the number of the change, which stands in the book, tells what happened.

Commits do not wait for the disk. A server that crashed may therefore have lost the last ones; it has another epoch
then, and whoever sees that first asks for one reading, which puts all right.
"""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ledger import NS_PER_S, Damaged, NoLedger, OtherFormat, SystemClock, process
from ledger.model import clients, journal
from ledger.model.book import BOOK_BYTES, Book
from ledger.model.view import View
from ledger.storage import packed
from ledger.types import Owner
from tasks.errors import DatabaseTransient
from tasks.store.ledger_row import statements
from tasks.store.ledger_row.line import Line
from tasks.store.ledger_row.server_clock import SLACK_NS, ServerClock
from tasks.store.sqlstate import cause_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger import Clock
    from tasks.store.ledger_row.statements import RowState

T = TypeVar("T")

CAP_S: Final = 0.5  # the longest sleep at a stretch, so that a request to stop is heard
_NUMBERS: Final = itertools.count(1)
_LOCKED: Final = "55P03"
UNWATCHED_NS: Final = 60 * NS_PER_S  # since the last change, when a process makes its first
LOST_IDS: Final = 1 << 16  # more leases than a crash can have made forgotten: no number is ever given twice


class Patience(Protocol):
    """What to do while the database cannot be used."""

    def failed(self, error: DatabaseTransient) -> None:
        """Wait until the next try; or raise, when there is nothing to wait for."""
        ...

    def over(self) -> None:
        """It can be used again."""
        ...


class NoPatience:
    """For whoever would rather know at once."""

    def failed(self, error: DatabaseTransient) -> None:
        """Raise the error."""
        raise error

    def over(self) -> None:
        """Do nothing."""


class RowHome:
    """The row of one account, as one process sees it.

    Attributes:
        patience: what to do while the database cannot be used; it may be set at any time.
    """

    looks_first = True

    def __init__(
        self, url: str, account: int, host: int, *, name: str = "sluicegate ledger", clock: Clock | None = None
    ) -> None:
        """Nothing is connected yet. With a `clock`, in tests, the time is that and not the database's."""
        self.replaced = ""
        self.patience: Patience = NoPatience()
        self._connect: Callable[[], Line] = lambda: Line(url, name, statements.channel(account))
        self._account = account
        self._begin_message, self._read_message = statements.begin(account), statements.read(account)
        self._host = host
        self._test_clock = clock
        self._local: Clock = clock or SystemClock()
        self._clock = ServerClock(self._local)
        self._mutex = threading.RLock()
        self._line: Line | None = None
        self._pid = os.getpid()
        self._heard = 0  # notifications of earlier lines, and the lines themselves
        self._number = next(_NUMBERS)
        self._request = 0
        self._epoch = ""
        self._started_us: int | None = None
        self._inherited: Line | None = None
        self._moments = (0, 0)
        self._is_doubtful = False
        self._row_epoch = ""
        self._alive: frozenset[int] = frozenset()
        self._buffer = memoryview(bytearray(BOOK_BYTES))
        self._view = View(Book.from_buffer(self._buffer))
        self._never = threading.Event()

    @property
    def clock(self) -> Clock:
        """The database's time."""
        return self._test_clock or self._clock

    @property
    def ahead_ns(self) -> int:
        """What this machine's clock is ahead of the database's."""
        return 0 if self._test_clock is not None else self._clock.ahead_ns

    @property
    def is_current(self) -> bool:
        """Always: the database's time goes on over every start."""
        return True

    @property
    def wake_value(self) -> int:
        """Changes with each notification, and with each line, since one may have been missed in between."""
        return self._heard + (0 if self._line is None else self._line.notified)

    def owner(self) -> Owner:
        """This process on this host."""
        me = process.this_process()
        return Owner(self._host, me.pid, me.started)

    def is_alive(self, owner: Owner) -> bool:
        """Whether it runs: a process of this host by what the system says, another host's as long as that beats."""
        if owner.host == self._host:
            return process.is_alive(owner.pid, owner.started)
        return owner.host in self._alive

    def begin(self) -> View:
        """Lock the row and copy the book.

        Raises:
            NoLedger: there is no such row.
            OtherFormat: another build wrote it.
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        self._mutex.acquire()
        is_begun = False
        try:
            view = self._patiently(self._begin)
            is_begun = True
        finally:
            if not is_begun:
                self._undo()
                self._mutex.release()
        return view

    def publish(self, view: View, entries: Sequence[journal.Fields]) -> bool:
        """Write the book and commit; False when it is certain that nothing was kept.

        Raises:
            DatabaseTransient: the database cannot be used now, and `patience` has ended; what happened is not known.
        """
        book, number = view.book, self._request + 1
        clients.note(view, self.owner(), self._number, number, book.changed_ns)
        message = b""
        if entries:
            message = statements.record(self._account, book.journal_count, entries)
            book.journal_count += len(entries)
        if view.opens and book.waiter_count:
            message += statements.notify(self._account)
        data = packed.pack(self._buffer, book)
        message = statements.publish(self._account, data, book.sequence, self._epoch) + message + b"COMMIT"
        try:
            is_kept = self._open().ask(message).command_status == b"COMMIT"
        except DatabaseTransient as error:
            self._lose()
            self.patience.failed(error)
            is_kept = self._patiently(lambda: self._has_happened(number))
        self._request = max(self._request, number) if is_kept else self._request
        if is_kept:
            self._row_epoch = self._epoch
        return is_kept

    def end(self) -> None:
        """Let the next one in; what was not published is undone."""
        try:
            if self._line is not None and not self._line.is_closed:
                self._line.undo()
        except DatabaseTransient:
            self._lose()  # the server undoes it by itself
        finally:
            self._mutex.release()

    def wake(self) -> None:
        """Do nothing: the notification went out with the commit."""

    def sleep(self, seen: int, seconds: float) -> None:
        """Sleep until a notification comes, `seconds` (at most `CAP_S`) have passed, or a signal's handler has run."""
        span_s = max(0.0, min(seconds, CAP_S))
        line = self._line
        if line is None or line.is_closed or not line.is_ours or self._pid != os.getpid():
            self._never.wait(span_s)
            return
        if self.wake_value == seen:
            try:
                line.hear(span_s)
            except DatabaseTransient:
                self._lose()  # the next look opens another line

    def read(self) -> tuple[Book, journal.Journal]:
        """A copy of the book; its journal is asked for when it is wanted.

        Raises:
            NoLedger: there is no such row.
            OtherFormat: another build wrote it.
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            state = self._patiently(lambda: self._asked(b"", self._read_message))
            raw = memoryview(bytearray(BOOK_BYTES))
            packed.unpack(state.book, raw)
            book = Book.from_buffer(raw)
            now_ns = state.server_ns + book.shift_ns
            if not self._clock.step_ns(now_ns, *self._moments):  # what was set is put right by the next change
                self._clock.set(now_ns, *self._moments)
            return book, RowJournal(self)

    def events(self) -> list[journal.Entry]:
        """The last events, oldest first.

        Raises:
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            result = self._patiently(lambda: self._open().ask(statements.events(self._account)))
            rows = [[int(result.get_value(i, j) or b"0") for j in range(8)] for i in range(result.ntuples)]
        return [
            journal.Entry(
                sequence=sequence, at_ns=at_ns, event=journal.Event(event), tier=tier, tokens_mt=tokens_mt,
                balance_mt=balance_mt, pid=pid, host=host,
            )
            for sequence, at_ns, event, tier, tokens_mt, balance_mt, pid, host in rows
        ]  # fmt: skip

    def create(self, name: str) -> None:
        """Make the row of this account unless it is there; begin its book anew where it cannot be read.

        Raises:
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            self._patiently(lambda: self._open().ask(statements.create(self._account, name, self._epoch)))
            try:
                self.read()
            except (OtherFormat, Damaged) as fault:
                self.begin_anew()
                self.replaced = f"{fault}; a new one was made, which starts from one reading of the balance"

    def begin_anew(self) -> None:
        """Put a book in which nothing has happened in the place of the one that is there.

        Raises:
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            self._patiently(lambda: self._open().ask(statements.begin_anew(self._account)))

    def close(self) -> None:
        """Close the line."""
        with self._mutex:
            self._lose()

    def _begin(self) -> View:
        view = self._view
        line = self._open()
        state = self._asked(line.prologue, self._begin_message)
        packed.unpack(state.book, self._buffer)
        view.events.clear()
        book = view.book
        if state.started_us != self._started_us:
            if self._started_us is not None:  # a pooler leads to another server, or to one that was started anew
                self._learn_epoch(line)
            self._started_us = state.started_us
        if self._is_forgetful(state):
            _doubt(view)
        self._is_doubtful = False
        if self._test_clock is None:
            self._set_clock(view, state)
        book.sequence += 1
        return view

    def _is_forgetful(self, state: RowState) -> bool:
        """Whether the server may have lost changes that it had confirmed, and nobody has noted that yet."""
        if self._is_doubtful and state.epoch != self._epoch:
            return True
        is_mine_there = clients.last_request(self._view, self.owner(), self._number) >= self._request
        return not is_mine_there and state.epoch == self._row_epoch

    def _asked(self, prologue: bytes, message: bytes) -> RowState:
        """The row as it is told, and the time taken from it."""
        asked_ns = self._local.now_ns()
        result = self._open().ask(prologue + message)
        self._moments = (asked_ns, self._local.now_ns())
        if not result.ntuples:
            raise NoLedger("there is no ledger of this key in the database: `sluicegate run` makes it")
        state = statements.state_of([result.get_value(0, column) for column in range(result.nfields)])
        self._alive = state.alive
        return state

    def _set_clock(self, view: View, state: RowState) -> None:
        """Go by the time the row was told at, less by how much the server's clock was ever set."""
        book = view.book
        now_ns = state.server_ns + book.shift_ns
        step_ns = self._clock.step_ns(now_ns, *self._moments)
        if not step_ns and now_ns < book.changed_ns - SLACK_NS:
            step_ns = now_ns - book.changed_ns
        if step_ns:
            book.shift_ns -= step_ns
            now_ns -= step_ns
            _doubt(view)
        elif not self._request and book.synced and now_ns - book.changed_ns > UNWATCHED_NS:
            _doubt(view)  # nobody was there who would have noticed that the clock was set
        self._clock.set(max(now_ns, book.changed_ns), *self._moments)

    def _has_happened(self, number: int) -> bool:
        """Whether change `number` of this process was committed; a transaction that is not over is waited for."""
        view = self._view
        state = self._asked(self._open().prologue, self._begin_message)
        packed.unpack(state.book, self._buffer)
        found = clients.last_request(view, self.owner(), self._number)
        self._open().undo()
        return found >= number

    def _patiently(self, work: Callable[[], T]) -> T:
        while True:
            try:
                result = work()
            except DatabaseTransient as error:
                self._undo()
                if cause_of(error).prefix != _LOCKED:  # its holder goes on, or the server ends it within seconds
                    self.patience.failed(error)
            else:
                self.patience.over()
                return result

    def _undo(self) -> None:
        try:
            if self._line is not None and not self._line.is_closed:
                self._line.undo()
        except DatabaseTransient:
            self._lose()

    def _open(self) -> Line:
        """The line; a new one after a loss, and in a forked child."""
        if self._pid != os.getpid():
            # The parent goes on with the line: it is neither used nor closed here.
            self._pid, self._inherited, self._line, self._request = os.getpid(), self._line, None, 0
        if self._line is None or self._line.is_closed:
            self._lose()
            line = self._line = self._connect()
            self._learn_epoch(line)
            self._started_us = None
        return self._line

    def _learn_epoch(self, line: Line) -> None:
        self._epoch = (line.ask(statements.EPOCH).get_value(0, 0) or b"").decode()
        self._is_doubtful = True

    def _lose(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._heard += line.notified + 1
            line.close()


class RowJournal:
    """The journal of a ledger in a row, read when it is asked for."""

    __slots__ = ("_home",)

    def __init__(self, home: RowHome) -> None:
        self._home = home

    def entries(self) -> list[journal.Entry]:
        """The last events, oldest first."""
        return self._home.events()


def _doubt(view: View) -> None:
    """Have the balance asked for at once: the last changes may be lost, and with them leases that somebody holds."""
    book = view.book
    book.needs_reading = 1
    book.asks = book.reader_pid = 0
    book.next_id += LOST_IDS
