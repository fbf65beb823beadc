"""This host among those that share the database: joins before the workers begin, and leaves when they have ended."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from supervisor.database import presence
from supervisor.database.presence import Presence
from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.process.conditions import SUPERVISOR, ConditionFrom, ReportedCondition
from tasks.errors import EXIT_CONFIG, DatabaseTransient, exit_code, plain
from tasks.store.ledger_row.hosts import Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.config.run_plan import RunPlan
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from tasks.ingest.dead_hosts import Released
    from tasks.settings import Secret

KIND: Final = "hosts"
_CLOSE_S: Final = 2.5


class Membership:
    """The part of one run among the hosts; it has none where no other host can reach the database.

    Attributes:
        number: the number of this host; 0 before it has joined, and where there is only one.
        has_begun: whether it was told to join.
    """

    def __init__(
        self, loop: Loop, log: Log, *, on_change: Callable[[], object], refuse: Callable[[int, str], object]
    ) -> None:
        """Nothing is joined yet; `refuse` ends the run with an exit code and a reason."""
        self.number = 0
        self.has_begun = False
        self._loop = loop
        self._log = log
        self._on_change = on_change
        self._refuse = refuse
        self._executor: BackgroundExecutor | None = None
        self._presence: Presence | None = None
        self._waits_since_ns: int | None = None
        self._found: ReportedCondition | None = None

    def join(self, plan: RunPlan, url: Secret, run: str, then: Callable[[], object]) -> None:
        """Take part, then call; a host that this one must not work beside is given time to fall silent."""
        self.has_begun = True
        if plan.database is not None:
            then()
            return
        if self._executor is None:
            self._executor = BackgroundExecutor(self._loop, "hosts")
        answered = partial(
            self._answered, again=lambda: self.join(plan, url, run, then), enter=partial(self._enter, plan, url, then)
        )
        self._executor.do(lambda: presence.try_join(plan, url, run), answered)

    def conditions(self) -> list[ConditionFrom]:
        """What is wrong with the other hosts."""
        return [] if self._found is None else [ConditionFrom(SUPERVISOR, self._found)]

    def leave(self) -> None:
        """Say that this host leaves, beside the loop."""
        if self._executor is not None and self._presence is not None:
            self._executor.do(self._presence.close, lambda _: None)
            self._presence = None

    def close(self) -> None:
        """Let a host that leaves have said so, if the database is there."""
        self.leave()
        if self._executor is not None:
            self._executor.close(_CLOSE_S)

    def _answered(
        self,
        outcome: Succeeded[int | Host] | Failed,
        *,
        again: Callable[[], object],
        enter: Callable[[int], None],
    ) -> None:
        if isinstance(outcome, Failed):
            why = f"this host cannot be entered into the table of hosts: {plain(outcome.error)}"
            if not isinstance(outcome.error, DatabaseTransient):
                self._refuse(exit_code(outcome.error), why)
                return
            self._report(why)
        elif isinstance(outcome.value, Host):
            why = presence.refusal(outcome.value)
            if self._is_enough():
                self._refuse(EXIT_CONFIG, why)
                return
            self._report(f"{why}; waiting up to {presence.WAIT_S:g} s for it to fall silent")
        else:
            enter(outcome.value)
            return
        self._loop.after(presence.AGAIN_S, again)

    def _enter(self, plan: RunPlan, url: Secret, then: Callable[[], object], number: int) -> None:
        self.number = number
        self._presence = Presence(
            url,
            number,
            presence.spool_of(plan),
            on_release=lambda released: self._loop.call(partial(self._tell, released)),
        )
        self._found = None
        self._on_change()
        then()

    def _tell(self, released: Released) -> None:
        names, items, pages, turns = released.hosts, released.items, released.pages, released.turns
        words = f"{', '.join(names)} is not there any more: {items} products, {pages} pages and {turns} turns are free"
        self._log.info("host_released", hosts=names, items=items, pages=pages, turns=turns, message=words)

    def _is_enough(self) -> bool:
        now_ns = self._loop.now_ns()
        if self._waits_since_ns is None:
            self._waits_since_ns = now_ns
        return now_ns - self._waits_since_ns >= presence.WAIT_NS

    def _report(self, why: str) -> None:
        since = datetime.now(UTC) if self._found is None else self._found.since
        self._found = ReportedCondition(kind=KIND, since=since, why=why)
        self._on_change()
