"""Who may spend now: tiers with floors, guaranteed shares and earmarks. Pure functions of a Book and a time.

A request of cost `c` by tier `i` is granted iff it is the oldest of its tier and either
- common: `balance - in_flight - holds_i - c >= floor_i`, or
- earmark: `c <= earmark_i` and `balance - in_flight - c >= 0`.

`holds_i` is what waits elsewhere: of a tier above, the larger of its earmark and all it asks for, so that a lower
tier never spends what an upper one is waiting to collect; of a tier below, its earmark. An earmark grows by its
share of each refill while the tier waits, up to its share of the capacity or the cost of its oldest request,
whichever is larger, is spent first, and falls to zero when nothing waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.book import MT, PPM
from ledger.bucket import balance_after, capacity_mt, tick_at_ns, ticks_due

if TYPE_CHECKING:
    from ledger.view import View

_SEARCH_TICKS: Final = 2_000  # the longest climb from a deep debt that is worth working out exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now. `until_ns`: when it opens if nobody else acts; `latest_ns`: when it must at the latest (clock ns).

    None means that only an event can tell (no reading yet, or open calls hold what is needed).
    """

    until_ns: int | None
    latest_ns: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """Tokens one request of the tier could get: at once, and at the most ever."""

    now: int
    ever: int


def floor_mt(view: View, index: int) -> int:
    """What tier `index` must leave, in milli-tokens, on the present plan."""
    tier = view.tiers[index]
    return min(tier.floor_mt, capacity_mt(view.book) * tier.floor_ppm // PPM)


def head(view: View, index: int) -> int:
    """Position of the oldest waiter of tier `index`, or -1."""
    oldest = -1
    for i in range(view.book.waiter_count):
        waiter = view.waiters[i]
        if waiter.tier == index and (oldest < 0 or waiter.ticket < view.waiters[oldest].ticket):
            oldest = i
    return oldest


def demand_mt(view: View, index: int) -> int:
    """What the waiters of tier `index` ask for together."""
    waiters = view.waiters
    return sum(waiters[i].cost_mt for i in range(view.book.waiter_count) if waiters[i].tier == index)


def earmark_cap_mt(view: View, index: int) -> int:
    """The most tier `index` may set aside."""
    oldest = head(view, index)
    share = capacity_mt(view.book) * view.tiers[index].share_ppm // PPM
    return max(share, view.waiters[oldest].cost_mt if oldest >= 0 else 0)


def grown_earmark_mt(view: View, index: int, ticks: int) -> int:
    """Tier `index`'s earmark after `ticks` more ticks of waiting."""
    tier = view.tiers[index]
    grown = tier.earmark_mt + ticks * view.book.rate_mt * tier.share_ppm // PPM
    return max(tier.earmark_mt, min(grown, earmark_cap_mt(view, index)))


def advance(view: View, now_ns: int) -> None:
    """Bring the earmark of every tier that waits up to the ticks due by `now_ns`; the others have none."""
    book = view.book
    if not book.waiter_count:
        return
    tick = book.tick_index + ticks_due(book, now_ns)
    for index in range(book.tier_count):
        tier = view.tiers[index]
        if tier.share_ppm and tick > tier.earmark_tick and head(view, index) >= 0:
            tier.earmark_mt = grown_earmark_mt(view, index, tick - tier.earmark_tick)
            tier.earmark_tick = tick


def most_ever_mt(view: View, index: int) -> int:
    """The largest cost tier `index` is certain to be granted sooner or later, in milli-tokens.

    With a share the earmark grows to any cost below capacity less floor. Without one only the common pool serves,
    from which the other tiers' earmarks may be missing.
    """
    tiers = view.tiers
    capacity = capacity_mt(view.book)
    if not tiers[index].share_ppm:
        shares = sum(tiers[i].share_ppm for i in range(view.book.tier_count))
        capacity = capacity * (PPM - shares) // PPM
    return max(0, capacity - floor_mt(view, index))


def is_open(view: View, index: int, cost_mt: int, now_ns: int) -> bool:
    """Whether the tokens are there for tier `index` to spend `cost_mt` now, its queue apart."""
    return _opens(view, index, cost_mt, ticks_due(view.book, now_ns), 0)


def headroom(view: View, index: int, now_ns: int) -> Headroom:
    """What a request of tier `index` could get, in whole tokens; now is 0 while older ones of the tier wait."""
    ever = most_ever_mt(view, index) // MT
    if head(view, index) >= 0 or not view.book.synced:
        return Headroom(now=0, ever=ever)
    ticks = ticks_due(view.book, now_ns)
    free = balance_after(view.book, ticks) - view.book.in_flight_mt
    room = free - _holds_mt(view, index, 0) - floor_mt(view, index)
    return Headroom(now=max(0, min(room // MT, ever)), ever=ever)


def wait_for(view: View, index: int, cost_mt: int, now_ns: int, ahead_mt: int = 0) -> Wait:
    """How long tier `index` waits for `cost_mt` with `ahead_mt` of older requests of the tier before it."""
    book = view.book
    if not book.synced:
        return Wait(until_ns=None, latest_ns=None, reason="unsynced")
    due = ticks_due(book, now_ns)
    need = cost_mt + ahead_mt
    latest = _latest_ticks(view, index, need, due)
    latest_ns = None if latest is None else tick_at_ns(book, latest)
    for ticks in range(due, due + _ticks_to_search(view, index, need, due)):
        if _opens(view, index, need, ticks, ticks - due):
            until_ns = now_ns if ticks == due else tick_at_ns(book, ticks)
            return Wait(until_ns=until_ns, latest_ns=latest_ns, reason="queue" if ahead_mt else "floor")
    reason = "in flight" if book.in_flight_mt else "queue"
    return Wait(until_ns=None, latest_ns=latest_ns, reason=reason)


def _ticks_to_search(view: View, index: int, need_mt: int, due: int) -> int:
    """After how many ticks nothing improves any more: the bucket is full and the own earmark paid for."""
    book, tier = view.book, view.tiers[index]
    if book.rate_mt <= 0:
        return 1
    ticks = -(-max(0, capacity_mt(book) - balance_after(book, due)) // book.rate_mt)
    gain = book.rate_mt * tier.share_ppm // PPM
    if gain and head(view, index) >= 0:
        ticks = max(ticks, -(-max(0, need_mt - tier.earmark_mt) // gain))
    return min(ticks + 1, _SEARCH_TICKS)


def _latest_ticks(view: View, index: int, need_mt: int, due: int) -> int | None:
    """Ticks after which the earmark must have paid for `need_mt`, whatever the other tiers do; None without a share.

    The earmark needs `need / (share x rate)` ticks. Meanwhile the others take at most their own shares on average and
    one request each beyond it, so the balance needs at most the debt and those requests divided by what is left over.
    """
    book, tier = view.book, view.tiers[index]
    gain = book.rate_mt * tier.share_ppm // PPM
    if gain <= 0:
        return None
    others = sum(view.tiers[i].share_ppm for i in range(book.tier_count) if i != index)
    spare = max(1, book.rate_mt * (PPM - others) // PPM)
    bursts = sum(earmark_cap_mt(view, i) for i in range(book.tier_count) if i != index)
    missing = max(0, need_mt + bursts + book.in_flight_mt - balance_after(book, due))
    return due + max(-(-max(0, need_mt - tier.earmark_mt) // gain), -(-missing // spare)) + 1


def _holds_mt(view: View, index: int, more_ticks: int) -> int:
    held = 0
    for other in range(view.book.tier_count):
        if other != index and head(view, other) >= 0:
            earmark = grown_earmark_mt(view, other, more_ticks)
            held += max(earmark, demand_mt(view, other)) if other < index else earmark
    return held


def _opens(view: View, index: int, cost_mt: int, ticks: int, more_ticks: int) -> bool:
    """Whether the gate is open `ticks` after the Book's state, `more_ticks` of them after the earmarks'."""
    free = balance_after(view.book, ticks) - view.book.in_flight_mt - cost_mt
    if free < 0:
        return False
    if cost_mt <= view.tiers[index].earmark_mt:
        return True
    if more_ticks and head(view, index) >= 0 and cost_mt <= grown_earmark_mt(view, index, more_ticks):
        return True
    if not view.book.waiter_count:
        return free >= floor_mt(view, index)
    return free - _holds_mt(view, index, more_ticks) >= floor_mt(view, index)
