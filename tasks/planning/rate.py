"""Pure: how fast a count grows, over the last quarter of an hour."""

from __future__ import annotations

from collections import deque
from typing import Final

from ledger import NS_PER_S

WINDOW_NS: Final = 15 * 60 * NS_PER_S
LEAST_NS: Final = 60 * NS_PER_S  # of history before a rate means anything
_PER_MIN_NS: Final = 60 * NS_PER_S


class Rate:
    """Readings of a count and their times."""

    def __init__(self) -> None:
        self._readings: deque[tuple[int, int]] = deque()

    def read(self, now_ns: int, count: int) -> None:
        """Take in that the count was `count` at `now_ns`."""
        self._readings.append((now_ns, count))
        while now_ns - self._readings[0][0] > WINDOW_NS:
            self._readings.popleft()

    def per_min(self) -> float | None:
        """Growth a minute, or None before there is a minute of history."""
        if not self._readings:
            return None
        (first_ns, first), (last_ns, last) = self._readings[0], self._readings[-1]
        if last_ns - first_ns < LEAST_NS:
            return None
        return max(0, last - first) * _PER_MIN_NS / (last_ns - first_ns)
