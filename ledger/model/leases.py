"""The life of a lease in the book: granted, sent, ended. Functions of a View and a time, without I/O.

A lease ends exactly once: it is settled, cancelled, or resolved because its owner died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.model import bucket, budgets, clients, costs, gates, plausibility, waiters, waits
from ledger.model.book import MT, PPM
from ledger.model.bucket import Arrival
from ledger.model.entries import COMMITTED, RESERVED, owner_of, set_owner
from ledger.model.journal import NO_TIER, Event
from ledger.model.plausibility import Plausibility
from ledger.types import NOBODY, NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.model.view import View
    from ledger.model.waiters import Request
    from ledger.types import Owner, Reading, Wait

PERIOD_NEWS_PARTS: Final = 20  # a period that changes by more than such a part of it is journalled
MAX_JOURNAL_MT: Final = 10**15
MAX_IN_A_ROW: Final = 1_000_000


def grant(view: View, request: Request, now_ns: int, ticket: int) -> int | Wait:
    """The id of a new lease, or how long to wait. `ticket` is the request's place in the queue, 0 for none."""
    gates.advance(view, now_ns)
    ahead: list[int] = []
    if view.book.waiter_count:
        waiters.drop_idle_waiter(view, now_ns, ticket)
        ahead = waiters.ahead(view, request.tier, ticket)
    if not view.book.synced or ahead or not gates.is_open(view, request.tier, request.cost_mt, now_ns):
        return waits.wait_for(view, request.tier, request.cost_mt, now_ns, ahead)
    if view.book.probation and view.book.lease_count:
        return waits.one_at_a_time()
    return _lend(view, request, now_ns, ticket)


def lend_blind(view: View, request: Request, now_ns: int) -> int:
    """The id of a lease that is granted although the balance is unknown."""
    view.events.append((Event.BLIND, request.tier, -request.cost_mt, request.owner))
    return _lend(view, request, now_ns, 0)


def _lend(view: View, request: Request, now_ns: int, ticket: int) -> int:
    tier = view.tiers[request.tier]
    earmark_nt = min(tier.earmark_nt, request.cost_mt * PPM)
    tier.earmark_nt -= earmark_nt
    if ticket:
        waiters.leave(view, ticket, now_ns, is_served=True)
    tier.granted += 1
    lease = view.add_lease()
    set_owner(lease, request.owner)
    lease.cost_mt, lease.at_ns, lease.tier, lease.state = request.cost_mt, now_ns, request.tier, RESERVED
    lease.earmark_nt = earmark_nt
    lease.shape = -1 if request.shape is None else costs.enter(view, request.shape)
    lease.items = 0 if request.shape is None else request.shape.items
    view.book.in_flight_mt += request.cost_mt
    view.events.append((Event.GRANTED, request.tier, -request.cost_mt, request.owner))
    return lease.id


def commit(view: View, lease_id: int, now_ns: int) -> bool:
    """Note that the request is about to be sent; False if the lease is gone, or was sent for already.

    The latter is what a process finds whose machine was copied while it ran: the other one has sent the request.
    """
    index = view.lease(lease_id)
    if index < 0 or view.leases[index].state == COMMITTED:
        return False
    view.leases[index].state = COMMITTED
    view.leases[index].at_ns = now_ns
    return True


def cancel(view: View, lease_id: int, now_ns: int) -> bool:
    """Give the tokens back: nothing was sent. False if the lease is gone."""
    index = view.lease(lease_id)
    if index < 0:
        return False
    lease = view.leases[index]
    view.book.refunded_mt += lease.cost_mt
    view.events.append((Event.CANCELLED, lease.tier, lease.cost_mt, owner_of(lease)))
    _restore_earmark(view, lease.tier, lease.earmark_nt, now_ns)
    view.drop_lease(index)
    return True


def settle(view: View, lease_id: int, consumed: int | None, reading: Reading | None, now_ns: int) -> bool:
    """End the lease with what its call cost; False if it is gone.

    An unknown cost (None, or more than such a call can cost) is charged in full until the next reading.
    """
    index = view.lease(lease_id)
    if index < 0:
        return False
    lease = view.leases[index]
    tier, cost_mt, owner, sent_ns = lease.tier, lease.cost_mt, owner_of(lease), lease.at_ns
    if consumed is not None and not 0 <= consumed * MT <= costs.max_cost_mt(cost_mt, lease.items):
        view.events.append((Event.ASIDE, tier, -_bounded(consumed * MT), owner))
        view.book.aside_count += 1
        consumed = None
    consumed_mt = cost_mt if consumed is None else consumed * MT
    if consumed and lease.shape >= 0:  # a refusal costs nothing, and teaches nothing about what an answer costs
        costs.learn(view.shapes[lease.shape], lease.items, consumed)
    _restore_earmark(view, tier, lease.earmark_nt - consumed_mt * PPM, now_ns)
    view.drop_lease(index)
    view.book.refunded_mt += max(0, cost_mt - consumed_mt)
    if reading is None or consumed is None:
        bucket.charge_unread(view.book, consumed_mt, now_ns, is_certain=consumed is not None)
        view.book.unread_mt += 0 if consumed is None else consumed_mt
    view.events.append((Event.UNKNOWN if consumed is None else Event.SETTLED, tier, -consumed_mt, owner))
    if reading is not None:
        observe(view, reading, now_ns, 0 if consumed is None else consumed_mt, None if consumed is None else sent_ns)
    charged_ms = 0 if reading is None or consumed is None else reading.server_ms
    budgets.charge(view, tier, consumed_mt, now_ns, sent_ns=sent_ns, charged_ms=charged_ms)
    return True


def observe(view: View, reading: Reading, now_ns: int, consumed_mt: int = 0, sent_ns: int | None = None) -> bool:
    """Make a reading the truth and journal its news. If it is not believed, book its charge only and return False."""
    gates.advance(view, now_ns)
    book, arrival = view.book, Arrival(reading, now_ns, consumed_mt, sent_ns)
    verdict, step = plausibility.weigh(view, arrival)
    if verdict is Plausibility.ODD or verdict is Plausibility.IMPOSSIBLE:
        _set_aside(view, arrival, is_odd=verdict is Plausibility.ODD)
        return False
    before = (book.synced, book.rate_mt, book.period_ns)
    plausibility.believe(book, arrival, verdict)
    drift_mt = bucket.apply(view, arrival, step)
    if book.rate_mt < before[1]:
        _cut_earmarks(view)
    _journal_news(view, *before, drift_mt)
    # Ticks are counted alike before and after, but a reading may be of just before one that we have counted already.
    tick = book.tick_index + bucket.ticks_due(book, now_ns)
    for tier in view.tiers[: book.tier_count]:
        tier.earmark_tick = min(tier.earmark_tick, tick + 1)
    return True


def _cut_earmarks(view: View) -> None:
    """Cut each earmark to what the smaller plan allows: more would lock the other tiers out until it is spent."""
    for index in range(view.book.tier_count):
        tier = view.tiers[index]
        tier.earmark_nt = min(tier.earmark_nt, gates.earmark_cap_mt(view, index) * PPM)


def _journal_news(view: View, was_synced: int, rate_mt: int, period_ns: int, drift_mt: int) -> None:
    """Journal the news that a reading brought."""
    book = view.book
    if not was_synced:
        view.events.append((Event.OPENED, NO_TIER, book.balance_mt, NOBODY))
    elif book.rate_mt != rate_mt:
        view.events.append((Event.PLAN, NO_TIER, book.rate_mt, NOBODY))
    if abs(book.period_ns - period_ns) * PERIOD_NEWS_PARTS > period_ns:
        view.events.append((Event.PERIOD, NO_TIER, book.period_ns * MT // NS_PER_S, NOBODY))
    if drift_mt:
        view.events.append((Event.DRIFT, NO_TIER, drift_mt, NOBODY))


def _set_aside(view: View, arrival: Arrival, *, is_odd: bool) -> None:
    book = view.book
    if arrival.consumed_mt:
        bucket.charge_unread(book, arrival.consumed_mt, arrival.now_ns, is_certain=True)
    book.aside_count += 1
    book.aside_in_a_row = min(book.aside_in_a_row + 1, MAX_IN_A_ROW)
    if is_odd:
        plausibility.remember(book, arrival)
    view.events.append((Event.ASIDE, NO_TIER, _bounded(arrival.reading.tokens_left * MT), NOBODY))


def _bounded(tokens_mt: int) -> int:
    """The number within what an entry of the journal can hold."""
    return max(-MAX_JOURNAL_MT, min(tokens_mt, MAX_JOURNAL_MT))


def owners(view: View) -> set[Owner]:
    """The processes that hold a lease or a place."""
    book = view.book
    held = {owner_of(lease) for lease in view.leases[: book.lease_count]}
    return held | {owner_of(waiter) for waiter in view.waiters[: book.waiter_count]}


def resolve_dead(view: View, now_ns: int, is_alive: Callable[[Owner], bool]) -> int:
    """End the leases and waiters of dead processes, and return how many: unsent calls cost nothing, sent ones all."""
    resolved = 0
    for index in reversed(range(view.book.lease_count)):
        lease = view.leases[index]
        owner = owner_of(lease)
        if is_alive(owner):
            continue
        resolved += 1
        tier, cost_mt, state = lease.tier, lease.cost_mt, lease.state
        view.drop_lease(index)
        if state == COMMITTED:
            budgets.charge(view, tier, cost_mt, now_ns)
            bucket.charge_unread(view.book, cost_mt, now_ns, is_certain=False)
            view.events.append((Event.DEAD_CHARGED, tier, -cost_mt, owner))
        else:
            view.book.refunded_mt += cost_mt
            view.events.append((Event.DEAD_REFUNDED, tier, cost_mt, owner))
    for index in reversed(range(view.book.waiter_count)):
        waiter = view.waiters[index]
        owner = owner_of(waiter)
        if not is_alive(owner):
            resolved += 1
            view.events.append((Event.DEAD_WAITER, waiter.tier, waiter.cost_mt, owner))
            waiters.drop(view, index)
    clients.drop_dead(view, is_alive)
    return resolved


def _restore_earmark(view: View, index: int, unspent_nt: int, now_ns: int) -> None:
    """Put back what a call left of the earmark that paid for it: a share counts tokens spent, not tokens reserved."""
    gates.advance(view, now_ns)
    if unspent_nt <= 0:
        return
    tier = view.tiers[index]
    tier.earmark_nt += unspent_nt
    if gates.oldest_waiter(view, index) < 0:
        tier.earmark_tick = view.book.tick_index + bucket.ticks_due(view.book, now_ns)
        view.book.kept = 1
