"""The home of a book that several hosts share: a row of the database.

A change takes two messages. The first begins a transaction, locks the row, and brings book and time; the second writes
the book and its events, and commits. Where the line breaks in between, the lock goes with it and nothing has happened;
where it breaks while the second is answered, the number of the change, which stands in the book, tells what happened.

Commits do not wait for the disk. A server that crashed may therefore have lost the last ones; it has another epoch
then, and whoever sees that first asks for one reading, which puts all right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import SystemClock, process
from ledger.model import clients
from ledger.model.book import BOOK_BYTES, Book
from ledger.model.view import View
from ledger.storage import packed
from ledger.storage.packed import FORMATS
from ledger.storage.transaction import change
from ledger.types import Owner
from tasks.errors import ConfigError, DatabaseTransient
from tasks.store.ledger_row import rules, statements
from tasks.store.ledger_row.book_row import BookRow
from tasks.store.ledger_row.connection import RowConnection
from tasks.store.ledger_row.row_journal import RowJournal
from tasks.store.ledger_row.rules import Epochs
from tasks.store.ledger_row.server_clock import ServerClock
from tasks.store.ledger_row.shared_line import SharedLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg.pq.abc import PGresult

    from ledger import Clock
    from ledger.model import journal
    from ledger.storage.packed import Format
    from tasks.store.ledger_row.patience import Patience
    from tasks.store.ledger_row.statements import RowState


class RowHome:
    """The row of one account, as one process sees it."""

    looks_first = True

    def __init__(
        self,
        server: str | SharedLine,
        account: int,
        host: int,
        *,
        name: str = "sluicegate ledger",
        clock: Clock | None = None,
        formats: Mapping[int, Format] = FORMATS,
    ) -> None:
        """Nothing is connected yet. `server` is a URL, for a line of its own, or the line that it shares with others.

        With a `clock`, in tests, the time is that and not the database's.
        """
        self.replaced = ""
        self._account = account
        self._host = host
        self._test_clock = clock
        local: Clock = clock or SystemClock()
        self._clock = ServerClock(local)
        shared = SharedLine(server, name) if isinstance(server, str) else server
        self._connection = RowConnection(shared, account, local)
        self._mutex = shared.mutex
        self._row_epoch = ""
        self._row = BookRow(self._connection, account, formats)
        self._written = self._row.newest
        self._buffer = memoryview(bytearray(BOOK_BYTES))
        self._view = View(Book.from_buffer(self._buffer))

    @property
    def patience(self) -> Patience:
        """What to do while the database cannot be used; it may be set at any time."""
        return self._connection.patience

    @patience.setter
    def patience(self, patience: Patience) -> None:
        self._connection.patience = patience

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
    def written(self) -> int:
        """The number of the format in which this process wrote the book last."""
        return self._written.number

    @property
    def epoch(self) -> str:
        """The life of the server, as this process read it last."""
        return self._connection.epoch

    @property
    def wake_value(self) -> int:
        """Changes with each notification, and with each line, since one may have been missed in between."""
        return self._connection.wake_value

    def owner(self) -> Owner:
        """This process on this host."""
        me = process.this_process()
        return Owner(self._host, me.pid, me.started)

    def is_alive(self, owner: Owner) -> bool:
        """Whether it runs: a process of this host by what the system says, another host's as long as that beats."""
        if owner.host == self._host:
            return process.is_alive(owner.pid, owner.started)
        return owner.host in self._connection.formats

    def begin(self) -> View:
        """Lock the row and copy the book.

        Raises:
            NoLedger: there is no such row.
            OtherFormat: another build wrote it.
            ConfigError: a copy of this process has changed it.
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        self._mutex.acquire()
        is_begun = False
        try:
            view = self._row.patiently(self._begin)
            is_begun = True
        finally:
            if not is_begun:
                self._connection.undo()
                self._mutex.release()
        return view

    def publish(self, view: View, entries: Sequence[journal.Fields]) -> bool:
        """Write the book and commit; False when it is certain that nothing was kept.

        Raises:
            DatabaseTransient: the database cannot be used now, and `patience` has ended; what happened is not known.
        """
        book, connection = view.book, self._connection
        number = connection.request + 1
        clients.note(view, self.owner(), connection.number, number, book.changed_ns)
        connection.tried = number
        message, is_prepared = b"", connection.is_prepared
        if entries:
            message = statements.record(self._account, book.journal_count, entries, is_prepared=is_prepared)
            book.journal_count += len(entries)
        if view.opens and book.waiter_count:
            message += statements.notify(self._account)
        data = packed.pack(self._buffer, book, self._written)
        written = statements.publish(
            self._account, data, self._written.number, book.sequence, connection.epoch, is_prepared=is_prepared
        )
        try:
            is_kept = connection.open().ask(written + message + b"COMMIT").command_status == b"COMMIT"
        except DatabaseTransient as error:
            connection.lose()
            connection.patience.failed(error)
            is_kept = self._row.patiently(lambda: self._has_happened(number))
        if is_kept:
            connection.request = max(connection.request, number)
            self._row_epoch = connection.epoch
        return is_kept

    def end(self) -> None:
        """Let the next one in; what was not published is undone."""
        try:
            self._connection.undo()
        finally:
            self._mutex.release()

    def wake(self) -> None:
        """Do nothing: the notification went out with the commit."""

    def sleep(self, seen: int, seconds: float) -> None:
        """Sleep until a notification comes, `seconds` or the connection's cap have passed, or on a signal."""
        self._connection.sleep(seen, seconds)

    def read(self) -> tuple[Book, journal.Journal]:
        """A copy of the book; its journal is asked for when it is wanted.

        Raises:
            NoLedger: there is no such row.
            OtherFormat: another build wrote it.
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            return self._row.patiently(self._read)[0], RowJournal(self._read_events)

    def create(self, name: str) -> None:
        """Make the row of this account unless it is there; begin its book anew where it cannot be read.

        Raises:
            OtherFormat: a newer build wrote it, and `patience` has ended.
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            self.replaced = self._row.make(name, self._read)

    def begin_anew(self) -> None:
        """Put a book in which nothing has happened in the place of the one that is there.

        Raises:
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            self._row.begin_anew()

    def carry_over(self) -> int:
        """Write the book in the newest format that all hosts read, unless it has that; the number of that format.

        Changes do so by themselves.

        Raises:
            NoLedger: there is no such row.
            OtherFormat: a newer build wrote it, and `patience` has ended.
            DatabaseTransient: the database cannot be used now, and `patience` has ended.
        """
        with self._mutex:
            found = self._row.patiently(self._read)[1]
        written = self._row.format_to_write().number
        if found != written:
            change(self, lambda _view: None)
        return written

    def close(self) -> None:
        """Close the line, unless other rows use it."""
        with self._mutex:
            self._connection.close()

    def _read(self) -> tuple[Book, int]:
        """A copy of the book, and the number of its format."""
        state = self._connection.read()
        raw = memoryview(bytearray(BOOK_BYTES))
        found = self._row.unpack(state, raw)
        book = Book.from_buffer(raw)
        now_ns, moments = state.server_ns + book.shift_ns, self._connection.moments
        if not self._clock.step_ns(now_ns, *moments):  # what was set is put right by the next change
            self._clock.set(now_ns, *moments)
        return book, found

    def _read_events(self) -> PGresult:
        with self._mutex:
            return self._row.events()

    def _begin(self) -> View:
        view, connection = self._view, self._connection
        state = connection.lock()
        self._row.unpack(state, self._buffer)
        self._written = self._row.format_to_write()
        view.events.clear()
        last = clients.last_request(view, self.owner(), connection.number)
        if rules.was_copied(last, request=connection.request, tried=connection.tried):
            raise ConfigError(rules.COPIED)
        if self._may_have_lost(state, last):
            rules.doubt(view)
        connection.is_new = False
        if self._test_clock is None:
            rules.set_clock(view, self._clock, state.server_ns, connection.moments, is_first=not connection.request)
        view.book.sequence += 1
        return view

    def _may_have_lost(self, state: RowState, last: int) -> bool:
        connection = self._connection
        epochs = Epochs(now=connection.epoch, in_row=state.epoch, at_last_change=self._row_epoch)
        return rules.may_have_lost(epochs, is_line_new=connection.is_new, is_mine_there=last >= connection.request)

    def _has_happened(self, number: int) -> bool:
        """Whether change `number` of this process was committed; a transaction that is not over is waited for."""
        state = self._connection.lock()
        self._row.unpack(state, self._buffer)
        found = clients.last_request(self._view, self.owner(), self._connection.number)
        self._connection.open().undo()
        return found >= number
