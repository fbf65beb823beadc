"""What somebody else spends with the same key, told from how the drift of the ledger grows. Pure."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ledger import localtime
from supervisor.notify.alarms import Problem

if TYPE_CHECKING:
    from datetime import datetime

_HOUR: Final = timedelta(hours=1)


class DriftWatch:
    """The drift of the last hour."""

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, float]] = deque()
        self._since: str | None = None

    def look(self, drift: float, least: int, now: datetime) -> Problem | None:
        """The problem, when the drift has fallen by `least` tokens or more within an hour."""
        self._seen.append((now, drift))
        while self._seen[0][0] < now - _HOUR:
            self._seen.popleft()
        spent = max(before for _, before in self._seen) - drift
        if spent < least:
            self._since = None
            return None
        self._since = self._since or localtime.utc(now)
        words = f"somebody else spent {spent:g} tokens of this key within an hour; `sluicegate spend` shows our own"
        return Problem("drift", "key", self._since, words)
