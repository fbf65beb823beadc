"""When the server is asked for a reading that costs nothing, and by whom. Pure functions of a View and a time.

It is asked before the first grant, after a call whose outcome is unknown, and rarely during long waits: a wrong
balance, another plan or bought tokens would otherwise be noticed only after the wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.model.book import reader_of
from ledger.model.journal import NO_TIER, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.model.view import View
    from ledger.types import Owner, Wait

CLAIM_NS: Final = 30_000_000_000  # another caller may take over a claim on the next reading that is older
LOOK_NS: Final = 900_000_000_000  # between two looks during waits, all workers together: 15 min
MAX_ASKS: Final = 20
LONG_TICKS: Final = 3  # a wait no longer than this many ticks is not worth a look, unless the tick itself is long


def claim_reading(view: View, owner: Owner, now_ns: int, is_alive: Callable[[Owner], bool]) -> bool:
    """Whether a reading is needed and this owner is the one to ask for it."""
    if not may_claim_reading(view, owner, now_ns, is_alive):
        return False
    _claim(view, owner, now_ns)
    return True


def may_claim_reading(view: View, owner: Owner, now_ns: int, is_alive: Callable[[Owner], bool]) -> bool:
    """Whether this owner would be the one to ask for a reading; the claim is not taken."""
    book = view.book
    if book.synced and not book.needs_reading:
        return False
    if now_ns < next_ask_ns(view):
        return False
    reader = reader_of(book)
    is_fresh = now_ns - book.reader_since_ns < CLAIM_NS
    return not (reader.pid and reader != owner and is_fresh and is_alive(reader))


def claim_look(view: View, wait: Wait, owner: Owner, now_ns: int) -> bool:
    """Whether the wait is long, and this owner is the one to look at the balance meanwhile."""
    is_long = may_look(view, wait, now_ns)
    if is_long:
        _claim(view, owner, now_ns)
    return is_long


def may_look(view: View, wait: Wait, now_ns: int) -> bool:
    """Whether a look during that wait is due; the claim is not taken."""
    book = view.book
    if not book.synced or book.needs_reading or now_ns < next_look_ns(view):
        return False
    if wait.until_ns is None:
        return now_ns - book.synced_ns >= LOOK_NS
    return wait.until_ns - now_ns > min(LONG_TICKS * book.period_ns, LOOK_NS)


def claim_blind(view: View, now_ns: int) -> bool:
    """Take the turn to make one small call although the balance is unknown, which its reply tells; whether it is due.

    It is due once a tick, with no other call open, when the server gave no usable answer to the question.
    """
    book = view.book
    if not may_go_blind(view, now_ns):
        return False
    book.blind_ns = now_ns
    return True


def may_go_blind(view: View, now_ns: int) -> bool:
    """Whether such a call is due; the turn is not taken."""
    book = view.book
    is_due = not book.blind_ns or now_ns - book.blind_ns >= book.period_ns
    return not book.synced and book.asks > 0 and not book.lease_count and is_due


def answered_badly(view: View, now_ns: int) -> None:
    """Note that the server gave no usable answer: the next question waits, and a reading in doubt is tested.

    The owner that asked loses its claim.
    """
    book = view.book
    is_only_odd = book.doubt_count > 0 and book.doubt_ns >= book.asked_ns  # unlike others it can be true
    book.asks = 1 if is_only_odd else min(book.asks + 1, MAX_ASKS)
    book.asked_ns = max(now_ns, 1)
    book.reader_pid = 0
    if book.synced and book.doubt_count:
        book.needs_reading = 1


def next_try_ns(view: View, now_ns: int) -> int:
    """When a question, a blind call or a look is due next."""
    book = view.book
    if book.synced:
        due_ns = next_ask_ns(view) if book.needs_reading else next_look_ns(view)
    else:
        due_ns = min(next_ask_ns(view), book.blind_ns + book.period_ns)
    return max(due_ns, now_ns)


def next_ask_ns(view: View) -> int:
    """When the server may be asked again after unusable answers: ever more rarely.

    A reading that only contradicts what is known is tested at once.
    """
    book = view.book
    if not book.asks:
        return 0
    if book.asks == 1 and book.doubt_count:
        return book.asked_ns
    return book.asked_ns + int(min(book.period_ns << book.asks - 1, LOOK_NS))


def next_look_ns(view: View) -> int:
    """When the next look during a wait is due."""
    return int(view.book.asked_ns + LOOK_NS) if view.book.asked_ns else 0


def _claim(view: View, owner: Owner, now_ns: int) -> None:
    book = view.book
    book.reader_host, book.reader_pid, book.reader_start = owner
    book.reader_since_ns = now_ns
    book.asked_ns = now_ns
    view.events.append((Event.READING, NO_TIER, 0, owner))
