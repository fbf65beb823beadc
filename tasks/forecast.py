"""Pure: how long a queue will take, from what the plan brings and what others take of it.

The pace so far is no guide: a full bucket pays for a burst at first, and a poll that has just begun takes what comes
for a while. So what lies in the bucket, what comes in, and what work takes apart from waiting are reckoned one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from tasks.rate import Rate

_MIN_S: Final = 60.0
_ROUNDING: Final = 1e-9  # a whole number of ticks must not become one more


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to work with.

    Attributes:
        per_item: tokens an item costs on average.
        spare: tokens that could be spent at once.
        refill: tokens per tick.
        tick_s: seconds per tick.
        next_tick_s: seconds until the next one.
        share: part of the refill that others cannot take, 0 to 1.
    """

    per_item: float
    spare: float
    refill: float
    tick_s: float
    next_tick_s: float
    share: float


class Forecast:
    """Readings of what others spend and of how long work takes."""

    def __init__(self) -> None:
        self._others = Rate()
        self._work_s = 0.0
        self._worked = 0

    def read_others(self, now_ns: int, spent: float) -> None:
        """Take in that others had spent so many tokens by `now_ns`."""
        self._others.read(now_ns, round(spent))

    def read_work(self, items: int, seconds: float) -> None:
        """Take in that so many items took so long, waiting for tokens not counted; older work counts half as much."""
        self._work_s = self._work_s / 2 + seconds
        self._worked = self._worked // 2 + items

    def left_s(self, items: int, workers: int, means: Means) -> float | None:
        """Seconds until `items` are done by so many workers; None while nothing comes in."""
        if not items:
            return 0.0
        if means.refill <= 0:
            return None
        others_per_s = (self._others.per_min() or 0.0) / _MIN_S
        refill_per_s = means.refill / means.tick_s
        income = max(refill_per_s - others_per_s, means.share * refill_per_s) * means.tick_s
        missing = max(0.0, items * means.per_item - means.spare)
        if missing and income <= 0:
            return None
        # What is missing comes in lumps, and the last item goes with the last of them.
        waiting_s = means.next_tick_s + (ceil(missing / income - _ROUNDING) - 1) * means.tick_s if missing else 0.0
        working_s = items * self._work_s / self._worked / max(1, workers) if self._worked else 0.0
        return max(waiting_s, working_s)
