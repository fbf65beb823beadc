"""Pure: how fast a count grows, over the last while."""

from __future__ import annotations

from collections import deque
from typing import Final

from ledger import NS_PER_S

MINUTE_NS: Final = 60 * NS_PER_S


class SlidingRate:
    """Readings of one count and their times: those of the window, and the one before it, where the growth begins."""

    def __init__(self, window_s: int) -> None:
        self._window_ns = window_s * NS_PER_S
        self._readings: deque[tuple[int, int]] = deque()

    def read(self, now_ns: int, count: int) -> None:
        """Take in that the count was `count` at `now_ns`."""
        readings = self._readings
        readings.append((now_ns, count))
        while len(readings) > 1 and now_ns - readings[1][0] >= self._window_ns:
            readings.popleft()

    def growth(self) -> int:
        """What the count gained over the window, or since the first reading; 0 when it fell."""
        return max(0, self._readings[-1][1] - self._readings[0][1]) if self._readings else 0

    def per_min(self) -> float | None:
        """The growth a minute; None before there is a minute of history, which would be no pace."""
        if not self._readings:
            return None
        span_ns = self._readings[-1][0] - self._readings[0][0]
        return None if span_ns < MINUTE_NS else self.growth() * MINUTE_NS / span_ns
