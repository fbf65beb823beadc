"""The time of the database, which all hosts have in common, between two of its answers. Pure.

The server tells its time with each answer; in between this machine's clock carries it on. Where the server's clock was
set, or this machine stood still, the two disagree; that is noticed, because each answer was given between the moments
at which it was asked for and came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S

if TYPE_CHECKING:
    from ledger import Clock

SLACK_NS: Final = NS_PER_S
DRIFT_PARTS: Final = 1_000  # two clocks that run drift apart by less than such a part


class ServerClock:
    """The server's time as this process reckons it, in nanoseconds; it never runs ahead of the server's own.

    Attributes:
        ahead_ns: what this machine's clock is ahead of it.
    """

    __slots__ = ("_bounds", "_local", "_told_ns", "ahead_ns")

    def __init__(self, local: Clock) -> None:
        self._local = local
        self._bounds: tuple[int, int] | None = None
        self._told_ns = 0
        self.ahead_ns = 0

    def now_ns(self) -> int:
        """The server's time now."""
        return self._local.now_ns() - self.ahead_ns

    def step_ns(self, server_ns: int, asked_ns: int, told_ns: int) -> int:
        """By how much the server's clock was set since its last answer, as far as can be known; 0 when it runs on.

        The answer `server_ns` was asked for at `asked_ns` and came at `told_ns` by this machine's clock.
        """
        if self._bounds is None:
            return 0
        slack_ns = SLACK_NS + abs(told_ns - self._told_ns) // DRIFT_PARTS
        low_ns, high_ns = self._bounds[0] - slack_ns, self._bounds[1] + slack_ns
        if asked_ns - server_ns > high_ns:
            return high_ns - slack_ns - (asked_ns - server_ns)
        if told_ns - server_ns < low_ns:
            return low_ns + slack_ns - (told_ns - server_ns)
        return 0

    def set(self, server_ns: int, asked_ns: int, told_ns: int) -> None:
        """Go by this answer from now on."""
        self._bounds = (asked_ns - server_ns, told_ns - server_ns)
        self._told_ns = told_ns
        self.ahead_ns = told_ns - server_ns
