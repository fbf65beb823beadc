"""One change of the book: begun, journalled, published, and the waiters woken."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ledger.errors import NeedsReading
from ledger.model import bucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.model import journal
    from ledger.model.view import View
    from ledger.storage.home import Home

T = TypeVar("T")


def change(home: Home, work: Callable[[View], T], *, opens: bool = False) -> T:
    """What `work` returns of the book that it changed, which is published then.

    With `opens`, or where `work` sets that of its view, waiters look again. `work` may be called several times, each
    time on a fresh copy, where the home could not keep what it did; so it changes nothing else. If it ends with
    NeedsReading its change is published too, because the claim to that reading is in the book. Any other error
    publishes nothing.

    Raises:
        LedgerError: see `Home.begin` and `Home.publish`.
    """
    while True:
        view = home.begin()
        has_waiters = False
        try:
            view.opens = opens
            try:
                result = work(view)
            except NeedsReading:
                if home.publish(view, _stamped(home, view)):
                    raise
                continue
            if not home.publish(view, _stamped(home, view)):
                continue
            has_waiters = view.opens and view.book.waiter_count > 0
        finally:
            home.end()
            if has_waiters:
                home.wake()
        return result


def _stamped(home: Home, view: View) -> list[journal.Fields]:
    """Note in the book when it changed; what happened, as entries of the journal."""
    book, now_ns = view.book, home.clock.now_ns()
    book.changed_ns = now_ns
    if not view.events:
        return []
    balance_mt = bucket.balance_after(book, bucket.ticks_due(book, now_ns))
    return [
        (book.sequence, now_ns, tokens_mt, balance_mt, owner.pid, event, tier, owner.host)
        for event, tier, tokens_mt, owner in view.events
    ]
