"""Leases and places in the queue, each step a change of the book: asked for, granted, sent, ended, resolved.

The times that callers give and get are by their machine's clock, those in the book by the clock of its home.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.errors import LeaseGone, NeedsBlindCall, NeedsReading, NeverEnough
from ledger.lease import Lease
from ledger.model import budgets, gates, leases, peek, polling, waiters
from ledger.model.book import MT
from ledger.model.journal import Event
from ledger.model.view import View
from ledger.model.waiters import Request
from ledger.place import Place, seconds_until
from ledger.storage.transaction import change
from ledger.types import NOBODY, NS_PER_S, Wait

if TYPE_CHECKING:
    from ledger.storage.home import Home
    from ledger.types import Reading, Shape

_DEATH_CHECK_NS: Final = NS_PER_S  # a waiter looks for dead owners at most once a second
_LOOK_NS: Final = 5 * NS_PER_S  # a waiter asks again so often when there is no event, in case one was missed
_LOOK_BEHIND_NS: Final = NS_PER_S  # more often behind others, which may have been stopped (SIGSTOP) in their turn
_ASK_NS: Final = 60 * NS_PER_S  # where it looks before it asks, it asks so often whatever it sees


class Bookings:
    """What callers hold in the book of one home: leases, and places in the queues of the tiers."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._next_death_check_ns = 0

    def place(self, tier: str, *, away_s: int = 0) -> Place:
        """A place in the queue of the tier, for a caller that must not block: see `Place`."""
        return Place(self, tier, away_s)

    def try_reserve(self, tier: str, cost: int, *, shape: Shape | None = None) -> Lease | Wait:
        """A lease if the gate is open now and no request of the tier waits, else how long it would take.

        Raises:
            NeverEnough: no wait would help.
            NeedsReading: the balance is unknown and this caller is the one to ask.
            KeyError: there is no such tier.
        """
        outcome = change(self._home, lambda view: self._grant(view, self._request(view, tier, cost, shape), 0))
        return self._local(outcome) if isinstance(outcome, Wait) else Lease(self, outcome, tier, cost)

    def lease_blind(self, tier: str, cost: int, *, shape: Shape | None = None) -> Lease | None:
        """A lease while the balance is unknown and the server gives no usable reading; None when it is not due.

        There is one at a time, and at most one a tick; it is within the budget of its tier.
        """

        def lend(view: View) -> int:
            request, now_ns = self._request(view, tier, cost, shape), self._now_ns()
            if not polling.claim_blind(view, now_ns) or budgets.bar(view, request.tier, request.cost_mt, now_ns):
                return 0
            return leases.lend_blind(view, request, now_ns)

        lease_id = change(self._home, lend)
        return Lease(self, lease_id, tier, cost) if lease_id else None

    def commit(self, lease: Lease) -> None:
        """See `Lease.commit`."""
        if not change(self._home, lambda view: leases.commit(view, lease.id, self._now_ns())):
            raise LeaseGone(
                f"lease {lease.id} of {lease.tier} is not in the ledger any more, so nothing may be sent: reserve again"
            )

    def settle(self, lease: Lease, consumed: int | None, reading: Reading | None, *, refused: bool) -> None:
        """See `Lease.settle`. A lease resolved meanwhile is charged already; its reading still counts."""
        usable = None if reading is None or reading.refill_rate == 0 else reading

        def book(view: View) -> None:
            view.book.refused += refused
            if refused:
                view.events.append((Event.REFUSED, view.tier_index(lease.tier), 0, NOBODY))
            now_ns = self._now_ns()
            if not leases.settle(view, lease.id, consumed, usable, now_ns) and usable is not None:
                leases.observe(view, usable, now_ns)

        change(self._home, book, opens=True)

    def cancel(self, lease: Lease) -> None:
        """See `Lease.cancel`."""

        def give_back(view: View) -> None:
            leases.cancel(view, lease.id, self._now_ns())
            view.book.blind_ns = 0  # nothing was sent, so the next small call need not wait a tick

        change(self._home, give_back, opens=True)

    def resolve_dead(self) -> int:
        """Resolve what dead processes left; returns how many leases and waiters that were."""
        is_alive = self._home.is_alive
        if all(is_alive(owner) for owner in leases.owners(self._look())):
            return 0
        return change(self._home, lambda view: leases.resolve_dead(view, self._now_ns(), is_alive), opens=True)

    def attempt(self, place: Place, cost: int, shape: Shape | None) -> Lease | Wait:
        """See `Place.poll`."""

        def ask(view: View) -> tuple[int | Wait, int, int]:
            request = self._request(view, place.tier, cost, shape, place.away_s)
            ticket = waiters.keep(view, place.ticket, request.cost_mt)
            outcome = self._grant(view, request, ticket)
            if isinstance(outcome, Wait) and not ticket:
                now_ns = self._now_ns()
                ticket = waiters.join(view, request, now_ns)
                outcome = leases.grant(view, request, now_ns, ticket)
            view.opens = ticket > 0 and not isinstance(outcome, Wait)  # the next in the queue may be served too
            return outcome, ticket, self._home.wake_value

        outcome, ticket, seen = change(self._home, ask)
        if isinstance(outcome, Wait):
            place.ticket, place.seen = ticket, seen
            return self._local(outcome)
        place.ticket = 0
        return Lease(self, outcome, place.tier, cost)

    def leave_queue(self, place: Place) -> None:
        """See `Place.leave`."""
        change(self._home, lambda view: waiters.leave(view, place.ticket, self._now_ns()), opens=True)

    def raise_if_due(self, wait: Wait) -> None:
        """Raise if a caller who waits so long is to ask the server meanwhile, or to make a blind call.

        Raises:
            NeedsReading: a look at the balance is due, and this caller is the one to ask.
            NeedsBlindCall: the balance is unknown, and asking for it did not help.
        """
        view = self._look()
        now_ns, wait = self._now_ns(), self._moved(wait, -self._home.ahead_ns)
        if polling.may_go_blind(view, now_ns):
            raise NeedsBlindCall("the server gave no usable reading: make one small call to learn the balance")
        if view.book.synced and now_ns >= polling.next_look_ns(view):

            def claim(changed: View) -> bool:
                return polling.claim_look(changed, wait, self._home.owner(), now_ns)

            if change(self._home, claim):
                raise NeedsReading(
                    "the wait is long: ask the server for a reading meanwhile, observe it, go on waiting"
                )

    def look_ns(self, *, is_behind: bool) -> int:
        """After what time without an event a waiter asks again, in nanoseconds."""
        if self._home.looks_first:
            return _ASK_NS
        return _LOOK_BEHIND_NS if is_behind else _LOOK_NS

    def sleep_until(self, place: Place, until_ns: int | None) -> tuple[int, bool]:
        """Sleep until then, until the book changes or a signal comes, and resolve the dead: see `Place`."""
        now_ns = self._local_ns()
        self._home.sleep(place.seen, seconds_until(until_ns, now_ns))
        if self._home.looks_first:
            return self._local_ns(), self._has_news(place, until_ns)
        if now_ns >= self._next_death_check_ns:
            self._next_death_check_ns = now_ns + _DEATH_CHECK_NS
            self.resolve_dead()
        return self._local_ns(), self._home.wake_value != place.seen

    def _has_news(self, place: Place, until_ns: int | None) -> bool:
        """Whether the place would get another answer; the book is read after an event, and now and then without."""
        home, now_ns = self._home, self._local_ns()
        is_look = now_ns >= self._next_death_check_ns
        if home.wake_value == place.seen and not is_look:
            return False
        place.seen = home.wake_value
        view, expected_ns = self._look(), None if until_ns is None else until_ns - home.ahead_ns
        if is_look:
            self._next_death_check_ns = now_ns + _LOOK_NS
            if not all(home.is_alive(owner) for owner in leases.owners(view)):
                return self.resolve_dead() > 0
        if peek.is_worth_asking(view, place.ticket, home.owner(), expected_ns, self._now_ns(), home.is_alive):
            return True
        return is_look and peek.is_idle_waiter_due(view, place.ticket, self._now_ns())

    def _request(self, view: View, tier: str, cost: int, shape: Shape | None, away_s: int = 0) -> Request:
        if cost < 1:
            raise ValueError(f"a cost of {cost} tokens: at least 1 is expected")
        return Request(view.tier_index(tier), cost * MT, self._home.owner(), shape, away_s)

    def _grant(self, view: View, request: Request, ticket: int) -> int | Wait:
        now_ns = self._now_ns()
        if polling.claim_reading(view, request.owner, now_ns, self._home.is_alive):
            raise NeedsReading("the balance is unknown: ask the server for a reading, observe it, reserve again")
        if view.book.synced and request.cost_mt > (max_mt := gates.max_grant_mt(view, request.tier)):
            raise NeverEnough(view.tiers[request.tier].name.decode(), request.cost_mt // MT, max_mt // MT)
        return leases.grant(view, request, now_ns, ticket)

    def _look(self) -> View:
        return View(self._home.read()[0], is_whole=False)

    def _now_ns(self) -> int:
        return self._home.clock.now_ns()

    def _local_ns(self) -> int:
        return self._home.clock.now_ns() + self._home.ahead_ns

    def _local(self, wait: Wait) -> Wait:
        return self._moved(wait, self._home.ahead_ns)

    @staticmethod
    def _moved(wait: Wait, by_ns: int) -> Wait:
        """The same wait by another clock."""
        if not by_ns:
            return wait
        until_ns, latest_ns = (None if at is None else at + by_ns for at in (wait.until_ns, wait.latest_ns))
        return Wait(until_ns=until_ns, latest_ns=latest_ns, reason=wait.reason)
