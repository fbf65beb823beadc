"""Decides when a process is replaced because it is too old or too large.

Workers are judged at their beats, so that nothing wakes for it; the page's process when the report is written.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import NS_PER_S
from ledger.durations import format_duration

if TYPE_CHECKING:
    from supervisor.config.settings import Settings
    from supervisor.process.slot import Slot

SPREAD: Final = 0.1  # part of the age: workers that started together must not be replaced together
_HOUR_S: Final = 3600
MB: Final = 1024 * 1024
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class PageLimits(NamedTuple):
    """When the page's process is too large.

    Attributes:
        mb: it has 45 to 60; what is above this is a leak or a list that was not let go.
        served_s: what is too large after less service than this would be replaced without end.
        busy: so many times as large, and it is replaced although somebody waits for an answer.
    """

    mb: float = 96.0
    served_s: float = 60.0
    busy: float = 2.0


PAGE_LIMITS: Final = PageLimits()


class Recycler:
    """Judges workers by age and memory."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()
        self._spreads: dict[str, tuple[int, float]] = {}  # by name: of which process, and its part of the spread

    def why(self, slot: Slot, settings: Settings, now_ns: int) -> str | None:
        """Why it should be replaced at `now_ns` of the loop's clock, in words; None when it should not.

        One that was not in service as long as would make its restarts' pause short again is left: what is too large
        at once would otherwise be replaced without end.
        """
        pid, started_ns, ready_ns = slot.pid, slot.started_ns, slot.ready_ns
        if pid is None or started_ns is None or ready_ns is None:
            return None
        if (now_ns - ready_ns) / NS_PER_S < slot.spec.policy.stable_s:
            return None
        rss_mb = rss_bytes(pid) / MB
        age_s = (now_ns - started_ns) / NS_PER_S
        return reason(age_s, rss_mb, settings, spread=self._spread_of(slot.spec.name, pid))

    def _spread_of(self, name: str, pid: int) -> float:
        drawn = self._spreads.get(name)
        if drawn is None or drawn[0] != pid:
            drawn = self._spreads[name] = (pid, self._random.random())
        return drawn[1]


def reason(age_s: float, rss_mb: float, settings: Settings, *, spread: float) -> str | None:
    """Which limit is passed, in words; `spread` in [0, 1] is the part of the spread of ages this process has drawn."""
    if settings.max_rss_mb and rss_mb > settings.max_rss_mb:
        return f"it has {rss_mb:.0f} MB, more than MAX_RSS_MB={settings.max_rss_mb}"
    if settings.max_age_h and age_s > settings.max_age_h * _HOUR_S * (1 + SPREAD * spread):
        return f"it has run for {format_duration(age_s)}, MAX_AGE_H={settings.max_age_h:g}"
    return None


def page_reason(rss_mb: float, served_s: float, *, is_answering: bool, limits: PageLimits = PAGE_LIMITS) -> str | None:
    """Why the page's process should be replaced after `served_s` seconds of service, in words; None when it should not.

    An answer that is under way is waited for, up to `busy` times the limit.
    """
    limit_mb = limits.mb * (limits.busy if is_answering else 1)
    if served_s < limits.served_s or rss_mb <= limit_mb:
        return None
    return f"the page's process has {rss_mb:.0f} MB, more than {limit_mb:.0f}"


def rss_bytes(pid: int) -> int:
    """Memory the process has at present, in bytes; 0 when there is none."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
