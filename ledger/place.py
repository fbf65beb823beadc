"""A request's place in the queue of its tier, and the wait for its turn.

`poll` never blocks, so one process can hold places for several jobs; `wait` sleeps until the gate opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, Self

from ledger.errors import Stopped, TimedOut
from ledger.storage import futex
from ledger.types import NS_PER_S, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.lease import Lease
    from ledger.types import Shape

_NEWS_NS: Final = NS_PER_S  # a smaller change of the expected time is not reported


class StopSignal(Protocol):
    """Ends a wait when it is set; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...


class QueueBackend(Protocol):
    """The ledger a place belongs to."""

    def attempt(self, place: Place, cost: int, shape: Shape | None) -> Lease | Wait:
        """Try to get the lease; without one, join the queue."""
        ...

    def leave_queue(self, place: Place) -> None:
        """Take the place out of the queue."""
        ...

    def raise_if_due(self, wait: Wait) -> None:
        """Raise when something else than tokens is due for a caller who waits."""
        ...

    def look_ns(self, *, is_behind: bool) -> int:
        """After what time without an event to ask again, in nanoseconds."""
        ...

    def sleep_until(self, place: Place, until_ns: int | None) -> tuple[int, bool]:
        """Sleep at most until then; return the time afterwards, and whether a gate may have opened since the poll."""
        ...


class Place:
    """A place in the queue of `tier`; the first `poll` that gets no lease takes it. As a context it leaves at the end.

    While it is held the tier waits: its earmark grows, and lower tiers leave it what it asks for. If its gate has
    been open for five seconds without a `poll`, it loses its turn, and joins again at the end with the next `poll`.

    One that may be `away_s` seconds without a `poll`, because its process is busy with something else, keeps its place
    so long: after those five seconds others of the tier are served before it, and the tier goes on waiting.
    """

    __slots__ = ("_queue", "away_s", "seen", "ticket", "tier")

    def __init__(self, queue: QueueBackend, tier: str, away_s: int = 0) -> None:
        self._queue = queue
        self.tier = tier
        self.away_s = away_s
        self.ticket = 0
        self.seen = 0

    def poll(self, cost: int, *, shape: Shape | None = None) -> Lease | Wait:
        """A lease on `cost` tokens if its turn has come, else how long it would take; each poll may have another cost.

        Raises:
            NeverEnough: no wait would help.
            NeedsReading: the balance is unknown and this caller is the one to ask.
        """
        return self._queue.attempt(self, cost, shape)

    def wait(
        self,
        cost: int,
        *,
        shape: Shape | None = None,
        deadline_ns: int | None = None,
        stop: StopSignal | None = None,
        on_wait: Callable[[Wait], None] | None = None,
        looks: bool = False,
    ) -> Lease:
        """A lease on `cost` tokens, as soon as its turn has come and the gate is open.

        With `looks` the wait is left, and the place kept, when the server is to be asked meanwhile: see
        `TokenLedger.look`.

        Raises:
            NeverEnough, NeedsReading: as `poll`.
            NeedsReading, NeedsBlindCall: as `TokenLedger.look`.
            Stopped: `stop` was set.
            TimedOut: the deadline passed.
        """
        reported: Wait | None = None
        now_ns = 0
        while True:
            outcome = self._queue.attempt(self, cost, shape)
            if not isinstance(outcome, Wait):
                return outcome
            if looks:
                self._queue.raise_if_due(outcome)
            if on_wait is not None and _is_news(reported, outcome):
                on_wait(outcome)
                reported = outcome
            if deadline_ns is not None and now_ns >= deadline_ns:
                raise TimedOut("the timeout passed while waiting for tokens", outcome)
            now_ns = self._sleep(outcome, deadline_ns, stop)

    def _sleep(self, outcome: Wait, deadline_ns: int | None, stop: StopSignal | None) -> int:
        """Sleep until another poll may have another outcome; return the time it is then.

        Behind others of the tier only an event changes the outcome: they are served, leave, or lose their turn.
        """
        is_behind = outcome.reason == "queue"
        until_ns = None if is_behind else outcome.until_ns
        end_ns = min((at for at in (until_ns, deadline_ns) if at is not None), default=None)
        look_ns: int | None = None
        while True:
            if stop is not None and stop.is_set():
                raise Stopped("asked to stop while waiting for tokens", outcome)
            now_ns, has_changed = self._queue.sleep_until(self, end_ns)
            look_ns = look_ns or now_ns + self._queue.look_ns(is_behind=is_behind)
            if now_ns >= look_ns or (end_ns is not None and now_ns >= end_ns) or has_changed:
                return now_ns

    def leave(self) -> None:
        """Leave the queue; without a place nothing happens."""
        if self.ticket:
            self._queue.leave_queue(self)
            self.ticket = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.leave()


def seconds_until(at_ns: int | None, now_ns: int) -> float:
    """Seconds to sleep until `at_ns`; the longest sleep when no time is known."""
    return futex.CAP_S if at_ns is None else (at_ns - now_ns) / NS_PER_S


def _is_news(reported: Wait | None, wait: Wait) -> bool:
    if reported is None or reported.until_ns is None or wait.until_ns is None:
        return reported is None or reported.until_ns != wait.until_ns
    return abs(reported.until_ns - wait.until_ns) > _NEWS_NS
