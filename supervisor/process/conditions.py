"""What keeps a run from its work, merged from all who report it: one condition of a kind, begun and ended once. Pure.

Several workers that report the same have one condition. Its beginning is the earliest that anyone reported, and stays
when the worker that reported it first dies and another goes on reporting it. It is over when nobody has reported it for
a moment: what comes and goes several times a second is one condition and one line of the log.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ledger import NS_PER_S
from ledger.localtime import clock_of

if TYPE_CHECKING:
    from collections.abc import Iterable

SUPERVISOR: Final = "supervisor"
OF_OTHERS: Final = "hosts"  # the kind of a condition that other hosts are in
SETTLE_S: Final = 3.0  # what begins again sooner has not been over
REPEAT_S: Final = 10.0  # a worker in service that does not report by then what the one before it did disproves it


class ReportedCondition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as a worker reports it with its beats: see `tasks.runtime.condition`.

    `late_s` is how long it had lasted when it could first be reported: silence is known as such only after a while.
    """

    kind: str
    since: datetime
    why: str
    late_s: float = 0.0


class ConditionFrom(NamedTuple):
    """A condition that `who` reports now."""

    who: str
    condition: ReportedCondition


class ConditionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as reports have it: `since` in UTC as ISO 8601, `who` everybody who reports it or did so last."""

    kind: str
    since: str
    why: str
    who: tuple[str, ...] = ()


class ConditionChange(NamedTuple):
    """The beginning of a condition or, with the seconds it lasted, its end.

    `late_s` of a beginning is how long it had lasted when it was first reported, by the clock that `lasted_s` is of.
    """

    condition: ConditionRecord
    lasted_s: float | None = None
    late_s: float = 0.0


class _Open:
    __slots__ = ("began_ns", "last_ns", "record", "since")

    def __init__(self, since: datetime, record: ConditionRecord, now_ns: int, late_s: float) -> None:
        self.since = since
        self.record = record
        self.last_ns = now_ns
        self.began_ns = now_ns - round(late_s * NS_PER_S)


class Conditions:
    """Those that hold now."""

    def __init__(self, *, settle_s: float = SETTLE_S) -> None:
        """Let a condition be over when nobody has reported it for `settle_s` seconds."""
        self._settle_ns = round(settle_s * NS_PER_S)
        self._open: dict[str, _Open] = {}

    def update(self, reported: Iterable[ConditionFrom], now_ns: int) -> list[ConditionChange]:
        """Take all that is reported now, in any order; what begins and what ends with it, each once.

        `now_ns` is of a clock that never goes backwards.
        """
        by_kind: dict[str, list[ConditionFrom]] = {}
        for one in sorted(reported, key=_rank):
            by_kind.setdefault(one.condition.kind, []).append(one)
        changes = [self._begin(kind, by_kind[kind], now_ns) for kind in sorted(by_kind) if kind not in self._open]
        for kind, reports in by_kind.items():
            self._continue(self._open[kind], reports, now_ns)
        for kind, condition in sorted(self._open.items()):
            if now_ns >= condition.last_ns + self._settle_ns and kind not in by_kind:
                del self._open[kind]
                lasted_s = _seconds(condition.last_ns - condition.began_ns)
                changes.append(ConditionChange(condition.record, lasted_s))
        return changes

    def records(self) -> tuple[ConditionRecord, ...]:
        """Those that hold, by kind; one that nobody has reported for a moment is still among them."""
        return tuple(self._open[kind].record for kind in sorted(self._open))

    def _begin(self, kind: str, reports: list[ConditionFrom], now_ns: int) -> ConditionChange:
        since = min(report.condition.since for report in reports)
        late_s = max(report.condition.late_s for report in reports)
        one = self._open[kind] = _Open(since, _record(since, reports), now_ns, late_s)
        return ConditionChange(one.record, late_s=_seconds(now_ns - one.began_ns))

    def _continue(self, one: _Open, reports: list[ConditionFrom], now_ns: int) -> None:
        fresh = [report.condition.late_s for report in reports if report.who not in one.record.who]
        one.began_ns = min(one.began_ns, now_ns - round(max(fresh, default=0.0) * NS_PER_S))
        one.since = min(one.since, *(report.condition.since for report in reports))
        one.record = _record(one.since, reports)
        one.last_ns = now_ns


def conditions_of_child(
    reported: Iterable[ReportedCondition],
    inherited: Iterable[ReportedCondition],
    *,
    progress: int,
    served_s: float | None,
) -> list[ReportedCondition]:
    """What holds of one worker: what its process reports, and what the one before it did and nothing has disproved.

    Args:
        reported: what its process reports now; nothing before its first beat.
        inherited: what the process before it reported last.
        progress: the steps its process has completed: after one of them whatever was in the way is not.
        served_s: for how long its process has been in service; None while it is not.
    """
    now = {one.kind: one for one in reported}
    disproved = progress > 0 or (served_s is not None and served_s >= REPEAT_S)
    kept = {} if disproved else {one.kind: one for one in inherited}
    return [*now.values(), *(one for kind, one in kept.items() if kind not in now)]


def describe_condition(one: ConditionRecord) -> str:
    """A condition in words."""
    return f"{one.kind}: {one.why} (since {clock_of(one.since)})"


def _record(since: datetime, reports: list[ConditionFrom]) -> ConditionRecord:
    first = reports[0].condition
    who = tuple(sorted({report.who for report in reports}))
    return ConditionRecord(kind=first.kind, since=since.isoformat(timespec="milliseconds"), why=first.why, who=who)


def _seconds(duration_ns: int) -> float:
    return round(duration_ns / NS_PER_S, 3)


def _rank(one: ConditionFrom) -> tuple[bool, datetime, str, str]:
    """What the supervisor found goes first, then what has been reported for longest."""
    return one.who != SUPERVISOR, one.condition.since, one.who, one.condition.why
