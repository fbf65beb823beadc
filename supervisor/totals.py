"""What all workers of a run did together, those that died included: sums that only grow."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from supervisor.fsm import RESTING
from supervisor.rates import Rates
from tasks.traffic import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from supervisor.liveness import Beat
    from supervisor.slot import Death, Slot
    from tasks.traffic import Calls


class Totals:
    """Sums since the supervisor started.

    A beat that got lost is made up for by the next; a killed worker's last second may be missing, which is less than
    the truth and never more.

    Attributes:
        restarts: deaths that led, or will lead, to another start, by role and cause.
    """

    def __init__(self) -> None:
        self.restarts: Counter[tuple[str, str]] = Counter()
        self._rows: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._calls: dict[str, Calls] = {}
        self._rates = Rates()

    def bury(self, slot: Slot, death: Death) -> None:
        """Keep what a dead worker did; `slot` is already in its next state."""
        if slot.state not in RESTING:
            self.restarts[slot.spec.role, death.ending.cause.value] += 1
        beat = death.last_beat
        if beat is not None:
            self._rows.update(beat.rows)
            self._refused.update(beat.refused)
            self._calls = merged(self._calls, beat.calls)

    def rows(self, workers: Iterable[Slot]) -> dict[str, int]:
        """Rows committed, by table."""
        return dict(_summed(self._rows, (beat.rows for beat in _beats(workers))))

    def refused(self, workers: Iterable[Slot]) -> dict[str, int]:
        """What went into quarantine, by kind."""
        return dict(_summed(self._refused, (beat.refused for beat in _beats(workers))))

    def calls(self, workers: Iterable[Slot]) -> dict[str, Calls]:
        """Calls to the API, by endpoint."""
        total = self._calls
        for beat in _beats(workers):
            total = merged(total, beat.calls)
        return total

    def rows_per_minute(self, workers: Sequence[Slot], now_ns: int) -> dict[str, float]:
        """Rows committed a minute over the last minute, by table."""
        return self._rates.after(self.rows(workers), now_ns)


def _beats(workers: Iterable[Slot]) -> list[Beat]:
    return [slot.beat for slot in workers if slot.beat is not None]


def _summed(start: Counter[str], more: Iterable[Mapping[str, int]]) -> Counter[str]:
    total = start.copy()
    for counts in more:
        total.update(counts)
    return total
