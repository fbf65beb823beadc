"""The last warnings and errors of a run, for whoever asks what went wrong. Pure.

A fault that is over is shown with its end for an hour. One that is about a condition (`supervisor.process.conditions`)
is over with it and not before; any other of a worker is over when it has not come again for ten minutes. A fault of the
supervisor itself, such as a port that is taken, is logged once and stays.
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
QUIET: Final = timedelta(minutes=10)  # after so long without a repeat a fault of a worker is over
REMEMBERED: Final = timedelta(hours=1)  # for so long a fault that is over is kept
_MAX_CHARS: Final = 300  # of the words of a fault
_LISTED_ELSEWHERE: Final = frozenset({"died", "degraded"})  # exits and conditions have lists of their own
# The kind of condition that an event is about.
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
    "message_not_delivered": "notify",
}


class Faults:
    """Keeps the last few faults that differ."""

    def __init__(self) -> None:
        self._kept: deque[FaultRecord] = deque(maxlen=FAULTS_KEPT)
        self._present: set[str] = set()

    def note(self, record: Mapping[str, object]) -> None:
        """Keep a log record, if it is a fault. One that comes again is counted and becomes the newest."""
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

    def condition_began(self, kind: str) -> None:
        """Keep what is logged about the condition of that kind until the condition is over."""
        self._present.add(kind)

    def condition_ended(self, kind: str, at: str) -> None:
        """End what was logged about the condition of that kind, which was over `at` that time."""
        self._present.discard(kind)
        for index, fault in enumerate(self._kept):
            if _ABOUT.get(fault.event) == kind and fault.until is None:
                self._kept[index] = msgspec.structs.replace(fault, until=at)

    def kept(self, now: datetime) -> tuple[FaultRecord, ...]:
        """Return the last faults as they are `now`, the newest last."""
        for index, fault in enumerate(self._kept):
            goes_on = _ABOUT.get(fault.event) in self._present
            if fault.until is None and fault.role is not None and not goes_on and _age(fault.at, now) > QUIET:
                self._kept[index] = msgspec.structs.replace(fault, until=fault.at)
        return tuple(fault for fault in self._kept if fault.until is None or _age(fault.until, now) <= REMEMBERED)

    @staticmethod
    def _of(record: Mapping[str, object]) -> FaultRecord:
        words = next((record[name] for name in ("message", "error", "reason") if record.get(name)), "")
        role, slot, at = record.get("role"), record.get("slot"), str(record.get("ts"))
        return FaultRecord(
            at=at,
            since=at,
            level=str(record.get("level")),
            event=str(record.get("event")),
            words=str(words).partition(AGAIN)[0][:_MAX_CHARS],
            role=role if isinstance(role, str) else None,
            slot=slot if isinstance(slot, int) else None,
        )


def _is_like(fault: FaultRecord, other: FaultRecord) -> bool:
    return kind_of(fault) == kind_of(other) and (fault.role, fault.slot) == (other.role, other.slot)


def kind_of(fault: FaultRecord) -> tuple[str, str]:
    """Return what two faults have in common when they are the same, whichever worker has them."""
    return fault.event, fault.words


def _age(at: str, now: datetime) -> timedelta:
    """Return how long ago that was; zero for a time that cannot be read."""
    try:
        return now - datetime.fromisoformat(at)
    except (ValueError, TypeError):
        return timedelta(0)
