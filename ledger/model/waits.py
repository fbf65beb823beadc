"""When a closed gate opens: the expected time if nobody else acts, and the latest. Pure."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ledger.model.book import PPM
from ledger.model.bucket import balance_after, capacity_mt, tick_at_ns, ticks_due
from ledger.model.gates import has_common, has_earmark, oldest_waiter
from ledger.types import Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.model.view import View


def one_at_a_time() -> Wait:
    """A wait for the reply to the call that is open: what is believed of the plan must be confirmed first."""
    return Wait(until_ns=None, latest_ns=None, reason="in flight")


def wait_for(view: View, index: int, cost_mt: int, now_ns: int, ahead_mt: int = 0) -> Wait:
    """How long tier `index` waits for `cost_mt` with `ahead_mt` of older requests of the tier before it."""
    book = view.book
    if not book.synced:
        return Wait(until_ns=None, latest_ns=None, reason="unsynced")
    due = ticks_due(book, now_ns)
    need_mt = cost_mt + ahead_mt
    latest = _latest_ticks(view, index, need_mt, due)
    latest_ns = None if latest is None else tick_at_ns(book, latest)
    expected = _expected_ticks(view, index, need_mt, due)
    if ahead_mt or (expected is None and not book.in_flight_mt):
        reason = "queue"
    else:
        reason = "in flight" if expected is None else "floor"
    until_ns = None if expected is None else now_ns if expected == due else tick_at_ns(book, expected)
    return Wait(until_ns=until_ns, latest_ns=latest_ns, reason=reason)


def _expected_ticks(view: View, index: int, need_mt: int, due: int) -> int | None:
    """Ticks after which the gate is open if nobody else acts; None if it then stays closed for ever.

    What the common pool leaves grows until the bucket is full and shrinks from there on, as the earmarks of the
    others grow; at the next tick it also gets what tiers kept that wait for nothing. Earmarks and the balance only
    grow. So each is found by bisection.
    """
    book = view.book
    full = due - (balance_after(book, due) - capacity_mt(book)) // book.rate_mt
    tops = (full,) if full > due else (due, due + 1)
    found = [_first(due, top, lambda ticks: has_common(view, index, need_mt, ticks, ticks - due)) for top in tops]
    if view.tiers[index].share_ppm and oldest_waiter(view, index) >= 0:
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


def _latest_ticks(view: View, index: int, need_mt: int, due: int) -> int | None:
    """Ticks after which tier `index` must have had `need_mt`, whatever the others do; None without a share.

    Its earmark has grown to that after `need / (share x rate)` ticks, and a tick more for each request before it. The
    tokens are there too, unless the earmarks together exceed the balance: in a debt, or when all of them have grown
    beyond what the bucket holds. What is missing then comes in at the rate less the shares of the others.
    """
    book, tiers = view.book, view.tiers[: view.book.tier_count]
    mine = tiers[index].share_ppm
    if not mine:
        return None
    waiting = sum(waiter.tier == index for waiter in view.waiters[: book.waiter_count])
    saving = _saving_ticks(view, index, need_mt) + waiting
    shares = sum(tier.share_ppm for tier in tiers)
    saved_mt = sum(tier.earmark_nt for tier in tiers) // PPM
    max_saved_mt = saved_mt + saving * book.rate_mt * shares // PPM
    short_mt = max(0, saved_mt - balance_after(book, due) + book.in_flight_mt, max_saved_mt - capacity_mt(book))
    spare_mt = book.rate_mt * (PPM - shares + mine) // PPM
    return due + saving - (-short_mt // spare_mt) + 1
