"""Places in the queues of the tiers: joined, kept, left, lost. Functions of a View and a time, without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.model import bucket, gates
from ledger.model.entries import owner_of, set_owner
from ledger.model.journal import Event
from ledger.types import NS_PER_S

if TYPE_CHECKING:
    from ledger.model.entries import WaiterState
    from ledger.model.view import View
    from ledger.types import Owner, Shape

LAPSE_NS: Final = 5_000_000_000  # a waiter whose gate stood open so long and did not go in loses its turn


class Request(NamedTuple):
    """A request for tokens: the position of its tier, its cost, its owner, and its shape if that is known.

    `away_s`: for how many seconds its owner may be busy elsewhere while it waits.
    """

    tier: int
    cost_mt: int
    owner: Owner
    shape: Shape | None
    away_s: int = 0


def join(view: View, request: Request, now_ns: int) -> int:
    """Take a place in the queue and return the ticket."""
    gates.advance(view, now_ns)
    if gates.oldest_waiter(view, request.tier) < 0:
        view.tiers[request.tier].earmark_tick = view.book.tick_index + bucket.ticks_due(view.book, now_ns)
    waiter = view.add_waiter()
    set_owner(waiter, request.owner)
    waiter.cost_mt, waiter.since_ns, waiter.tier = request.cost_mt, now_ns, request.tier
    waiter.open_ns, waiter.away_s = 0, request.away_s
    return waiter.ticket


def keep(view: View, ticket: int, cost_mt: int) -> int:
    """The ticket, now for `cost_mt`; 0 if the place is gone. The waiter asks, so it is not idle."""
    index = view.waiter(ticket)
    if index < 0:
        return 0
    view.waiters[index].cost_mt = cost_mt
    view.waiters[index].open_ns = 0
    return ticket


def leave(view: View, ticket: int, now_ns: int, *, is_served: bool = False) -> None:
    """Remove a waiter that leaves or was served; a ticket that is gone changes nothing."""
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
    """Remove the oldest waiter of a tier if it does not use its turn: its process is stopped, or has forgotten it.

    Without this a stopped process at the head of a tier would hold up the tier, and its demand the tiers below. One
    whose process may be busy elsewhere, with a call of another key, is passed over first: those behind it are served,
    and the tier goes on waiting, so that it keeps what it has saved. It is removed when that has lasted too long.
    """
    for tier in range(view.book.tier_count):
        index = gates.oldest_waiter(view, tier)
        if index >= 0 and view.waiters[index].ticket != mine and not view.waiters[index].is_passed_over:
            _note_unused_turn(view, index, now_ns)
    for index in reversed(range(view.book.waiter_count)):
        if view.waiters[index].ticket != mine and is_away_too_long(view.waiters[index], now_ns):
            _drop_idle(view, index)


def _note_unused_turn(view: View, index: int, now_ns: int) -> None:
    """Note since when the gate of the waiter is open; end its turn when that has been so for too long."""
    waiter = view.waiters[index]
    if not view.book.synced or not gates.is_open(view, waiter.tier, waiter.cost_mt, now_ns):
        waiter.open_ns = 0
    elif not waiter.open_ns:
        waiter.open_ns = now_ns
    elif now_ns - waiter.open_ns >= LAPSE_NS:
        if waiter.away_s:
            waiter.open_ns = -waiter.open_ns
        else:
            _drop_idle(view, index)


def is_away_too_long(waiter: WaiterState, now_ns: int) -> bool:
    """Whether the waiter was passed over, and its process has not come back in the time it may be busy elsewhere."""
    return waiter.is_passed_over and now_ns + waiter.open_ns >= max(LAPSE_NS, waiter.away_s * NS_PER_S)


def _drop_idle(view: View, index: int) -> None:
    waiter = view.waiters[index]
    view.events.append((Event.LAPSED, waiter.tier, waiter.cost_mt, owner_of(waiter)))
    drop(view, index)


def ahead(view: View, tier: int, ticket: int) -> list[int]:
    """What those ask for that are served before this request of the tier, in milli-tokens, oldest first.

    They are the older ones that are not passed over; without a ticket all are older.
    """
    older = [
        (waiter.ticket, waiter.cost_mt)
        for waiter in view.waiters[: view.book.waiter_count]
        if waiter.tier == tier and (not ticket or waiter.ticket < ticket) and not waiter.is_passed_over
    ]
    return [cost_mt for _, cost_mt in sorted(older)]


def drop(view: View, index: int, *, is_served: bool = False) -> None:
    """Remove the waiter at `index`. A tier that no longer waits loses its earmark.

    If the waiter was served, the tier keeps what is left of the earmark until the tick after the call: its process
    works on the call and comes back, and small requests would otherwise lose a part of their share each time.
    """
    tier = view.waiters[index].tier
    view.drop_waiter(index)
    if gates.oldest_waiter(view, tier) >= 0:
        return
    if not is_served:
        view.tiers[tier].earmark_nt = 0
    elif view.tiers[tier].earmark_nt:
        view.book.kept = 1
