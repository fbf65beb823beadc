"""The one sentence on top of the page: whether all is well, and what is waited for. Pure.

The words are those of `sluicegate status`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from supervisor.status import formatting, health

if TYPE_CHECKING:
    from datetime import datetime

    from supervisor.status.status import Status
    from supervisor.web.cells import Shape


class Verdict(NamedTuple):
    """What a person reads first."""

    shape: Shape
    text: str


def verdict(status: Status, now: datetime) -> Verdict:
    """How the run is at `now`."""
    last = status.report
    if last is None:
        return Verdict("wait", "The supervisor has not reported yet.")
    if status.is_silent:
        return Verdict("bad", "The supervisor does not speak: what follows is of then.")
    problems = health.problems(last)
    if last.paused:
        return Verdict("off", f"Paused: {formatting.until_resumed(last.paused)}.")
    if problems:
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        return Verdict("bad", f"Not well: {problems[0]}.{more}")
    doing = [f"{one.name}: {words}" for one in last.workers if (words := formatting.doing(one, status.snapshots, now))]
    return Verdict("good", "All is well. " + (f"{'; '.join(doing)}." if doing else "Workers have just begun."))
