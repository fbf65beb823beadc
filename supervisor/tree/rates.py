"""Rows a minute, over the last minute. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_S: Final = 60.0


class Rates:
    """Remembers counts for a minute."""

    def __init__(self) -> None:
        self._history: deque[tuple[int, Mapping[str, int]]] = deque()

    def after(self, counts: Mapping[str, int], now_ns: int) -> dict[str, float]:
        """What each count gained a minute, now that they are `counts`.

        Less than a minute of history is not extrapolated: what came in the first seconds is no pace.
        """
        self._history.append((now_ns, counts))
        while len(self._history) > 2 and now_ns - self._history[1][0] >= WINDOW_S * NS_PER_S:  # noqa: PLR2004 - two ends
            self._history.popleft()
        since_ns, before = self._history[0]
        minutes = max(WINDOW_S, (now_ns - since_ns) / NS_PER_S) / 60
        return {name: (count - before.get(name, 0)) / minutes for name, count in counts.items()}
