"""What keeps a run from its work, merged from all who tell it: one condition of a kind, begun and ended once. Pure.

Several workers that tell the same have one condition. Its beginning is the earliest that anyone told, and stays when
the worker that told it first dies and another goes on telling it. It is over when nobody has told it for a moment:
what comes and goes several times a second is one condition and one line of the log.
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
SETTLE_S: Final = 3.0  # what begins again sooner has not been over
REPEAT_S: Final = 10.0  # a worker in service that does not tell within this what the one before it told disproves it


class ReportedCondition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as a worker tells it with its beats: see `tasks.runtime.condition`.

    `late_s` is how long it had lasted when it could first be told: silence is known for what it is only after a while.
    """

    kind: str
    since: datetime
    why: str
    late_s: float = 0.0


class ConditionFrom(NamedTuple):
    """A condition that `who` tells now."""

    who: str
    said: ReportedCondition


class ConditionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as reports have it: `since` in UTC as ISO 8601, `who` everybody who tells it or told it last."""

    kind: str
    since: str
    why: str
    who: tuple[str, ...] = ()


class ConditionChange(NamedTuple):
    """The beginning of a condition or, with the seconds it lasted, its end."""

    condition: ConditionRecord
    lasted_s: float | None = None


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
        """Let a condition be over when nobody has told it for `settle_s` seconds."""
        self._settle_ns = round(settle_s * NS_PER_S)
        self._open: dict[str, _Open] = {}

    def follow(self, told: Iterable[ConditionFrom], now_ns: int) -> list[ConditionChange]:
        """Go by everything that is told now, in any order; what begins and what ends with it, each once.

        `now_ns` is of a clock that never goes backwards.
        """
        tellers: dict[str, list[ConditionFrom]] = {}
        for one in sorted(told, key=_rank):
            tellers.setdefault(one.said.kind, []).append(one)
        news = [
            ConditionChange(self._begin(kind, tellers[kind], now_ns))
            for kind in sorted(tellers)
            if kind not in self._open
        ]
        for kind, those in tellers.items():
            self._go_on(self._open[kind], those, now_ns)
        for kind, held in sorted(self._open.items()):
            if now_ns >= held.last_ns + self._settle_ns and kind not in tellers:
                del self._open[kind]
                news.append(ConditionChange(held.record, round((held.last_ns - held.began_ns) / NS_PER_S, 3)))
        return news

    def records(self) -> tuple[ConditionRecord, ...]:
        """Those that hold, by kind; one of which nobody has told for a moment is still among them."""
        return tuple(self._open[kind].record for kind in sorted(self._open))

    def _begin(self, kind: str, tellers: list[ConditionFrom], now_ns: int) -> ConditionRecord:
        since = min(one.said.since for one in tellers)
        late_s = max(one.said.late_s for one in tellers)
        self._open[kind] = _Open(since, _record(since, tellers), now_ns, late_s)
        return self._open[kind].record

    def _go_on(self, one: _Open, tellers: list[ConditionFrom], now_ns: int) -> None:
        fresh = [teller.said.late_s for teller in tellers if teller.who not in one.record.who]
        one.began_ns = min(one.began_ns, now_ns - round(max(fresh, default=0.0) * NS_PER_S))
        one.since = min(one.since, *(teller.said.since for teller in tellers))
        one.record = _record(one.since, tellers)
        one.last_ns = now_ns


def standing(
    said: Iterable[ReportedCondition], left: Iterable[ReportedCondition], *, progress: int, served_s: float | None
) -> list[ReportedCondition]:
    """What holds of one worker: what its process says, and what the one before it said and nothing has disproved.

    Args:
        said: what its process says now; nothing before its first beat.
        left: what the process before it said last.
        progress: the steps its process has completed: after one of them whatever was in the way is not.
        served_s: for how long its process has been in service; None while it is not.
    """
    now = {one.kind: one for one in said}
    disproved = progress > 0 or (served_s is not None and served_s >= REPEAT_S)
    kept = {} if disproved else {one.kind: one for one in left}
    return [*now.values(), *(one for kind, one in kept.items() if kind not in now)]


def sentence(one: ConditionRecord) -> str:
    """A condition in words."""
    return f"{one.kind}: {one.why} (since {clock_of(one.since)})"


def _record(since: datetime, tellers: list[ConditionFrom]) -> ConditionRecord:
    first = tellers[0].said
    who = tuple(sorted({one.who for one in tellers}))
    return ConditionRecord(kind=first.kind, since=since.isoformat(timespec="milliseconds"), why=first.why, who=who)


def _rank(one: ConditionFrom) -> tuple[bool, datetime, str, str]:
    """The supervisor's own words go first, then those of who has told it for longest."""
    return one.who != SUPERVISOR, one.said.since, one.who, one.said.why
