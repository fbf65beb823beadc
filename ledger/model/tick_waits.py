"""After how many ticks a closed gate opens: if nobody else acts, and whatever they do. Pure.

Days and hours (`ledger/model/budgets.py`) are not considered: who is barred now, stays so.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ledger.model.book import PPM
from ledger.model.bucket import balance_after, capacity_mt
from ledger.model.gates import has_common, has_earmark, is_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.model.view import View


def expected_ticks(view: View, index: int, need_mt: int, due: int) -> int | None:
    """Ticks after which the gate is open if nobody else acts; None if it then stays closed for ever.

    What the common pool leaves grows until the bucket is full and shrinks from there on, as the earmarks of the
    others grow; at the next tick it also gets what tiers kept that wait for nothing. Earmarks and the balance only
    grow. So each is found by bisection.
    """
    book = view.book
    full = due - (balance_after(book, due) - capacity_mt(book)) // book.rate_mt
    tops = (full,) if full > due else (due, due + 1)
    found = [_first(due, top, lambda ticks: has_common(view, index, need_mt, ticks, ticks - due)) for top in tops]
    if view.tiers[index].share_ppm and is_waiting(view, index):
        paid = due + _saving_ticks(view, index, need_mt)
        found.append(_first(due, max(full, paid), lambda ticks: has_earmark(view, index, need_mt, ticks, ticks - due)))
    return min((ticks for ticks in found if ticks is not None), default=None)


def _first(low: int, high: int, is_open: Callable[[int], bool]) -> int | None:
    """The first number from `low` to `high` at which it is open, which it then stays; None if it is not at `high`."""
    if not is_open(high):
        return None
    return low + bisect_left(range(low, high), True, key=is_open)


def _saving_ticks(view: View, index: int, need_mt: int) -> int:
    """Ticks until tier `index`, which has a share, has an earmark of `need_mt`."""
    missing_nt = max(0, need_mt * PPM - view.tiers[index].earmark_nt)
    return -(-missing_nt // (view.book.rate_mt * view.tiers[index].share_ppm))


def latest_ticks(view: View, index: int, need_mt: int, due: int, waiting: int | None = None) -> int:
    """Ticks after which tier `index`, which has a share, must have had `need_mt`, whatever the others do.

    That is what so many requests ask for together, or all that wait.

    Its earmark has grown to that after `need / (share x rate)` ticks, and a tick more for each request before it. The
    tokens are there too, unless the earmarks together exceed the balance: in a debt, or when all of them have grown
    beyond what the bucket holds. What is missing then comes in at the rate less the shares of the others.
    """
    book, tiers = view.book, view.tiers[: view.book.tier_count]
    mine = tiers[index].share_ppm
    if waiting is None:
        waiting = sum(waiter.tier == index for waiter in view.waiters[: book.waiter_count])
    saving = _saving_ticks(view, index, need_mt) + waiting
    shares = sum(tier.share_ppm for tier in tiers)
    saved_mt = sum(tier.earmark_nt for tier in tiers) // PPM
    max_saved_mt = saved_mt + saving * book.rate_mt * shares // PPM
    short_mt = max(0, saved_mt - balance_after(book, due) + book.in_flight_mt, max_saved_mt - capacity_mt(book))
    spare_mt = book.rate_mt * (PPM - shares + mine) // PPM
    return due + saving - (-short_mt // spare_mt) + 1
