"""What all workers of a run did together, those that died included: sums that only grow, and rows a minute. Pure.

The rates are those of the last minute.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

from supervisor.process.states import RESTING
from tasks.planning.sliding_rate import SlidingRate
from tasks.runtime.call_stats import merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from supervisor.process.heartbeat import Heartbeat
    from supervisor.process.restart_policy import Death
    from supervisor.process.slot import Slot
    from tasks.runtime.call_stats import EndpointStats

WINDOW_S: Final = 60


class Totals:
    """Sums since the supervisor started.

    A beat that got lost is made up for by the next; a killed worker's last second may be missing, which is less than
    the truth and never more.

    Attributes:
        restarts: deaths that led, or will lead, to another start, by role and cause.
    """

    def __init__(self, living: Callable[[], Iterable[Slot]]) -> None:
        """Sums over all that ever were `living`: a worker has to stay among them until its exit is recorded."""
        self._living = living
        self.restarts: Counter[tuple[str, str]] = Counter()
        self._rows: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._calls: dict[str, EndpointStats] = {}
        self._rates = defaultdict[str, SlidingRate](partial(SlidingRate, WINDOW_S))

    def record_exit(self, slot: Slot, death: Death) -> None:
        """Keep what a dead worker did; `slot` is already in its next state."""
        if slot.state not in RESTING:
            self.restarts[slot.spec.role, death.exit_reason.cause.value] += 1
        beat = death.last_beat
        if beat is not None:
            self._rows.update(beat.rows)
            self._refused.update(beat.refused)
            self._calls = merged(self._calls, beat.calls)

    def rows(self) -> dict[str, int]:
        """Rows committed, by table."""
        return _summed(self._rows, (beat.rows for beat in self._beats()))

    def refused(self) -> dict[str, int]:
        """What went into quarantine, by kind."""
        return _summed(self._refused, (beat.refused for beat in self._beats()))

    def calls(self) -> dict[str, EndpointStats]:
        """Calls to the API, by endpoint."""
        total = self._calls
        for beat in self._beats():
            total = merged(total, beat.calls)
        return total

    def rows_per_minute(self, now_ns: int) -> dict[str, float]:
        """Rows committed a minute over the last minute, by table.

        Less than a minute of history is not extrapolated: what came in the first seconds is no pace.
        """
        paces: dict[str, float] = {}
        for table, count in self.rows().items():
            rate = self._rates[table]
            rate.read(now_ns, count)
            per_min = rate.per_min()
            paces[table] = rate.growth() if per_min is None else per_min
        return paces

    def _beats(self) -> list[Heartbeat]:
        return [slot.beat for slot in self._living() if slot.beat is not None]


def _summed(start: Counter[str], more: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = start.copy()
    for counts in more:
        total.update(counts)
    return dict(total)
