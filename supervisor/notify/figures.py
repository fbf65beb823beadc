"""What has become of messages, by the names of their targets: sent, refused, and what waits. Kept for the metrics."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

MOST_TARGETS: Final = 20  # a heartbeat has room for so many
NAMES_BYTES: Final = 1_400  # and for so much of their names, as JSON has them

Waiting = tuple[int, "datetime"]
"""How many messages wait, and when the oldest of them was made."""


class Figures:
    """The figures of one process; its threads add to them."""

    def __init__(self, targets: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._names = list(targets)
        self._sent = dict.fromkeys(self._names, 0)
        self._refused = dict.fromkeys(self._names, 0)
        self._waiting: dict[str, Mapping[str, Waiting]] = {}

    def sent(self, target: str) -> None:
        """Count a message that its target has accepted."""
        with self._lock:
            self._sent[target] += 1

    def refused(self, target: str) -> None:
        """Count an attempt that came to nothing."""
        with self._lock:
            self._refused[target] += 1

    def waits(self, where: str, by_target: Mapping[str, Waiting]) -> None:
        """Take over what waits in one of the places where messages are kept."""
        with self._lock:
            self._waiting[where] = by_target

    def record(self) -> dict[str, tuple[int, int, int, float]]:
        """By target: sent and refused since the process began, waiting now, and when the oldest of those was made.

        That is in seconds since 1970, and 0 when none waits. Of many targets, or long names, those are there of which
        most waits.
        """
        with self._lock:
            found = {name: (self._sent[name], self._refused[name], *self._oldest(name)) for name in self._names}
        record, left = dict[str, tuple[int, int, int, float]](), NAMES_BYTES
        for name in sorted(found, key=lambda name: -found[name][2])[:MOST_TARGETS]:
            size = len(json.dumps(name))
            if size <= left:
                record[name], left = found[name], left - size
        return record

    def _oldest(self, name: str) -> tuple[int, float]:
        places = [place[name] for place in self._waiting.values() if name in place]
        return sum(count for count, _ in places), min((at.timestamp() for _, at in places), default=0.0)
