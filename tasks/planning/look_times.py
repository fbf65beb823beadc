"""Pure: when each selection is to be looked at again, by what the settings and the budget say now.

A moment is kept as what it was counted from: a limit that is raised or taken away holds for looks that wait already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from ledger import NS_PER_S
from tasks.planning.pacing import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable

K = TypeVar("K")

MAX_PAUSE_NS: Final = round(DAY_S) * NS_PER_S  # of a page that could not be read, unless each look is rarer than that


class Intervals(NamedTuple):
    """Nanoseconds between two looks at one selection: with the budget, and as if there were none."""

    paid_ns: int
    free_ns: int


class _Wait(NamedTuple):
    """So many intervals after a moment; `is_paid`: whether the look will cost something."""

    since_ns: int
    times: int
    is_paid: bool = True

    def due_ns(self, intervals: Intervals) -> int:
        one_ns = intervals.paid_ns if self.is_paid else intervals.free_ns
        if self.times == 0:
            return self.since_ns
        return self.since_ns + max(one_ns, min(one_ns * self.times, MAX_PAUSE_NS))


class LookTimes(Generic[K]):
    """When each is due; nanoseconds of one clock."""

    def __init__(self) -> None:
        self._waits: dict[K, _Wait] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def begin(self, keys: Iterable[K], now_ns: int) -> None:
        """Look at each of `keys` at once."""
        self._waits = {key: _Wait(now_ns, 0) for key in keys}

    def rest(self, key: K, until_ns: int) -> None:
        """Look at it at that moment, whatever the intervals are."""
        self._waits[key] = _Wait(until_ns, 0)

    def ended(self, key: K, at_ns: int, *, pauses: int = 1) -> None:
        """Look at it so many intervals after a look that ended; several are together a day at the most."""
        self._waits[key] = _Wait(at_ns, pauses)

    def taken(self, key: K, now_ns: int) -> None:
        """Another worker looks at it: ask for the turn as if there were no budget, because asking costs nothing."""
        self._waits[key] = _Wait(now_ns, 1, is_paid=False)

    def next(self, intervals: Intervals) -> tuple[K, int] | None:
        """What is due first, and when; None without anything to look at."""
        dues = ((key, wait.due_ns(intervals)) for key, wait in self._waits.items())
        return min(dues, key=lambda due: due[1], default=None)
