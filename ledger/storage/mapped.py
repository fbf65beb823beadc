"""The home of a book on one machine: a region in a mapped file, or in the plain memory of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import process
from ledger.model.journal import Ring
from ledger.storage import futex
from ledger.types import Owner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.clock import Clock
    from ledger.model import journal
    from ledger.model.book import Book
    from ledger.model.view import View
    from ledger.storage.region import Region


class MappedHome:
    """A region, the clock of the machine, and how its waiters sleep."""

    looks_first = False
    ahead_ns = 0

    def __init__(self, region: Region, clock: Clock) -> None:
        self.region = region
        self.replaced = region.replaced
        self._clock = clock
        self._waker = None if memoryview(region.buffer).readonly else futex.waker_for(region)

    @property
    def clock(self) -> Clock:
        """The clock of the machine, which all its processes have in common."""
        return self._clock

    @property
    def is_current(self) -> bool:
        """Whether the times in the book are of this boot."""
        return self.region.is_of_this_boot

    @property
    def wake_value(self) -> int:
        """The counter in the region."""
        return self.region.wake_value

    def owner(self) -> Owner:
        """This process, on the only host there is."""
        me = process.this_process()
        return Owner(0, me.pid, me.started)

    def is_alive(self, owner: Owner) -> bool:
        """Whether it runs on this machine."""
        return process.is_alive(owner.pid, owner.started)

    def begin(self) -> View:
        """Take the lock, and copy the current book.

        Raises:
            Damaged: no sound book is left, or the file was replaced by a newer one.
        """
        return self.region.begin()

    def publish(self, view: View, entries: Sequence[journal.Fields]) -> bool:
        """Write the entries and make the book the current one; always True."""
        number = view.book.journal_count
        for entry in entries:
            self.region.write_entry(number, entry)
            number += 1
        view.book.journal_count = number
        if view.opens:
            self.region.wake()
        self.region.publish(view)
        return True

    def end(self) -> None:
        """Release the lock."""
        self.region.end()

    def wake(self) -> None:
        """Wake those who sleep."""
        if self._waker is not None:
            self._waker.wake()

    def sleep(self, seen: int, seconds: float) -> None:
        """Sleep until the counter is no longer `seen`, or `seconds` (at most `futex.CAP_S`) have passed."""
        if self._waker is not None and seconds > 0:
            self._waker.sleep(seen, seconds)

    def read(self) -> tuple[Book, Ring]:
        """A sound copy of the newest book and of its journal, without any lock.

        Raises:
            Damaged: there is none.
        """
        book, ring = self.region.read()
        return book, Ring(ring, book.journal_count)

    def close(self) -> None:
        """Close the lock."""
        self.region.close()
