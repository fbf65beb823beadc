"""Watches what keeps a run from its work: asks everybody who may know, and tells what begins and what is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ledger.durations import format_duration, format_elapsed
from supervisor.database.watch import DatabaseWatch
from supervisor.process.conditions import SUPERVISOR, ConditionFrom, Conditions, ReportedCondition
from supervisor.process.states import Stage
from tasks.errors import one_line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.eventloop.loop import Loop, Timer
    from supervisor.logs.log import Log
    from supervisor.process.conditions import ConditionChange, ConditionRecord
    from supervisor.tree.tree import ProcessTree

_LOOK_S: Final = 1.0  # between two looks while anything is wrong
_UNHEARD_S: Final = 7_200  # twice what the fullest bucket is refilled in (an hour): a request may wait for that at most
_LONGEST: Final = 300  # characters of a reason
_OVER: Final = {"database": "back", "calls": "back"}


class WatchedRun(Protocol):
    """What `Health` reads of a run, and tells it."""

    @property
    def stage(self) -> Stage:
        """Where the run is."""

    @property
    def plan(self) -> RunPlan:
        """What it is."""

    @property
    def tree(self) -> ProcessTree:
        """Its children."""

    def changed(self) -> None:
        """Something that `status` shows is new."""


class Health:
    """The conditions of one run."""

    def __init__(self, run: WatchedRun, loop: Loop, log: Log) -> None:
        self.database = DatabaseWatch(loop, self.look)
        self._run = run
        self._loop = loop
        self._log = log
        self._conditions = Conditions()
        self._timer: Timer | None = None
        self._unwritten: ReportedCondition | None = None
        self._unheard: ReportedCondition | None = None

    def records(self) -> tuple[ConditionRecord, ...]:
        """What keeps the run from its work now."""
        return self._conditions.records()

    def look(self) -> None:
        """See what is told now; to be called whenever that may be new. Once the run stops it all stays as it was."""
        if self._run.stage > Stage.WORKING:
            return
        news = self._conditions.follow(self._reported(), self._loop.now_ns())
        for one in news:
            self._tell(one)
        if news:
            self._run.changed()
        if self._timer is None and self._conditions.records():
            self._timer = self._loop.after(_LOOK_S, self._look_again)

    def cannot_write(self, error: OSError) -> None:
        """The report could not be written; it is tried again with every look."""
        root = self._run.plan.state.root
        why = f"no new file can be written in {root}: {error.strerror or plain(error)}"
        self._unwritten = msgspec.structs.replace(self._unwritten or _from_now("state"), why=why)
        self.look()

    def on_line(self) -> None:
        """The report is written."""
        if self._unwritten is not None:
            self._unwritten = None
            self.look()

    def sees(self, snapshot: Snapshot) -> None:
        """How the ledger is: while somebody waits for tokens, the server has to be heard now and then."""
        age_s = snapshot.bucket.synced_age_s or 0.0
        before = self._unheard
        if age_s < _UNHEARD_S or not any(tier.waiting for tier in snapshot.tiers):
            self._unheard = None
        elif before is None:
            why = f"requests wait for tokens, and the server has not told the balance for {format_duration(age_s)}"
            self._unheard = msgspec.structs.replace(_from_now("balance"), why=why)
        if self._unheard is not before:
            self.look()

    def close(self) -> None:
        """Give back what is asked over."""
        self.database.close()

    def _reported(self) -> Iterator[ConditionFrom]:
        """What the workers say and what the supervisor sees itself, in one line each and without secrets."""
        own = [
            ConditionFrom(SUPERVISOR, one)
            for one in (self.database.said, self._unwritten, self._unheard)
            if one is not None
        ]
        for who, said in (*self._run.tree.conditions(), *own):
            why = self._log.clean(one_line(said.why))[:_LONGEST]
            yield ConditionFrom(who, msgspec.structs.replace(said, why=why))

    def _look_again(self) -> None:
        self._timer = None
        self.look()
        if self._unwritten is not None:
            self._run.changed()

    def _tell(self, news: ConditionChange) -> None:
        one = news.condition
        if news.lasted_s is None:
            who = ", ".join(one.who)
            self._log.faults.holds(one.kind)
            self._log.warning("degraded", kind=one.kind, who=who, since=one.since, message=f"{one.kind}: {one.why}")
            return
        words = f"{one.kind}: {_OVER.get(one.kind, 'well again')} after {format_elapsed(news.lasted_s)}"
        self._log.faults.over(one.kind, datetime.now(UTC).isoformat(timespec="milliseconds"))
        self._log.info("well", kind=one.kind, since=one.since, lasted_s=news.lasted_s, message=words)


def _from_now(kind: str) -> ReportedCondition:
    return ReportedCondition(kind=kind, since=datetime.now(UTC), why="")
