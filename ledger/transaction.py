"""One change of the book: locked, journalled, published, and the waiters told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ledger import bucket, journal, wake
from ledger.errors import NeedsReading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.clock import Clock
    from ledger.region import Region
    from ledger.view import View


class Changes:
    """Transactions on one region."""

    def __init__(self, region: Region, clock: Clock) -> None:
        self._region = region
        self._clock = clock
        self._waker = None if memoryview(region.buffer).readonly else wake.waker_for(region)

    @contextmanager
    def change(self, *, opens: bool = False) -> Iterator[View]:
        """A book to change, published when the block ends well; with `opens`, waiters look again afterwards.

        A block that ends with NeedsReading is published too: the claim to that reading stands in the book.

        Raises:
            Damaged: no sound book is left, or the file was replaced.
        """
        claim: NeedsReading | None = None
        with self._region.transaction() as view:
            try:
                yield view
            except NeedsReading as error:
                claim = error
            self._journal(view)
            if opens:
                self._region.wake()
            has_waiters = view.book.waiter_count > 0
        if claim is not None:
            raise claim
        if opens and has_waiters:
            self.wake()

    def wake(self) -> None:
        """Let every waiter look again."""
        if self._waker is not None:
            self._waker.wake()

    def sleep(self, seen: int, seconds: float) -> None:
        """Until the wake counter is no longer `seen`, or `seconds` (at most `wake.CAP_S`) have passed."""
        if self._waker is not None and seconds > 0:
            self._waker.sleep(seen, seconds)

    def _journal(self, view: View) -> None:
        book = view.book
        book.changed_ns = self._clock.now_ns()
        balance = bucket.balance_after(book, bucket.ticks_due(book, book.changed_ns))
        for event, tier, tokens_mt, pid in view.events:
            entry = journal.Entry(
                sequence=book.sequence,
                at_ns=book.changed_ns,
                event=journal.Event(event),
                tier=tier,
                tokens_mt=tokens_mt,
                balance_mt=balance,
                pid=pid,
            )
            self._region.write_entry(book.journal_count, entry)
            book.journal_count += 1
