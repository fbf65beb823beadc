"""Whether a child is at work: a beat that reports something new, or a promised wait that is not over.

A worker may wait for tokens for an hour and do nothing; it has promised when that ends. The same report twice, without
a promise, is no sign of life: a loop that gets nowhere sends just that. Times
here are of the supervisor's own clock, which stands still while the machine sleeps, so that a night with the
lid closed kills nobody.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ledger import NS_PER_S
from supervisor.process.conditions import ReportedCondition
from tasks.runtime.call_stats import EndpointStats

IDLE_PHASES: Final = frozenset({"waiting_poll", "waiting_work"})
SERVING: Final = "serving"  # the page's process answers somebody
UNASKED: Final = "unasked"  # and now it answers nobody


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker reports of itself.

    Attributes:
        progress: steps completed since its start.
        until_ns: when its present wait ends at the latest, on the ledger's clock; None without a promise.
        rows: rows committed since its start, by table.
        refused: what was put into quarantine since its start, by kind.
        calls: its calls to the API since its start, by endpoint.
        job: what the job itself reports; a backfill says `done`, `total`, `rate_per_min`, `eta_s`.
        conditions: what keeps it from its work at present.
    """

    phase: str
    progress: int = 0
    until_ns: int | None = None
    detail: str = ""
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    calls: dict[str, EndpointStats] = msgspec.field(default_factory=dict)
    job: dict[str, Any] = msgspec.field(default_factory=dict)
    conditions: tuple[ReportedCondition, ...] = ()


def says_something_new(beat: Heartbeat, before: Heartbeat | None) -> bool:
    """Whether `beat` shows that the worker moved since `before`.

    One that waits for work or for a poll has nothing new to report: that its loop still reports is enough.
    """
    if before is None or beat.phase in IDLE_PHASES:
        return True
    return (beat.progress, beat.phase, beat.until_ns) != (before.progress, before.phase, before.until_ns)


def hung_at_ns(beat: Heartbeat, *, now_ns: int, ledger_now_ns: int, hang_s: float) -> int:
    """When the worker that sent `beat` at `now_ns` counts as hung, unless it says something new before.

    Args:
        beat: its last report.
        now_ns: the supervisor's clock at its arrival.
        ledger_now_ns: the ledger's clock at the same moment; a promise is given in its terms.
        hang_s: silence allowed once every promise has run out.
    """
    promised_ns = 0 if beat.until_ns is None else max(0, beat.until_ns - ledger_now_ns)
    return now_ns + promised_ns + round(hang_s * NS_PER_S)
