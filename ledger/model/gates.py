"""Who may spend now: tiers with floors, guaranteed shares and earmarks. Pure functions of a Book and a time.

A request of cost `c` by tier `i` is granted iff it is the oldest of its tier and either
- from the common pool, if `balance - in_flight - set_aside_i - c >= floor_i`, or
- from its earmark, if `c <= earmark_i` and `balance - in_flight - c >= 0`.

`set_aside_i` is the sum of what is kept for the others: for a tier above, the larger of its earmark and all it asks
for, so that a lower tier never spends what an upper one is waiting to collect; for a tier below, its earmark. An
earmark grows by its share of each refill while the tier waits, up to its share of the capacity or the cost of its
oldest request, whichever is larger, and is spent first. When nothing waits it is kept while a call of the tier is
under way, and falls to zero at the tick after it. A tier that is barred by its budget or its hours
(`ledger/model/budgets.py`) waits for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.model import budgets
from ledger.model.book import MT, PPM
from ledger.model.bucket import balance_after, capacity_mt, ticks_due
from ledger.model.floors import floor_mt
from ledger.types import NS_PER_S, Headroom

if TYPE_CHECKING:
    from ledger.model.view import View

ROUNDING_TICKS: Final = 2  # of a window: the tick under way when it opens, and one for the rounding of the earmark


def oldest_waiter(view: View, index: int) -> int:
    """Position of the oldest waiter of tier `index`, or -1; of one that is passed over only when all of them are."""
    oldest, least = -1, (False, 0)
    for i in range(view.book.waiter_count):
        waiter = view.waiters[i]
        if waiter.tier != index:
            continue
        rank = (waiter.is_passed_over, waiter.ticket)
        if oldest < 0 or rank < least:
            oldest, least = i, rank
    return oldest


def is_waiting(view: View, index: int) -> bool:
    """Whether tier `index` waits for tokens: it has a waiter, and is not barred."""
    return not view.tiers[index].barred and oldest_waiter(view, index) >= 0


def has_lease(view: View, index: int) -> bool:
    """Whether tier `index` has an open lease."""
    return any(lease.tier == index for lease in view.leases[: view.book.lease_count])


def demand_mt(view: View, index: int) -> int:
    """What the waiters of tier `index` ask for together."""
    waiters = view.waiters
    return sum(waiters[i].cost_mt for i in range(view.book.waiter_count) if waiters[i].tier == index)


def earmark_cap_mt(view: View, index: int) -> int:
    """The largest earmark that tier `index` may have."""
    oldest = oldest_waiter(view, index)
    share = capacity_mt(view.book) * view.tiers[index].share_ppm // PPM
    return max(share, view.waiters[oldest].cost_mt if oldest >= 0 else 0)


def grown_earmark_nt(view: View, index: int, ticks: int) -> int:
    """Tier `index`'s earmark after `ticks` more ticks of waiting, in nano-tokens."""
    tier = view.tiers[index]
    grown = tier.earmark_nt + ticks * view.book.rate_mt * tier.share_ppm
    return max(tier.earmark_nt, min(grown, earmark_cap_mt(view, index) * PPM))


def earmark_mt(view: View, index: int, more_ticks: int = 0) -> int:
    """Tier `index`'s earmark after `more_ticks` more ticks of waiting, in whole milli-tokens."""
    return grown_earmark_nt(view, index, more_ticks) // PPM


def advance(view: View, now_ns: int) -> None:
    """Grow the earmark of each tier that waits by the ticks due by `now_ns`, and bar the tiers that are barred by then.

    A tier with an open lease keeps its earmark; the others lose theirs at a tick.
    """
    if not view.book.has_rules:
        _grow(view, now_ns)
        return
    for at_ns in budgets.changes(view, view.book.advanced_ns, now_ns):
        _grow(view, at_ns)
        _set_bars(view, at_ns)
    _grow(view, now_ns)
    _set_bars(view, now_ns)
    view.book.advanced_ns = now_ns


def start_rules(view: View, now_ns: int) -> None:
    """Go by the tiers' days and hours as they are from now on; earmarks have grown up to now."""
    book = view.book
    book.has_rules = any(budgets.has_rules(tier) for tier in view.tiers[: book.tier_count])
    book.advanced_ns = now_ns
    _set_bars(view, now_ns)


def _set_bars(view: View, at_ns: int) -> None:
    """Bar each tier whose oldest request may not be served then; one that is barred no longer begins to save anew."""
    book = view.book
    for index in range(book.tier_count):
        tier = view.tiers[index]
        budgets.roll(view, index, at_ns)
        oldest = oldest_waiter(view, index)
        is_barred = oldest >= 0 and bool(budgets.bar(view, index, view.waiters[oldest].cost_mt, at_ns))
        if is_barred and not tier.barred:
            tier.earmark_nt = 0
        elif tier.barred and not is_barred:
            tier.earmark_tick = book.tick_index + ticks_due(book, at_ns)
        tier.barred = is_barred


def _grow(view: View, now_ns: int) -> None:
    book = view.book
    if not book.waiter_count and not book.kept:
        return
    tick = book.tick_index + ticks_due(book, now_ns)
    kept = 0
    for index in range(book.tier_count):
        tier = view.tiers[index]
        saves = is_waiting(view, index)
        if tier.share_ppm and tick > tier.earmark_tick:
            if saves:
                tier.earmark_nt = grown_earmark_nt(view, index, tick - tier.earmark_tick)
            elif not has_lease(view, index):
                tier.earmark_nt = 0
            tier.earmark_tick = tick
        kept += tier.earmark_nt > 0 and not saves
    book.kept = kept


def max_grant_mt(view: View, index: int) -> int:
    """The largest cost tier `index` is certain to be granted sooner or later, in milli-tokens.

    With a share the earmark grows to any cost below capacity less floor, and as far as the tier's hours allow. Without
    one only the common pool serves, from which the other tiers' earmarks may be missing. No cost is above the budget.
    """
    book, tiers = view.book, view.tiers
    tier, capacity = tiers[index], capacity_mt(view.book)
    if not tier.share_ppm:
        shares = sum(tiers[i].share_ppm for i in range(book.tier_count))
        capacity = capacity * (PPM - shares) // PPM
    most = capacity - floor_mt(tier, book.rate_mt)
    minutes = budgets.open_minutes(tier)
    if minutes and tier.share_ppm and book.synced:
        ticks = minutes * 60 * NS_PER_S // book.period_ns - ROUNDING_TICKS
        most = min(most, ticks * book.rate_mt * tier.share_ppm // PPM)
    return max(0, min(most, tier.budget_mt) if tier.budget_mt else most)


def is_open(view: View, index: int, cost_mt: int, now_ns: int) -> bool:
    """Whether tier `index` may spend `cost_mt` now, its queue not considered."""
    if budgets.bar(view, index, cost_mt, now_ns):
        return False
    ticks = ticks_due(view.book, now_ns)
    return has_common(view, index, cost_mt, ticks, 0) or has_earmark(view, index, cost_mt, ticks, 0)


def headroom(view: View, index: int, now_ns: int) -> Headroom:
    """What a request of tier `index` could get, in whole tokens: nothing now while older ones of the tier wait."""
    ever = max_grant_mt(view, index) // MT
    if oldest_waiter(view, index) >= 0 or not view.book.synced or not budgets.is_within_hours(view, index, now_ns):
        return Headroom(now=0, ever=ever)
    ticks = ticks_due(view.book, now_ns)
    room = (
        free_mt(view, ticks) - _reserved_for_others_mt(view, index, 0) - floor_mt(view.tiers[index], view.book.rate_mt)
    )
    left = budgets.left_mt(view, index)
    return Headroom(now=max(0, min(room if left is None else min(room, left), ever * MT) // MT), ever=ever)


def has_common(view: View, index: int, cost_mt: int, ticks: int, more_ticks: int) -> bool:
    """Whether the common pool has `cost_mt` for tier `index` beside its floor and what others wait for.

    That is `ticks` after the Book's state, and `more_ticks` of them after the earmarks'.
    """
    free = free_mt(view, ticks) - cost_mt
    if free < 0:
        return False
    if not view.book.waiter_count and not view.book.kept:
        return free >= floor_mt(view.tiers[index], view.book.rate_mt)
    return free - _reserved_for_others_mt(view, index, more_ticks) >= floor_mt(view.tiers[index], view.book.rate_mt)


def has_earmark(view: View, index: int, cost_mt: int, ticks: int, more_ticks: int) -> bool:
    """Whether tier `index` has an earmark of `cost_mt` and the bucket has the tokens; ticks as in `has_common`."""
    if cost_mt * PPM > view.tiers[index].earmark_nt and not (more_ticks and is_waiting(view, index)):
        return False
    return cost_mt <= earmark_mt(view, index, more_ticks) and free_mt(view, ticks) >= cost_mt


def free_mt(view: View, ticks: int) -> int:
    """The tokens without a lease `ticks` after the Book's state, in milli-tokens."""
    return balance_after(view.book, ticks) - view.book.in_flight_mt


def _reserved_for_others_mt(view: View, index: int, more_ticks: int) -> int:
    reserved_mt = 0
    for other in range(view.book.tier_count):
        if other == index:
            continue
        if is_waiting(view, other):
            earmark = earmark_mt(view, other, more_ticks)
            reserved_mt += max(earmark, demand_mt(view, other)) if other < index else earmark
        elif not more_ticks or has_lease(view, other):
            reserved_mt += view.tiers[other].earmark_nt // PPM
    return reserved_mt
