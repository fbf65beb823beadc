"""The server's time: Unix time that runs on an injected clock, so that it never steps and tests can move it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.simulator.bucket import NS_PER_MS

if TYPE_CHECKING:
    from ledger import Clock


class ServerClock:
    """Unix time, anchored once."""

    __slots__ = ("_ahead_ns", "_clock")

    def __init__(self, clock: Clock, start_unix_ms: int | None = None) -> None:
        """Anchor: now is `start_unix_ms`, or the machine's date and time."""
        self._clock = clock
        start = round(datetime.now(UTC).timestamp() * 1000) if start_unix_ms is None else start_unix_ms
        self._ahead_ns = start * NS_PER_MS - clock.now_ns()

    def now_ns(self) -> int:
        """Nanoseconds of Unix time."""
        return self._clock.now_ns() + self._ahead_ns

    def now_ms(self) -> int:
        """Milliseconds of Unix time."""
        return self.now_ns() // NS_PER_MS
