"""The last warnings and errors of a run, for whoever asks what went wrong. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from supervisor.words import AGAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FAULTS_KEPT: Final = 20
_WORDS: Final = 300  # characters
_TOLD_ELSEWHERE: Final = frozenset({"died", "degraded"})  # deaths and conditions have lists of their own


class FaultRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A warning or an error, from when it first came to when it last came (`since`, `at`).

    `role` and `slot` are None for the supervisor's own.
    """

    at: str
    level: str
    event: str
    words: str
    role: str | None = None
    slot: int | None = None
    times: int = 1
    since: str | None = None


class Faults:
    """Remembers the last few that differ; `clean` takes secrets out."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._kept: deque[FaultRecord] = deque(maxlen=FAULTS_KEPT)

    def note(self, record: Mapping[str, object]) -> None:
        """Keep a log record, if it is a fault; one that is kept already is counted and becomes the newest."""
        if record.get("level") not in {"warning", "error"} or record.get("event") in _TOLD_ELSEWHERE:
            return
        fault = self._of(record)
        for known in self._kept:
            if _is_like(known, fault):
                self._kept.remove(known)
                fault = msgspec.structs.replace(fault, times=known.times + 1, since=known.since)
                break
        self._kept.append(fault)

    def kept(self) -> tuple[FaultRecord, ...]:
        """The last faults, the newest last."""
        return tuple(self._kept)

    def _of(self, record: Mapping[str, object]) -> FaultRecord:
        told = [record[name] for name in ("message", "error", "reason") if record.get(name)]
        role, slot = record.get("role"), record.get("slot")
        return FaultRecord(
            at=str(record.get("ts")),
            since=str(record.get("ts")),
            level=str(record.get("level")),
            event=str(record.get("event")),
            words=self._clean(str(told[0]) if told else "").partition(AGAIN)[0][:_WORDS],
            role=role if isinstance(role, str) else None,
            slot=slot if isinstance(slot, int) else None,
        )


def _is_like(one: FaultRecord, other: FaultRecord) -> bool:
    return kind_of(one) == kind_of(other) and (one.role, one.slot) == (other.role, other.slot)


def kind_of(one: FaultRecord) -> tuple[str, str]:
    """What faults that are the same have in common, whoever has them."""
    return one.event, one.words
