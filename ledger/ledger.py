"""The ledger as its callers see it: a token budget that several processes share.

Each call is made between `reserve` and `commit`, and `settle` (or `cancel`); `observe` takes a reading that cost
nothing. Every operation is one transaction over the book: wherever a process is killed, it has happened or it has not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger import snapshot
from ledger.bookings import Bookings
from ledger.clock import SystemClock
from ledger.model import costs, gates, leases, polling
from ledger.model.bucket import TICK_PERIOD_S
from ledger.model.journal import NO_TIER, Event
from ledger.model.tiers import DEFAULT_TIERS, Tier, install
from ledger.place import Place
from ledger.storage import file
from ledger.storage.mapped import MappedHome
from ledger.storage.transaction import change
from ledger.types import NOBODY, NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.clock import Clock
    from ledger.lease import Lease
    from ledger.model.view import View
    from ledger.place import StopSignal
    from ledger.snapshot_records import Snapshot, Standing
    from ledger.storage.home import Home
    from ledger.types import Headroom, Reading, Shape, Wait


class TokenLedger(Bookings):
    """The shared budget over the home of its book. Make one with `create`, `attach` or `in_memory`, or of a home."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.replaced: Final = home.replaced  # a sentence when this start has begun the book anew; else empty

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
        ledger = cls(MappedHome(file.create(Path(path), account), clock or SystemClock()))
        ledger.configure(tiers, tick_period_s)
        return ledger

    @classmethod
    def attach(cls, path: Path | str, *, clock: Clock | None = None, read_only: bool = False) -> TokenLedger:
        """The ledger that was created at `path` before; one that is `read_only` can be looked at, and never changed.

        Raises:
            NoLedger: there is no file.
            NotOurs: the file is something else, or of another format.
            Unusable: the file cannot be opened.
        """
        return cls(MappedHome(file.attach(Path(path), read_only=read_only), clock or SystemClock()))

    @classmethod
    def in_memory(cls, tiers: Sequence[Tier], clock: Clock, *, tick_period_s: float = TICK_PERIOD_S) -> TokenLedger:
        """A ledger of this process alone, for debugging and simulation."""
        ledger = cls(MappedHome(file.in_memory(), clock))
        ledger.configure(tiers, tick_period_s)
        return ledger

    def close(self) -> None:
        """Let go of the home; open leases stay in the book and are resolved when the process has ended."""
        self._home.close()

    @property
    def is_current(self) -> bool:
        """Whether what the book says is of now; that of the file of an earlier boot is not."""
        return self._home.is_current

    def configure(self, tiers: Sequence[Tier], tick_period_s: float) -> None:
        """Set the tiers and the nominal tick period, for waiters as well; what is known is kept.

        Raises:
            ValueError: a name is unusable, a share is out of range, or the shares exceed 1.
        """
        nominal_ns = round(tick_period_s * NS_PER_S)
        change(self._home, lambda view: install(view, tiers, nominal_ns, self._now_ns()), opens=True)

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
        deadline_ns = None if timeout_s is None else self._local_ns() + round(timeout_s * NS_PER_S)
        with Place(self, tier) as place:
            return place.wait(cost, shape=shape, deadline_ns=deadline_ns, stop=stop, on_wait=on_wait)

    def headroom(self, tier: str) -> Headroom:
        """How many tokens one request of the tier could get: now, and at most. Both are 0 before the first reading."""
        view, now_ns = self._look(), self._now_ns()
        gates.advance(view, now_ns)
        return gates.headroom(view, view.tier_index(tier), now_ns)

    def estimate(self, shape: Shape) -> int:
        """Tokens to reserve for a request of this shape."""
        return costs.estimate(self._look(), shape)

    def observe(self, reading: Reading, *, sent_ns: int | None = None) -> bool:
        """Make a reading that cost nothing the truth; False when it says nothing or is not believed.

        A reading with `refill_rate` 0 says nothing. An impossible one is not believed, and one that nothing explains
        only when another agrees. `sent_ns` is when it was asked for, None for just now.
        """
        after_ns = None if sent_ns is None else sent_ns - self._home.ahead_ns + 1  # asked for after all until then

        def believe(view: View) -> bool:
            view.events.append((Event.READING, NO_TIER, 0, NOBODY))
            now_ns = self._now_ns()
            is_believed = reading.refill_rate != 0 and leases.observe(view, reading, now_ns, sent_ns=after_ns)
            if not is_believed:
                polling.answered_badly(view, now_ns)
            return is_believed

        return change(self._home, believe, opens=True)

    def unanswered(self) -> None:
        """Note that the server gave no usable answer when it was asked for a reading: the next question waits."""
        change(self._home, lambda view: polling.answered_badly(view, self._now_ns()), opens=True)

    def next_try_ns(self) -> int:
        """When a caller who waits should look again at the latest: a reading or a blind call is due then."""
        return polling.next_try_ns(self._look(), self._now_ns()) + self._home.ahead_ns

    def standing(self) -> Standing:
        """What is known of the balance, and how well."""
        return snapshot.standing(self._look().book, self._now_ns())

    def snapshot(self) -> Snapshot:
        """The ledger at this moment; this takes no lock and changes nothing."""
        book, journal = self._home.read()
        now_ns = self._now_ns() if self._home.is_current else book.changed_ns
        return snapshot.take_snapshot(book, journal, now_ns, datetime.now(UTC))
