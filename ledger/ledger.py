"""The public face: a token budget that several processes share.

`reserve -> commit -> settle` (or `cancel`) around each call; `observe` for a reading that cost nothing. Every
operation is one transaction over the book: it has happened, or it has not, wherever a process is killed.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ledger import bucket, costs, gates, journal, leases, owner, regionfile, snapshot, wake
from ledger.book import MT, PPM, View
from ledger.clock import NS_PER_S, SystemClock
from ledger.errors import NeedsReading, NeverEnough, Stopped, TimedOut
from ledger.gates import Headroom, Tier, Wait
from ledger.journal import NO_TIER, Event
from ledger.lease import Lease
from ledger.leases import Owner, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ledger.bucket import Reading
    from ledger.clock import Clock
    from ledger.costs import Shape
    from ledger.region import Region
    from ledger.snapshot import Snapshot

TICK_PERIOD_S: Final = 60.2  # nominally 60 s; about 60.208 s was measured over 109 recorded replies
_DEATH_CHECK_NS: Final = 1_000_000_000  # a waiter looks for dead owners at most once a second
_RETELL_NS: Final = 1_000_000_000  # a change of the expected time smaller than this is not told again


class StopSignal(Protocol):
    """What tells a waiter to give up; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...


class TokenLedger:
    """The shared budget. Make one with `create`, `attach` or `in_memory`."""

    def __init__(self, home: Region, clock: Clock) -> None:
        self._region = home
        self._clock = clock
        self._waker = None if memoryview(home.buffer).readonly else wake.waker_for(home)
        self._next_death_check_ns = 0

    @classmethod
    def create(
        cls,
        path: Path | str,
        tiers: Sequence[Tier] = gates.DEFAULT_TIERS,
        *,
        clock: Clock | None = None,
        tick_period_s: float = TICK_PERIOD_S,
        account: str = "",
    ) -> TokenLedger:
        """The ledger at `path`, begun anew unless a sound one of this boot and this account is there; sets the tiers.

        Raises:
            NotOurs: something else is at `path`.
            ValueError: the tiers are not usable.
        """
        ledger = cls(regionfile.create(Path(path), account), clock or SystemClock())
        ledger.configure(tiers, tick_period_s)
        return ledger

    @classmethod
    def attach(cls, path: Path | str, *, clock: Clock | None = None) -> TokenLedger:
        """The ledger that somebody created at `path`.

        Raises:
            NoLedger: nothing is there.
            NotOurs: it is something else, or of another format.
        """
        return cls(regionfile.attach(Path(path)), clock or SystemClock())

    @classmethod
    def in_memory(cls, tiers: Sequence[Tier], clock: Clock, *, tick_period_s: float = TICK_PERIOD_S) -> TokenLedger:
        """A ledger of this process alone, for debugging and simulation."""
        ledger = cls(regionfile.in_memory(), clock)
        ledger.configure(tiers, tick_period_s)
        return ledger

    def close(self) -> None:
        """Give back the descriptor; open leases stay in the book and are resolved when the process has ended."""
        self._region.close()

    def configure(self, tiers: Sequence[Tier], tick_period_s: float) -> None:
        """Set the tiers and the nominal tick period, keeping what is known.

        Raises:
            ValueError: a name is unusable, a share is out of range, or the shares exceed 1.
        """
        gates.check(tiers)
        with self._change() as view:
            book = view.book
            nominal_ns = round(tick_period_s * NS_PER_S)
            if book.nominal_period_ns != nominal_ns:
                book.nominal_period_ns = book.period_ns = nominal_ns
            if [t.name.encode() for t in tiers] != [t.name for t in view.tiers[: book.tier_count]]:
                if book.lease_count or book.waiter_count:
                    raise ValueError("the tiers' names cannot change while calls are open: stop the workers first")
                view.events.append((Event.TIERS, NO_TIER, 0, 0))
                book.tier_count = len(tiers)
            for state, tier in zip(view.tiers, tiers, strict=False):
                state.name = tier.name.encode()
                state.floor_mt = tier.floor * MT
                state.floor_ppm = round(tier.floor_part * PPM)
                state.share_ppm = round(tier.share * PPM)

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
        """A lease on `cost` tokens, as soon as the tier's gate opens; oldest request of a tier first.

        `on_wait` is told when the wait begins and when its expected end moves by more than a second.

        Raises:
            NeverEnough: no wait would help.
            NeedsReading: the balance is unknown and this caller is the one to ask.
            Stopped: `stop` was set.
            TimedOut: `timeout_s` passed.
            KeyError: there is no such tier.
        """
        deadline_ns = None if timeout_s is None else self._clock.now_ns() + round(timeout_s * NS_PER_S)
        ticket = 0
        told: Wait | None = None
        try:
            while True:
                lease, wait, ticket, seen = self._attempt(tier, cost, shape, ticket)
                if lease is not None:
                    ticket = 0
                    return lease
                if on_wait is not None and _is_news(told, wait):
                    on_wait(wait)
                    told = wait
                self._sleep(wait, seen, deadline_ns, stop)
        finally:
            if ticket:
                self._abandon(ticket)

    def try_reserve(self, tier: str, cost: int, *, shape: Shape | None = None) -> Lease | Wait:
        """A lease if the gate is open now and nobody of the tier waits, else how long it would take.

        Raises:
            NeverEnough: no wait would help.
            NeedsReading: the balance is unknown and this caller is the one to ask.
            KeyError: there is no such tier.
        """
        with self._change() as view:
            request = self._request(view, tier, cost, shape)
            outcome = self._grant(view, request, tier, 0)
        if isinstance(outcome, Wait):
            return outcome
        return Lease(self, outcome, tier, cost)

    def headroom(self, tier: str) -> Headroom:
        """What one request of the tier could get: at once, and ever. Both 0 before the first reading."""
        view, _ = self._look()
        now_ns = self._clock.now_ns()
        gates.advance(view, now_ns)
        return gates.headroom(view, view.tier_index(tier), now_ns)

    def estimate(self, shape: Shape) -> int:
        """Tokens to reserve for a request of this shape."""
        view, _ = self._look()
        return costs.estimate(view, shape)

    def observe(self, reading: Reading) -> None:
        """Make a reading that cost nothing the truth; one with `refill_rate` 0 says nothing and is ignored."""
        if reading.refill_rate == 0:
            return
        with self._change(opens=True) as view:
            leases.observe(view, reading, self._clock.now_ns())
            view.events.append((Event.READING, NO_TIER, 0, 0))

    def resolve_dead(self) -> int:
        """Resolve what dead processes left; returns how many leases and waiters that were."""
        if not self._has_dead():
            return 0
        with self._change(opens=True) as view:
            return leases.resolve_dead(view, self._clock.now_ns(), owner.is_alive)

    def snapshot(self) -> Snapshot:
        """The ledger now; takes no lock and changes nothing."""
        view, ring = self._look()
        now_ns = (
            self._clock.now_ns() if self._region.path is None or self._region.is_of_this_boot else view.book.changed_ns
        )
        return snapshot.take(view.book, journal.read(ring, view.book.journal_count), now_ns, datetime.now(UTC))

    def commit(self, lease: Lease) -> None:
        """See `Lease.commit`."""
        with self._change() as view:
            leases.commit(view, lease.id, self._clock.now_ns())

    def settle(self, lease: Lease, consumed: int | None, reading: Reading | None, *, refused: bool) -> None:
        """See `Lease.settle`. A lease resolved meanwhile is charged already; its reading still counts."""
        usable = None if reading is None or reading.refill_rate == 0 else reading
        with self._change(opens=True) as view:
            view.book.refused += refused
            if refused:
                view.events.append((Event.REFUSED, view.tier_index(lease.tier), 0, 0))
            now_ns = self._clock.now_ns()
            if not leases.settle(view, lease.id, consumed, usable, now_ns) and usable is not None:
                leases.observe(view, usable, now_ns)

    def cancel(self, lease: Lease) -> None:
        """See `Lease.cancel`."""
        with self._change(opens=True) as view:
            leases.cancel(view, lease.id)

    def _attempt(self, tier: str, cost: int, shape: Shape | None, ticket: int) -> tuple[Lease | None, Wait, int, int]:
        """One try for the lease, joining the queue if it fails; also the wake counter it was judged by."""
        with self._change() as view:
            request = self._request(view, tier, cost, shape)
            if ticket and view.waiter(ticket) < 0:
                ticket = 0
            outcome = self._grant(view, request, tier, ticket)
            if isinstance(outcome, Wait):
                now_ns = self._clock.now_ns()
                ticket = ticket or leases.join(view, request, now_ns)
                outcome = leases.grant(view, request, now_ns, ticket)
            seen = self._region.wake_value
        if isinstance(outcome, Wait):
            return None, outcome, ticket, seen
        self._wake()
        return Lease(self, outcome, tier, cost), Wait(until_ns=None, latest_ns=None, reason=""), 0, seen

    def _request(self, view: View, tier: str, cost: int, shape: Shape | None) -> Request:
        if cost < 1:
            raise ValueError(f"a cost of {cost} tokens: at least 1 is expected")
        pid, start = owner.identity()
        return Request(tier=view.tier_index(tier), cost_mt=cost * MT, owner=Owner(pid=pid, start=start), shape=shape)

    def _grant(self, view: View, request: Request, tier: str, ticket: int) -> int | Wait:
        now_ns = self._clock.now_ns()
        if leases.claim_reading(view, request.owner, now_ns, owner.is_alive):
            self._claimed(view)
            raise NeedsReading("the balance is unknown: ask the server for a reading, observe it, reserve again")
        if view.book.synced:
            most_mt = gates.most_ever_mt(view, request.tier)
            if request.cost_mt > most_mt:
                raise NeverEnough(tier, request.cost_mt // MT, most_mt // MT)
        return leases.grant(view, request, now_ns, ticket)

    def _sleep(self, wait: Wait, seen: int, deadline_ns: int | None, stop: StopSignal | None) -> None:
        """Until the gate should open, the book changes, or a signal comes."""
        now_ns = self._clock.now_ns()
        if stop is not None and stop.is_set():
            raise Stopped("asked to stop while waiting for tokens", wait)
        if deadline_ns is not None and now_ns >= deadline_ns:
            raise TimedOut("the time-out passed while waiting for tokens", wait)
        ends = [at for at in (wait.until_ns, deadline_ns) if at is not None]
        seconds = (min(ends) - now_ns) / NS_PER_S if ends else wake.CAP_S
        if self._waker is not None and seconds > 0:
            self._waker.sleep(seen, seconds)
        if now_ns >= self._next_death_check_ns:
            self._next_death_check_ns = now_ns + _DEATH_CHECK_NS
            self.resolve_dead()

    def _abandon(self, ticket: int) -> None:
        with self._change(opens=True) as view:
            leases.leave(view, ticket, self._clock.now_ns())

    def _has_dead(self) -> bool:
        view, _ = self._look()
        book = view.book
        owners = {(entry.owner_pid, entry.owner_start) for entry in view.leases[: book.lease_count]}
        owners |= {(entry.owner_pid, entry.owner_start) for entry in view.waiters[: book.waiter_count]}
        return any(not owner.is_alive(pid, start) for pid, start in owners)

    def _look(self) -> tuple[View, bytes]:
        book, ring = self._region.read()
        return View(book), ring

    def _claimed(self, view: View) -> None:
        view.events.append((Event.READING, NO_TIER, 0, view.book.reader_pid))

    def _wake(self) -> None:
        if self._waker is not None:
            self._waker.wake()

    @contextmanager
    def _change(self, *, opens: bool = False) -> Iterator[View]:
        """A transaction that journals its events; with `opens`, waiters look again afterwards."""
        claim: NeedsReading | None = None
        with self._region.transaction() as view:
            try:
                yield view
            except NeedsReading as error:
                claim = error  # the claim itself must be published
            self._journal(view)
            if opens:
                self._region.wake()
            has_waiters = view.book.waiter_count > 0
        if claim is not None:
            raise claim
        if opens and has_waiters:
            self._wake()

    def _journal(self, view: View) -> None:
        book = view.book
        book.changed_ns = self._clock.now_ns()
        balance = bucket.balance_after(book, bucket.ticks_due(book, book.changed_ns))
        for event, tier, tokens_mt, pid in view.events:
            entry = journal.Entry(
                sequence=book.sequence,
                at_ns=book.changed_ns,
                event=Event(event),
                tier=tier,
                tokens_mt=tokens_mt,
                balance_mt=balance,
                pid=pid,
            )
            self._region.write_entry(book.journal_count, entry)
            book.journal_count += 1


def _is_news(told: Wait | None, wait: Wait) -> bool:
    if told is None or told.until_ns is None or wait.until_ns is None:
        return told is None or told.until_ns != wait.until_ns
    return abs(told.until_ns - wait.until_ns) > _RETELL_NS
