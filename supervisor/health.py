"""Watches what keeps a run from its work: asks everybody who may know, and tells what begins and what is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supervisor.conditions import Conditions
from supervisor.stage import Stage
from supervisor.words import span

if TYPE_CHECKING:
    from supervisor.conditions import ConditionRecord, News
    from supervisor.logs import Log
    from supervisor.loop import Loop, Timer
    from supervisor.run import Run

_LOOK_S: Final = 1.0  # between two looks while anything is wrong
_OVER: Final = {"database": "back", "calls": "back"}


class Health:
    """The conditions of one run."""

    def __init__(self, run: Run, loop: Loop, log: Log) -> None:
        self._run = run
        self._loop = loop
        self._log = log
        self._conditions = Conditions()
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Watch from now on."""
        self.look()

    def records(self) -> tuple[ConditionRecord, ...]:
        """What keeps the run from its work now."""
        return self._conditions.records()

    def look(self) -> None:
        """See what is told now; to be called whenever that may be new. Once the run stops it all stays as it was."""
        if self._run.stage > Stage.WORKING:
            return
        news = self._conditions.follow(self._run.tree.conditions(), self._loop.now_ns())
        for one in news:
            self._tell(one)
        if news:
            self._run.changed()
        if self._timer is None and self._conditions.records():
            self._timer = self._loop.after(_LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self.look()

    def _tell(self, news: News) -> None:
        one = news.condition
        if news.lasted_s is None:
            who = ", ".join(one.who)
            self._log.warning("degraded", kind=one.kind, who=who, since=one.since, message=f"{one.kind}: {one.why}")
            return
        words = f"{one.kind}: {_OVER.get(one.kind, 'well again')} after {span(news.lasted_s)}"
        self._log.info("well", kind=one.kind, since=one.since, lasted_s=news.lasted_s, message=words)
