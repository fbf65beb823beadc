"""Watches what keeps a run from its work: asks everybody who may know, and logs what begins and what is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ledger.durations import format_duration, format_elapsed
from supervisor.database.watch import DatabaseWatch
from supervisor.process.conditions import OF_OTHERS, SUPERVISOR, ConditionFrom, Conditions, ReportedCondition
from supervisor.process.spec import NOTIFY
from tasks.errors import one_line, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ledger import Snapshot
    from supervisor.eventloop.loop import Loop, Timer
    from supervisor.logs.log import Log
    from supervisor.process.conditions import ConditionChange, ConditionRecord

_CHECK_S: Final = 1.0  # between two checks while anything is wrong
_SILENT_S: Final = 7_200  # twice what the fullest bucket is refilled in (an hour): a request may wait for that at most
_REASON_CHARS: Final = 300
_OVER: Final = {"database": "in service", "calls": "back", OF_OTHERS: "all are there again"}


class ConditionWatch:
    """The conditions of one run, which owns it."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        of_others: Callable[[], Iterable[ConditionFrom]],
        is_frozen: Callable[[], bool],
        on_change: Callable[[], object],
    ) -> None:
        """Watch.

        Args:
            loop: the loop of the run.
            log: where a beginning and an end are logged.
            of_others: what the children report now, and what is found of the other hosts.
            is_frozen: whether all stays as it is: the run stops.
            on_change: called when a condition has begun or ended.
        """
        self.database = DatabaseWatch(loop, self.check)
        self._loop = loop
        self._log = log
        self._of_others = of_others
        self._is_frozen = is_frozen
        self._on_change = on_change
        self._conditions = Conditions()
        self._timer: Timer | None = None
        self._unwritten: ReportedCondition | None = None
        self._silence: ReportedCondition | None = None
        self._silent_keys: set[str] = set()

    def records(self) -> tuple[ConditionRecord, ...]:
        """What keeps the run from its work now."""
        return self._conditions.records()

    def obstacles(self) -> tuple[ConditionRecord, ...]:
        """Those of them that keep this host from its work: a silent host does not, nor a message more or less."""
        return tuple(one for one in self.records() if one.kind not in {OF_OTHERS, NOTIFY})

    def check(self) -> None:
        """Log what has begun and what has ended; to be called whenever a condition may have changed."""
        if self._is_frozen():
            return
        changes = self._conditions.update(self._reported(), self._loop.now_ns())
        for change in changes:
            self._announce(change)
        if changes:
            self._on_change()
        if self._timer is None and self._conditions.records():
            self._timer = self._loop.after(_CHECK_S, self._check_again)

    def on_report_unwritten(self, error: OSError, directory: Path) -> None:
        """The report could not be written to `directory`; that is tried again with every check."""
        why = f"no new file can be written in {directory}: {error.strerror or plain(error)}"
        self._unwritten = msgspec.structs.replace(self._unwritten or _from_now("state"), why=why)
        self.check()

    def on_report_written(self) -> None:
        """The report is written."""
        if self._unwritten is not None:
            self._unwritten = None
            self.check()

    def on_snapshots(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Take the ledgers' word for when the server was last heard: while somebody waits for tokens, it has to be.

        `snapshots` are those whose balance is known, by the name of their key.
        """
        ages_s = {
            name: age_s
            for name, one in snapshots.items()
            if (age_s := one.bucket.synced_age_s or 0.0) >= _SILENT_S and any(tier.waiting for tier in one.tiers)
        }
        before = self._silence
        if not ages_s:
            self._silence = None
        elif before is None or set(ages_s) != self._silent_keys:
            since = _from_now("balance") if before is None else before
            self._silence = msgspec.structs.replace(since, why=_silence(ages_s, has_names=len(snapshots) > 1))
        self._silent_keys = set(ages_s)
        if self._silence is not before:
            self.check()

    def close(self) -> None:
        """Close the connection that the database is asked over."""
        self.database.close()

    def _reported(self) -> Iterator[ConditionFrom]:
        """What the children report and what the supervisor finds itself, in one line each and without secrets."""
        found = (self.database.condition, self._unwritten, self._silence)
        own = [ConditionFrom(SUPERVISOR, one) for one in found if one is not None]
        for who, condition in (*self._of_others(), *own):
            why = self._log.clean(one_line(condition.why))[:_REASON_CHARS]
            yield ConditionFrom(who, msgspec.structs.replace(condition, why=why))

    def _check_again(self) -> None:
        self._timer = None
        self.check()
        if self._unwritten is not None:
            self._on_change()

    def _announce(self, change: ConditionChange) -> None:
        one = change.condition
        if change.lasted_s is None:
            who = ", ".join(one.who)
            self._log.faults.condition_began(one.kind)
            words = f"{one.kind}: {one.why}"
            self._log.warning("degraded", kind=one.kind, who=who, since=one.since, late_s=change.late_s, message=words)
            return
        words = f"{one.kind}: {_OVER.get(one.kind, 'over')} after {format_elapsed(change.lasted_s)}"
        self._log.faults.condition_ended(one.kind, datetime.now(UTC).isoformat(timespec="milliseconds"))
        self._log.info("condition_over", kind=one.kind, since=one.since, lasted_s=change.lasted_s, message=words)


def _silence(ages_s: Mapping[str, float], *, has_names: bool) -> str:
    """Which requests wait, and for how long the server has not told the balance that they wait for."""
    longest = format_duration(max(ages_s.values()))
    of_keys = f" of {', '.join(sorted(ages_s))}" if has_names else ""
    return f"requests wait for tokens{of_keys}, and the server has not reported the balance for {longest}"


def _from_now(kind: str) -> ReportedCondition:
    return ReportedCondition(kind=kind, since=datetime.now(UTC), why="")
