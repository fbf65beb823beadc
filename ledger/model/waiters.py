"""Places in the queues of the tiers: joined, kept, left, lost. Functions of a View and a time; no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.model import bucket, gates
from ledger.model.journal import Event

if TYPE_CHECKING:
    from ledger.model.view import View
    from ledger.types import ProcessId, Shape

LAPSE_NS: Final = 5_000_000_000  # a waiter whose gate stood open so long and did not go in loses its place


class Request(NamedTuple):
    """What is asked for: tier by position, cost, whose, and what it looks like."""

    tier: int
    cost_mt: int
    owner: ProcessId
    shape: Shape | None


def join(view: View, request: Request, now_ns: int) -> int:
    """Take a place in the queue; returns the ticket."""
    gates.advance(view, now_ns)
    if gates.head(view, request.tier) < 0:
        view.tiers[request.tier].earmark_tick = view.book.tick_index + bucket.ticks_due(view.book, now_ns)
    waiter = view.add_waiter()
    waiter.owner_pid, waiter.owner_start = request.owner.pid, request.owner.started
    waiter.cost_mt, waiter.since_ns, waiter.tier = request.cost_mt, now_ns, request.tier
    waiter.open_ns = 0
    return waiter.ticket


def keep(view: View, ticket: int, cost_mt: int) -> int:
    """The ticket, now for `cost_mt`; 0 if the place is no longer there. Who asks has not forgotten his turn."""
    index = view.waiter(ticket)
    if index < 0:
        return 0
    view.waiters[index].cost_mt = cost_mt
    view.waiters[index].open_ns = 0
    return ticket


def leave(view: View, ticket: int, now_ns: int, *, is_served: bool = False) -> None:
    """Give up a place in the queue, or have been served; a ticket no longer there changes nothing."""
    index = view.waiter(ticket)
    if index < 0:
        return
    waiter = view.waiters[index]
    tier = view.tiers[waiter.tier]
    waited_ns = max(0, now_ns - waiter.since_ns)
    tier.waited_ns += waited_ns
    tier.longest_wait_ns = max(tier.longest_wait_ns, waited_ns)
    drop(view, index, is_served=is_served)


def drop_idle_waiter(view: View, now_ns: int, mine: int) -> None:
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
            drop(view, index)


def ahead_mt(view: View, tier: int, ticket: int) -> int:
    """What older requests of the tier ask for; all of them when this one has no place yet."""
    return sum(
        waiter.cost_mt
        for waiter in view.waiters[: view.book.waiter_count]
        if waiter.tier == tier and (not ticket or waiter.ticket < ticket)
    )


def drop(view: View, index: int, *, is_served: bool = False) -> None:
    """Take a place out of the queue. What the last one of a tier had saved up is anybody's again.

    But for what one that was served leaves over: its process is at work on the call and comes back. The tier keeps
    that until the tick after the call, or small requests would lose a part of their share with every one.
    """
    tier = view.waiters[index].tier
    view.drop_waiter(index)
    if gates.head(view, tier) >= 0:
        return
    if not is_served:
        view.tiers[tier].earmark_nt = 0
    elif view.tiers[tier].earmark_nt:
        view.book.kept = 1
