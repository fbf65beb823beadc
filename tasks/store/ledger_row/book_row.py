"""The book in its row: unpacked, made, begun anew, and the format in which it is written.

A book of a newer build is waited for: an older host may write it in a format that both read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ledger import Damaged, OtherFormat
from ledger.storage import packed
from tasks.store.ledger_row import rules, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg.pq.abc import PGresult

    from ledger.storage.packed import Format
    from tasks.store.ledger_row.connection import RowConnection
    from tasks.store.ledger_row.statements import RowState

T = TypeVar("T")


class BookRow:
    """The row of one account, for callers that hold the mutex of its line.

    Each method raises DatabaseTransient when the database cannot be used now, and `patience` has ended.
    """

    def __init__(self, connection: RowConnection, account: int, formats: Mapping[int, Format]) -> None:
        """Nothing is asked yet. `formats` are those that this build reads, by their numbers."""
        self._connection = connection
        self._account = account
        self._formats = formats

    @property
    def newest(self) -> Format:
        """The newest format that this build knows."""
        return self._formats[max(self._formats)]

    def format_to_write(self) -> Format:
        """The newest format that every host reads, of those that beat when the row was read last."""
        return rules.format_to_write(self._formats, self._connection.formats.values())

    def unpack(self, state: RowState, into: memoryview) -> int:
        """Copy the book to where it is read; the number of the format that it was written in.

        Raises:
            OtherFormat: another build wrote it.
            Damaged: its bytes are not what was written.
        """
        return packed.unpack(state.book, into, self._formats)

    def patiently(self, work: Callable[[], T]) -> T:
        """What `work` makes of the row, as soon as the database can be used and the book be read.

        Raises:
            OtherFormat: another build wrote it, and `patience` has ended.
        """
        while True:
            try:
                return self._connection.patiently(work)
            except OtherFormat as error:
                self._connection.undo()
                if error.found <= (newest := self.newest.number):
                    raise
                self._connection.patience.unreadable(rules.too_new(error, newest))

    def make(self, name: str, read: Callable[[], object]) -> str:
        """Make the row unless it is there, and begin its book anew where `read` cannot read it.

        Returns a sentence when the book was begun anew, else nothing.

        Raises:
            OtherFormat: a newer build wrote it, and `patience` has ended.
        """
        connection = self._connection
        connection.patiently(
            lambda: connection.open().ask(statements.create(self._account, name, connection.epoch, self.newest))
        )
        try:
            self.patiently(read)
        except (OtherFormat, Damaged) as fault:
            if isinstance(fault, OtherFormat) and fault.found > self.newest.number:
                raise
            self.begin_anew()
            return f"{fault}; a new one was made, which starts from one reading of the balance"
        return ""

    def begin_anew(self) -> None:
        """Put a book in which nothing has happened in the place of the one that is there."""
        self._ask(lambda: statements.begin_anew(self._account, self.newest))

    def events(self) -> PGresult:
        """The journal."""
        return self._ask(lambda: statements.events(self._account))

    def _ask(self, message: Callable[[], bytes]) -> PGresult:
        return self._connection.patiently(lambda: self._connection.open().ask(message()))
