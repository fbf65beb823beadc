"""The life of a request in the book: wait, lease, end. Functions of a View and a time; no I/O.

A lease ends exactly once: settled, cancelled, or resolved because its owner died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import bucket, costs, gates, waits
from ledger.book import COMMITTED, MT, PPM, RESERVED
from ledger.journal import NO_TIER, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.bucket import Reading
    from ledger.costs import Shape
    from ledger.view import View
    from ledger.waits import Wait

LAPSE_NS: Final = 5_000_000_000  # a waiter whose gate stood open so long and did not go in loses its place
CLAIM_NS: Final = 30_000_000_000  # a claim on the next reading older than this is up for another caller


class Owner(NamedTuple):
    """A process: id and start time."""

    pid: int
    start: int


class Request(NamedTuple):
    """What is asked for: tier by position, cost, whose, and what it looks like."""

    tier: int
    cost_mt: int
    owner: Owner
    shape: Shape | None


def claim_reading(view: View, owner: Owner, now_ns: int, is_alive: Callable[[int, int], bool]) -> bool:
    """Whether a reading is needed and this owner is the one to ask for it."""
    book = view.book
    if book.synced and not book.needs_reading:
        return False
    is_mine = (book.reader_pid, book.reader_start) == (owner.pid, owner.start)
    is_fresh = now_ns - book.reader_since_ns < CLAIM_NS
    if book.reader_pid and not is_mine and is_fresh and is_alive(book.reader_pid, book.reader_start):
        return False
    book.reader_pid, book.reader_start, book.reader_since_ns = owner.pid, owner.start, now_ns
    return True


def grant(view: View, request: Request, now_ns: int, ticket: int) -> int | Wait:
    """The id of a new lease, or how long to wait. `ticket` is the request's place in the queue, 0 for none."""
    gates.advance(view, now_ns)
    ahead_mt = 0
    if view.book.waiter_count:
        _lapse(view, now_ns, ticket)
        ahead_mt = _ahead_mt(view, request.tier, ticket)
    if not view.book.synced or ahead_mt or not gates.is_open(view, request.tier, request.cost_mt, now_ns):
        return waits.wait_for(view, request.tier, request.cost_mt, now_ns, ahead_mt)
    tier = view.tiers[request.tier]
    tier.earmark_nt -= min(tier.earmark_nt, request.cost_mt * PPM)
    if ticket:
        _leave(view, view.waiter(ticket), now_ns, is_served=True)
    tier.granted += 1
    lease = view.add_lease()
    lease.owner_pid, lease.owner_start = request.owner.pid, request.owner.start
    lease.cost_mt, lease.at_ns, lease.tier, lease.state = request.cost_mt, now_ns, request.tier, RESERVED
    lease.shape = -1 if request.shape is None else costs.enter(view, request.shape)
    lease.items = 0 if request.shape is None else request.shape.items
    view.book.in_flight_mt += request.cost_mt
    view.events.append((Event.GRANTED, request.tier, -request.cost_mt, request.owner.pid))
    return lease.id


def join(view: View, request: Request, now_ns: int) -> int:
    """Take a place in the queue; returns the ticket."""
    gates.advance(view, now_ns)
    if gates.head(view, request.tier) < 0:
        view.tiers[request.tier].earmark_tick = view.book.tick_index + bucket.ticks_due(view.book, now_ns)
    waiter = view.add_waiter()
    waiter.owner_pid, waiter.owner_start = request.owner.pid, request.owner.start
    waiter.cost_mt, waiter.since_ns, waiter.tier = request.cost_mt, now_ns, request.tier
    waiter.open_ns = 0
    return waiter.ticket


def keep(view: View, ticket: int, cost_mt: int) -> int:
    """The ticket, now for `cost_mt`; 0 if the place is no longer there."""
    index = view.waiter(ticket) if ticket else -1
    if index < 0:
        return 0
    view.waiters[index].cost_mt = cost_mt
    return ticket


def leave(view: View, ticket: int, now_ns: int) -> None:
    """Give up a place in the queue; a ticket no longer there changes nothing."""
    index = view.waiter(ticket)
    if index >= 0:
        _leave(view, index, now_ns, is_served=False)


def commit(view: View, lease_id: int, now_ns: int) -> bool:
    """Mark that the request is about to be sent; False if the lease is gone."""
    index = view.lease(lease_id)
    if index >= 0:
        view.leases[index].state = COMMITTED
        view.leases[index].at_ns = now_ns
    return index >= 0


def cancel(view: View, lease_id: int) -> bool:
    """Give the tokens back: nothing was sent. False if the lease is gone."""
    index = view.lease(lease_id)
    if index < 0:
        return False
    lease = view.leases[index]
    view.book.refunded_mt += lease.cost_mt
    view.events.append((Event.CANCELLED, lease.tier, lease.cost_mt, lease.owner_pid))
    view.drop_lease(index)
    return True


def settle(view: View, lease_id: int, consumed: int | None, reading: Reading | None, now_ns: int) -> bool:
    """End the lease with what it cost; None is unknown: charged in full until the next reading. False if it is gone."""
    index = view.lease(lease_id)
    if index < 0:
        return False
    lease = view.leases[index]
    tier, cost_mt, pid, sent_ns = lease.tier, lease.cost_mt, lease.owner_pid, lease.at_ns
    consumed_mt = cost_mt if consumed is None else consumed * MT
    if consumed and lease.shape >= 0:  # a refusal costs nothing, and teaches nothing about what an answer costs
        costs.learn(view.shapes[lease.shape], lease.items, consumed)
    view.drop_lease(index)
    view.tiers[tier].spent_mt += consumed_mt
    view.book.refunded_mt += max(0, cost_mt - consumed_mt)
    if reading is None or consumed is None:
        bucket.charge_unread(view.book, consumed_mt, now_ns, is_certain=consumed is not None)
    view.events.append((Event.UNKNOWN if consumed is None else Event.SETTLED, tier, -consumed_mt, pid))
    if reading is not None:
        observe(view, reading, now_ns, 0 if consumed is None else consumed_mt, None if consumed is None else sent_ns)
    return True


def observe(view: View, reading: Reading, now_ns: int, consumed_mt: int = 0, sent_ns: int | None = None) -> None:
    """Make a reading the truth, and journal what it brought to light."""
    gates.advance(view, now_ns)
    was_synced, rate_mt = view.book.synced, view.book.rate_mt
    drift_mt = bucket.apply(view, reading, now_ns, consumed_mt, sent_ns)
    if not was_synced:
        view.events.append((Event.OPENED, NO_TIER, view.book.balance_mt, 0))
    elif view.book.rate_mt != rate_mt:
        view.events.append((Event.PLAN, NO_TIER, view.book.rate_mt, 0))
    if drift_mt:
        view.events.append((Event.DRIFT, NO_TIER, drift_mt, 0))
    # Ticks are counted alike before and after, but a reading may be of just before one that we have counted already.
    tick = view.book.tick_index + bucket.ticks_due(view.book, now_ns)
    for tier in view.tiers[: view.book.tier_count]:
        tier.earmark_tick = min(tier.earmark_tick, tick + 1)


def owners(view: View) -> set[tuple[int, int]]:
    """The processes that hold a lease or a place: pid and start time."""
    book = view.book
    entries = (*view.leases[: book.lease_count], *view.waiters[: book.waiter_count])
    return {(entry.owner_pid, entry.owner_start) for entry in entries}


def resolve_dead(view: View, now_ns: int, is_alive: Callable[[int, int], bool]) -> int:
    """End what dead processes left: unsent refunded, sent charged in full, places in the queue given up."""
    resolved = 0
    for index in reversed(range(view.book.lease_count)):
        lease = view.leases[index]
        if is_alive(lease.owner_pid, lease.owner_start):
            continue
        resolved += 1
        tier, cost_mt, pid, state = lease.tier, lease.cost_mt, lease.owner_pid, lease.state
        view.drop_lease(index)
        if state == COMMITTED:
            view.tiers[tier].spent_mt += cost_mt
            bucket.charge_unread(view.book, cost_mt, now_ns, is_certain=False)
            view.events.append((Event.DEAD_CHARGED, tier, -cost_mt, pid))
        else:
            view.book.refunded_mt += cost_mt
            view.events.append((Event.DEAD_REFUNDED, tier, cost_mt, pid))
    for index in reversed(range(view.book.waiter_count)):
        waiter = view.waiters[index]
        if not is_alive(waiter.owner_pid, waiter.owner_start):
            resolved += 1
            view.events.append((Event.DEAD_WAITER, waiter.tier, waiter.cost_mt, waiter.owner_pid))
            _drop_waiter(view, index)
    return resolved


def _lapse(view: View, now_ns: int, mine: int) -> None:
    """Take the turn from an oldest waiter that does not use it: its process is stopped, or has forgotten it.

    Without this a stopped process at the head of a tier would hold up the tier, and its demand the tiers below.
    """
    for tier in range(view.book.tier_count):
        index = gates.head(view, tier)
        if index < 0 or view.waiters[index].ticket == mine:
            continue
        waiter = view.waiters[index]
        if not view.book.synced or not gates.is_open(view, tier, waiter.cost_mt, now_ns):
            waiter.open_ns = 0
        elif not waiter.open_ns:
            waiter.open_ns = now_ns
        elif now_ns - waiter.open_ns >= LAPSE_NS:
            view.events.append((Event.LAPSED, tier, waiter.cost_mt, waiter.owner_pid))
            _drop_waiter(view, index)


def _ahead_mt(view: View, tier: int, ticket: int) -> int:
    """What older requests of the tier ask for; all of them when this one has no place yet."""
    return sum(
        waiter.cost_mt
        for waiter in view.waiters[: view.book.waiter_count]
        if waiter.tier == tier and (not ticket or waiter.ticket < ticket)
    )


def _leave(view: View, index: int, now_ns: int, *, is_served: bool) -> None:
    waiter = view.waiters[index]
    tier = view.tiers[waiter.tier]
    waited_ns = max(0, now_ns - waiter.since_ns)
    tier.waited_ns += waited_ns
    tier.longest_wait_ns = max(tier.longest_wait_ns, waited_ns)
    _drop_waiter(view, index, is_served=is_served)


def _drop_waiter(view: View, index: int, *, is_served: bool = False) -> None:
    """Take a place out of the queue. What the last one of a tier had saved up is anybody's again.

    But for what one that was served leaves over: its process is at work on the call and comes back. The tier keeps
    that until the next tick, or small requests would lose a part of their share with every one.
    """
    tier = view.waiters[index].tier
    view.drop_waiter(index)
    if gates.head(view, tier) >= 0:
        return
    if not is_served:
        view.tiers[tier].earmark_nt = 0
    elif view.tiers[tier].earmark_nt:
        view.book.kept = 1
