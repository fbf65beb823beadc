"""One change of the book: locked, journalled, published, and the waiters woken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import NeedsReading
from ledger.model import bucket
from ledger.storage import futex

if TYPE_CHECKING:
    from types import TracebackType

    from ledger.clock import Clock
    from ledger.model.view import View
    from ledger.storage.region import Region


class Transactions:
    """Transactions on one region."""

    def __init__(self, region: Region, clock: Clock) -> None:
        self._region = region
        self._clock = clock
        self._waker = None if memoryview(region.buffer).readonly else futex.waker_for(region)

    def change(self, *, opens: bool = False) -> Transaction:
        """A book to change, published when the block ends without an error; with `opens`, waiters look again then.

        A block that ends with NeedsReading is published too: the claim to that reading is in the book.

        Raises:
            Damaged: no sound book is left, or the file was replaced.
        """
        return Transaction(self, self._region, opens=opens)

    def wake(self) -> None:
        """Let every waiter look again."""
        if self._waker is not None:
            self._waker.wake()

    def sleep(self, seen: int, seconds: float) -> None:
        """Sleep until the wake counter is no longer `seen`, or `seconds` (at most `futex.CAP_S`) have passed."""
        if self._waker is not None and seconds > 0:
            self._waker.sleep(seen, seconds)

    def stamp(self, view: View) -> None:
        """Note when the book changed, and write what happened to the journal."""
        book = view.book
        now_ns = self._clock.now_ns()
        book.changed_ns = now_ns
        if not view.events:
            return
        balance_mt = bucket.balance_after(book, bucket.ticks_due(book, now_ns))
        sequence, number = book.sequence, book.journal_count
        for event, tier, tokens_mt, pid in view.events:
            self._region.write_entry(number, (sequence, now_ns, tokens_mt, balance_mt, pid, event, tier))
            number += 1
        book.journal_count = number


class Transaction:
    """One transaction as a context; a class and no generator, which would take a third of the time of the whole.

    `opens`: waiters look again afterwards; it may be set until the block ends.
    """

    __slots__ = ("_changes", "_region", "_view", "opens")

    def __init__(self, changes: Transactions, region: Region, *, opens: bool) -> None:
        self._changes = changes
        self._region = region
        self.opens = opens

    def __enter__(self) -> View:
        self._view = self._region.begin()
        return self._view

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        has_waiters = False
        try:
            if kind is None or issubclass(kind, NeedsReading):
                view = self._view
                self._changes.stamp(view)
                if self.opens:
                    self._region.wake()
                    has_waiters = view.book.waiter_count > 0
                self._region.publish(view)
        finally:
            self._region.end()
        if has_waiters:
            self._changes.wake()
