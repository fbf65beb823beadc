"""The ledger as its callers see it: a token budget that several processes share.

Each call is made between `reserve` and `commit`, and `settle` (or `cancel`); `observe` takes a reading that cost
nothing. Every operation is one transaction over the book: wherever a process is killed, it has happened or it has not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger import process, snapshot
from ledger.clock import SystemClock
from ledger.errors import NeedsBlindCall, NeedsReading, NeverEnough
from ledger.lease import Lease
from ledger.model import costs, gates, leases, polling, waiters
from ledger.model.book import MT
from ledger.model.bucket import TICK_PERIOD_S
from ledger.model.journal import NO_TIER, Event
from ledger.model.tiers import DEFAULT_TIERS, Tier, install
from ledger.model.view import View
from ledger.model.waiters import Request
from ledger.place import Place, seconds_until
from ledger.storage import file
from ledger.storage.transaction import Transactions
from ledger.types import NS_PER_S, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.clock import Clock
    from ledger.place import StopSignal
    from ledger.snapshot_records import Snapshot, Standing
    from ledger.storage.region import Region
    from ledger.types import Headroom, Reading, Shape

_DEATH_CHECK_NS: Final = 1_000_000_000  # a waiter looks for dead owners at most once a second


class TokenLedger:
    """The shared budget. Make one with `create`, `attach` or `in_memory`."""

    def __init__(self, region: Region, clock: Clock) -> None:
        self._region = region
        self.replaced: Final = region.replaced  # a sentence when this start has begun the file anew; else empty
        self._clock = clock
        self._transactions = Transactions(region, clock)
        self._next_death_check_ns = 0

    @classmethod
    def create(
        cls,
        path: Path | str,
        tiers: Sequence[Tier] = DEFAULT_TIERS,
        *,
        clock: Clock | None = None,
        tick_period_s: float = TICK_PERIOD_S,
        account: str = "",
    ) -> TokenLedger:
        """The ledger at `path`, with these tiers; begun anew unless a sound one of this boot and account is there.

        Raises:
            NotOurs: something else is at `path`.
            Unusable: the file cannot be made or opened.
            ValueError: the tiers are not usable.
        """
        ledger = cls(file.create(Path(path), account), clock or SystemClock())
        ledger.configure(tiers, tick_period_s)
        return ledger

    @classmethod
    def attach(cls, path: Path | str, *, clock: Clock | None = None) -> TokenLedger:
        """The ledger that was created at `path` before.

        Raises:
            NoLedger: there is no file.
            NotOurs: the file is something else, or of another format.
            Unusable: the file cannot be opened.
        """
        return cls(file.attach(Path(path)), clock or SystemClock())

    @classmethod
    def in_memory(cls, tiers: Sequence[Tier], clock: Clock, *, tick_period_s: float = TICK_PERIOD_S) -> TokenLedger:
        """A ledger of this process alone, for debugging and simulation."""
        ledger = cls(file.in_memory(), clock)
        ledger.configure(tiers, tick_period_s)
        return ledger

    def close(self) -> None:
        """Close the file; open leases stay in the book and are resolved when the process has ended."""
        self._region.close()

    def configure(self, tiers: Sequence[Tier], tick_period_s: float) -> None:
        """Set the tiers and the nominal tick period, for waiters as well; what is known is kept.

        Raises:
            ValueError: a name is unusable, a share is out of range, or the shares exceed 1.
        """
        with self._transactions.change(opens=True) as view:
            install(view, tiers, round(tick_period_s * NS_PER_S), self._clock.now_ns())

    def reserve(
        self,
        tier: str,
        cost: int,
        *,
        shape: Shape | None = None,
        timeout_s: float | None = None,
        stop: StopSignal | None = None,
        on_wait: Callable[[Wait], None] | None = None,
    ) -> Lease:
        """A lease on `cost` tokens, as soon as the tier's gate opens; the oldest request of a tier is first.

        `on_wait` is called when the wait begins and when its expected end moves by more than a second.

        Raises:
            NeverEnough: no wait would help.
            NeedsReading: the balance is unknown and this caller is the one to ask.
            Stopped: `stop` was set.
            TimedOut: `timeout_s` passed.
            KeyError: there is no such tier.
        """
        deadline_ns = None if timeout_s is None else self._clock.now_ns() + round(timeout_s * NS_PER_S)
        with Place(self, tier) as place:
            return place.wait(cost, shape=shape, deadline_ns=deadline_ns, stop=stop, on_wait=on_wait)

    def place(self, tier: str) -> Place:
        """A place in the queue of the tier, for a caller that must not block: see `Place.poll`."""
        return Place(self, tier)

    def try_reserve(self, tier: str, cost: int, *, shape: Shape | None = None) -> Lease | Wait:
        """A lease if the gate is open now and no request of the tier waits, else how long it would take.

        Raises:
            NeverEnough: no wait would help.
            NeedsReading: the balance is unknown and this caller is the one to ask.
            KeyError: there is no such tier.
        """
        with self._transactions.change() as view:
            request = self._request(view, tier, cost, shape)
            outcome = self._grant(view, request, 0)
        return outcome if isinstance(outcome, Wait) else Lease(self, outcome, tier, cost)

    def headroom(self, tier: str) -> Headroom:
        """How many tokens one request of the tier could get: now, and at most. Both are 0 before the first reading."""
        view, _ = self._look()
        now_ns = self._clock.now_ns()
        gates.advance(view, now_ns)
        return gates.headroom(view, view.tier_index(tier), now_ns)

    def estimate(self, shape: Shape) -> int:
        """Tokens to reserve for a request of this shape."""
        view, _ = self._look()
        return costs.estimate(view, shape)

    def observe(self, reading: Reading, *, sent_ns: int | None = None) -> bool:
        """Make a reading that cost nothing the truth; False when it says nothing or is not believed.

        A reading with `refill_rate` 0 says nothing. An impossible one is not believed, and one that nothing explains
        only when another agrees. `sent_ns` is when it was asked for, None for just now.
        """
        with self._transactions.change(opens=True) as view:
            view.events.append((Event.READING, NO_TIER, 0, 0))
            after_ns = None if sent_ns is None else sent_ns + 1  # it was asked for after all that happened until then
            now_ns = self._clock.now_ns()
            is_believed = reading.refill_rate != 0 and leases.observe(view, reading, now_ns, sent_ns=after_ns)
            if not is_believed:
                polling.answered_badly(view, now_ns)
        return is_believed

    def unanswered(self) -> None:
        """Note that the server gave no usable answer when it was asked for a reading: the next question waits."""
        with self._transactions.change(opens=True) as view:
            polling.answered_badly(view, self._clock.now_ns())

    def raise_if_due(self, wait: Wait) -> None:
        """Raise if a caller who waits so long is to ask the server meanwhile, or to make a blind call.

        Raises:
            NeedsReading: a look at the balance is due, and this caller is the one to ask.
            NeedsBlindCall: the balance is unknown, and asking for it did not help.
        """
        view, _ = self._look()
        now_ns = self._clock.now_ns()
        if polling.may_go_blind(view, now_ns):
            raise NeedsBlindCall("the server gave no usable reading: make one small call to learn the balance")
        if view.book.synced and now_ns >= polling.next_look_ns(view):
            with self._transactions.change() as changed:
                if polling.claim_look(changed, wait, process.this_process(), now_ns):
                    raise NeedsReading(
                        "the wait is long: ask the server for a reading meanwhile, observe it, go on waiting"
                    )

    def lease_blind(self, tier: str, cost: int, *, shape: Shape | None = None) -> Lease | None:
        """A lease while the balance is unknown and the server gives no usable reading; None when it is not due.

        There is one at a time, and at most one a tick.
        """
        with self._transactions.change() as view:
            request, now_ns = self._request(view, tier, cost, shape), self._clock.now_ns()
            if not polling.claim_blind(view, now_ns):
                return None
            lease_id = leases.lend_blind(view, request, now_ns)
        return Lease(self, lease_id, tier, cost)

    def next_try_ns(self) -> int:
        """When a caller who waits should look again at the latest: a reading or a blind call is due then."""
        return polling.next_try_ns(self._look()[0], self._clock.now_ns())

    def standing(self) -> Standing:
        """What is known of the balance, and how well."""
        view, _ = self._look()
        return snapshot.standing(view.book, self._clock.now_ns())

    def resolve_dead(self) -> int:
        """Resolve what dead processes left; returns how many leases and waiters that were."""
        view, _ = self._look()
        if all(process.is_alive(pid, start) for pid, start in leases.owners(view)):
            return 0
        with self._transactions.change(opens=True) as view:
            return leases.resolve_dead(view, self._clock.now_ns(), process.is_alive)

    def snapshot(self) -> Snapshot:
        """The ledger at this moment; this takes no lock and changes nothing."""
        view, ring = self._look()
        now_ns = self._clock.now_ns() if self._region.is_of_this_boot else view.book.changed_ns
        return snapshot.take_snapshot(view.book, ring, now_ns, datetime.now(UTC))

    def commit(self, lease: Lease) -> None:
        """See `Lease.commit`."""
        with self._transactions.change() as view:
            leases.commit(view, lease.id, self._clock.now_ns())

    def settle(self, lease: Lease, consumed: int | None, reading: Reading | None, *, refused: bool) -> None:
        """See `Lease.settle`. A lease resolved meanwhile is charged already; its reading still counts."""
        usable = None if reading is None or reading.refill_rate == 0 else reading
        with self._transactions.change(opens=True) as view:
            view.book.refused += refused
            if refused:
                view.events.append((Event.REFUSED, view.tier_index(lease.tier), 0, 0))
            now_ns = self._clock.now_ns()
            if not leases.settle(view, lease.id, consumed, usable, now_ns) and usable is not None:
                leases.observe(view, usable, now_ns)

    def cancel(self, lease: Lease) -> None:
        """See `Lease.cancel`."""
        with self._transactions.change(opens=True) as view:
            leases.cancel(view, lease.id, self._clock.now_ns())
            view.book.blind_ns = 0  # nothing was sent, so the next small call need not wait a tick

    def attempt(self, place: Place, cost: int, shape: Shape | None) -> Lease | Wait:
        """See `Place.poll`."""
        transaction = self._transactions.change()
        with transaction as view:
            request = self._request(view, place.tier, cost, shape)
            ticket = waiters.keep(view, place.ticket, request.cost_mt)
            outcome = self._grant(view, request, ticket)
            if isinstance(outcome, Wait) and not ticket:
                now_ns = self._clock.now_ns()
                ticket = waiters.join(view, request, now_ns)
                outcome = leases.grant(view, request, now_ns, ticket)
            seen = self._region.wake_value
            transaction.opens = ticket > 0 and not isinstance(outcome, Wait)  # the next in the queue may be served too
        if isinstance(outcome, Wait):
            place.ticket, place.seen = ticket, seen
            return outcome
        place.ticket = 0
        return Lease(self, outcome, place.tier, cost)

    def leave_queue(self, place: Place) -> None:
        """See `Place.leave`."""
        with self._transactions.change(opens=True) as view:
            waiters.leave(view, place.ticket, self._clock.now_ns())

    def sleep_until(self, place: Place, until_ns: int | None) -> tuple[int, bool]:
        """Sleep until then, until the book changes or a signal comes, and resolve the dead: see `Place`."""
        now_ns = self._clock.now_ns()
        self._transactions.sleep(place.seen, seconds_until(until_ns, now_ns))
        if now_ns >= self._next_death_check_ns:
            self._next_death_check_ns = now_ns + _DEATH_CHECK_NS
            self.resolve_dead()
        return self._clock.now_ns(), self._region.wake_value != place.seen

    def _request(self, view: View, tier: str, cost: int, shape: Shape | None) -> Request:
        if cost < 1:
            raise ValueError(f"a cost of {cost} tokens: at least 1 is expected")
        return Request(view.tier_index(tier), cost * MT, process.this_process(), shape)

    def _grant(self, view: View, request: Request, ticket: int) -> int | Wait:
        now_ns = self._clock.now_ns()
        if polling.claim_reading(view, request.owner, now_ns, process.is_alive):
            raise NeedsReading("the balance is unknown: ask the server for a reading, observe it, reserve again")
        if view.book.synced and request.cost_mt > (max_mt := gates.max_grant_mt(view, request.tier)):
            raise NeverEnough(view.tiers[request.tier].name.decode(), request.cost_mt // MT, max_mt // MT)
        return leases.grant(view, request, now_ns, ticket)

    def _look(self) -> tuple[View, bytes]:
        book, ring = self._region.read()
        return View(book, is_whole=False), ring
