"""The last warnings and errors of a run, for whoever asks what went wrong. Pure.

A fault that is over is a thing of the past: it is said until when it lasted, and an hour later it is said no more. What
is about a condition (`supervisor.process.conditions`) is over with it and not before; what else a worker told and has
not told again for ten minutes is over too. A fault of the supervisor's own, such as a port that is taken, is told once
and stays.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.logs.phrases import AGAIN
from supervisor.report import FaultRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

FAULTS_KEPT: Final = 20
QUIET: Final = timedelta(minutes=10)
REMEMBERED: Final = timedelta(hours=1)
_WORDS: Final = 300  # characters
_LISTED_ELSEWHERE: Final = frozenset({"died", "degraded"})  # deaths and conditions have lists of their own
# Events that are about a condition of this kind.
_ABOUT: Final = {
    "database_unavailable": "database",
    "database_refuses": "database",
    "call_failed": "calls",
    "refused_in_a_row": "refusals",
    "calls_stopped": "replies",
    "balance_unreadable": "balance",
    "balance_not_believed": "balance",
    "spool_full": "spool",
    "spool_write_failed": "spool",
    "status_not_written": "state",
}


class Faults:
    """Remembers the last few that differ."""

    def __init__(self) -> None:
        self._kept: deque[FaultRecord] = deque(maxlen=FAULTS_KEPT)
        self._held: set[str] = set()

    def note(self, record: Mapping[str, object]) -> None:
        """Keep a log record, if it is a fault; one that goes on is counted, and becomes the newest."""
        if record.get("level") not in {"warning", "error"} or record.get("event") in _LISTED_ELSEWHERE:
            return
        fault = self._of(record)
        for known in self._kept:
            if _is_like(known, fault):
                self._kept.remove(known)
                if known.until is None:
                    fault = msgspec.structs.replace(fault, times=known.times + 1, since=known.since)
                break
        self._kept.append(fault)

    def holds(self, kind: str) -> None:
        """The condition of that kind has begun: until it is over, so is nothing that was told about it."""
        self._held.add(kind)

    def over(self, kind: str, at: str) -> None:
        """The condition of that kind was over `at` that time, and so is what was told about it."""
        self._held.discard(kind)
        for place, one in enumerate(self._kept):
            if _ABOUT.get(one.event) == kind and one.until is None:
                self._kept[place] = msgspec.structs.replace(one, until=at)

    def kept(self, now: datetime) -> tuple[FaultRecord, ...]:
        """The last faults as they are `now`, the newest last."""
        for place, one in enumerate(self._kept):
            is_held = _ABOUT.get(one.event) in self._held
            if one.until is None and one.role is not None and not is_held and _age(one.at, now) > QUIET:
                self._kept[place] = msgspec.structs.replace(one, until=one.at)
        return tuple(one for one in self._kept if one.until is None or _age(one.until, now) <= REMEMBERED)

    @staticmethod
    def _of(record: Mapping[str, object]) -> FaultRecord:
        told = [record[name] for name in ("message", "error", "reason") if record.get(name)]
        role, slot, at = record.get("role"), record.get("slot"), str(record.get("ts"))
        return FaultRecord(
            at=at,
            since=at,
            level=str(record.get("level")),
            event=str(record.get("event")),
            words=(str(told[0]) if told else "").partition(AGAIN)[0][:_WORDS],
            role=role if isinstance(role, str) else None,
            slot=slot if isinstance(slot, int) else None,
        )


def _is_like(one: FaultRecord, other: FaultRecord) -> bool:
    return kind_of(one) == kind_of(other) and (one.role, one.slot) == (other.role, other.slot)


def kind_of(one: FaultRecord) -> tuple[str, str]:
    """What faults that are the same have in common, whoever has them."""
    return one.event, one.words


def _age(at: str, now: datetime) -> timedelta:
    """How long ago that was; a time that cannot be read was just now."""
    try:
        return now - datetime.fromisoformat(at)
    except (ValueError, TypeError):
        return timedelta(0)
