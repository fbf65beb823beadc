"""When a closed gate opens: the expected time if nobody else acts, and the latest. Pure.

Days and hours divide the time to come. In each part of it the ticks are counted (`ledger/model/tick_waits.py`) on a
copy of the book as it will be when the part begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.model import budgets, gates
from ledger.model.book import Book
from ledger.model.bucket import tick_at_ns, ticks_due
from ledger.model.tick_waits import expected_ticks, latest_ticks
from ledger.model.view import View
from ledger.types import Wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_PARTS: Final = 40  # of the time to come, beyond which no time is told


def one_at_a_time() -> Wait:
    """A wait for the reply to the call that is open: what is believed of the plan must be confirmed first."""
    return Wait(until_ns=None, latest_ns=None, reason="in flight")


def wait_for(view: View, index: int, cost_mt: int, now_ns: int, ahead: Sequence[int] = ()) -> Wait:
    """How long tier `index` waits for `cost_mt` behind its older requests, which cost what is `ahead`."""
    if not view.book.synced:
        return Wait(until_ns=None, latest_ns=None, reason="unsynced")
    costs = (*ahead, cost_mt)
    until_ns = _expected_ns(view, index, sum(costs), now_ns)
    return Wait(
        until_ns=until_ns,
        latest_ns=_latest_ns(view, index, costs, now_ns),
        reason=_reason(view, index, costs, now_ns, is_known=until_ns is not None),
    )


def _reason(view: View, index: int, costs: Sequence[int], now_ns: int, *, is_known: bool) -> str:
    if len(costs) > 1:
        return "queue"
    barred = budgets.bar(view, index, costs[0], now_ns)
    if barred or is_known:
        return barred or "floor"
    return "in flight" if view.book.in_flight_mt else "queue"


def _parts(view: View, now_ns: int) -> Iterator[tuple[View, int, int | None]]:
    """The time from now on: the book as it will be if nobody acts, from when, and until when (None: for ever)."""
    at_ns: int | None = now_ns
    for _ in range(MAX_PARTS):
        if at_ns is None:
            return
        end_ns = budgets.next_change_ns(view, at_ns)
        yield view, at_ns, end_ns
        if end_ns is not None:
            view = View(Book.from_buffer_copy(view.book), is_whole=False)
            gates.advance(view, end_ns)
        at_ns = end_ns


def _expected_ns(view: View, index: int, need_mt: int, now_ns: int) -> int | None:
    for part, at_ns, end_ns in _parts(view, now_ns):
        if at_ns - now_ns > budgets.REPLAYED_NS:
            return None
        if budgets.bar(part, index, need_mt, at_ns):
            continue
        due = ticks_due(part.book, at_ns)
        ticks = expected_ticks(part, index, need_mt, due)
        until_ns = None if ticks is None else at_ns if ticks == due else tick_at_ns(part.book, ticks)
        if until_ns is not None and (end_ns is None or until_ns < end_ns):
            return until_ns
    return None


def _latest_ns(view: View, index: int, costs: Sequence[int], now_ns: int) -> int | None:
    """When the last of `costs` must have been served; None without a share, or when no window is certainly long enough.

    As many of them as a day and its hours allow are served from each time on at which the tier can begin to save.
    """
    if not view.tiers[index].share_ppm:
        return None
    if not budgets.has_rules(view.tiers[index]):
        return tick_at_ns(view.book, latest_ticks(view, index, sum(costs), ticks_due(view.book, now_ns)))
    told: list[tuple[int, int]] = []  # what is told for those before: the latest time, and the cost
    for part, at_ns, _ in _parts(view, now_ns):
        if told:
            if at_ns < told[-1][0]:
                continue
            part.tiers[index].earmark_nt = 0  # it paid for those before
        day_ns = budgets.day_begins_ns(part.book, at_ns)
        spent_mt = sum(cost_mt for latest_ns, cost_mt in told if latest_ns >= day_ns)
        if at_ns - now_ns >= budgets.DAY_NS:  # the calls that are open now may be charged tomorrow, but no later
            spent_mt -= budgets.open_mt(part, index)
        told += _served(part, index, costs[len(told) :], at_ns, spent_mt)
        if len(told) == len(costs):
            return told[-1][0]
    return None


def _served(view: View, index: int, costs: Sequence[int], at_ns: int, spent_mt: int) -> Iterator[tuple[int, int]]:
    """When the first of `costs` must have been served, as many as the tier's day and hours allow from then on.

    Of that day `spent_mt` are spent besides what is booked.
    """
    book, due, closes_ns = view.book, ticks_due(view.book, at_ns), budgets.closes_ns(view, index, at_ns)
    need_mt = 0
    for count, cost_mt in enumerate(costs, start=1):
        need_mt += cost_mt
        latest_ns = tick_at_ns(book, latest_ticks(view, index, need_mt, due, count))
        is_in_time = closes_ns is None or latest_ns < closes_ns
        if not is_in_time or budgets.bar(view, index, need_mt + spent_mt, at_ns):
            return
        yield latest_ns, cost_mt
