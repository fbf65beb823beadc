"""Time as the ledger sees it: nanoseconds since boot, a suspended machine's sleep included.

The numbers agree between all processes of one boot and never step with the wall clock.
"""

from __future__ import annotations

import time
from typing import Final, Protocol

from ledger.types import NS_PER_S

# Linux counts suspended time in CLOCK_BOOTTIME only; elsewhere the monotonic clock is the nearest thing.
_BOOT_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """A source of the time."""

    def now_ns(self) -> int:
        """Nanoseconds since boot."""
        ...


class SystemClock:
    """The clock of the machine."""

    __slots__ = ()

    def now_ns(self) -> int:
        """Nanoseconds since boot, suspended time included."""
        return time.clock_gettime_ns(_BOOT_CLOCK)


class ManualClock:
    """A clock that moves only when it is advanced, for tests and simulation."""

    __slots__ = ("_now_ns",)

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """The time it was last set to, in nanoseconds."""
        return self._now_ns

    def advance_s(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._now_ns += round(seconds * NS_PER_S)

    def advance_to_ns(self, at_ns: int) -> None:
        """Move to `at_ns`; a time that has passed already changes nothing."""
        self._now_ns = max(self._now_ns, at_ns)
