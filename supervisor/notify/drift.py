"""What somebody else spends with the same key, told from how the drift of the ledger grows. Pure.

While calls overlap the ledger counts as drift what the reply to another one of ours will explain. So the drift of a
moment tells nothing, and what was there at every look for two minutes is told: a call is over by then.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ledger import localtime
from supervisor.notify.alarms import Problem

if TYPE_CHECKING:
    from datetime import datetime

_HOUR: Final = timedelta(hours=1)
_LASTS: Final = timedelta(minutes=2)


class DriftWatch:
    """The drift of one key in the last hour."""

    def __init__(self, name: str | None = None) -> None:
        """`name` is what the key is called where there are several."""
        self._what = name or "key"
        self._whose = "this key" if name is None else f"the key {name}"
        self._seen: deque[tuple[datetime, float]] = deque()
        self._since: str | None = None

    def look(self, drift: float, least: int, now: datetime) -> Problem | None:
        """The problem, when the drift has fallen by `least` tokens or more within an hour, and stayed there."""
        self._seen.append((now, drift))
        while self._seen[0][0] < now - _HOUR:
            self._seen.popleft()
        drifts = [one for _, one in self._seen]
        settled = sum(at <= now - _LASTS for at, _ in self._seen)
        spent = max(drifts) - max(drifts[max(0, settled - 1) :])
        if spent < least:
            self._since = None
            return None
        self._since = self._since or localtime.utc(now)
        words = (
            f"somebody else spent {spent:g} tokens of {self._whose} within an hour; `sluicegate spend` shows our own"
        )
        return Problem("drift", self._what, self._since, words)
