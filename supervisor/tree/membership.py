"""This host among those that share the database: joins before the workers begin, and leaves when they have ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from supervisor.database.hosts import host_records, joining, this_host
from supervisor.database.hosts.joining import InTheWay
from supervisor.database.hosts.presence import Presence
from supervisor.database.hosts.rival_wait import LONGEST_S, RivalWait
from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.process.conditions import OF_OTHERS, SUPERVISOR, ConditionFrom, ReportedCondition
from tasks.errors import EXIT_CONFIG, DatabaseTransient, exit_code, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from supervisor.config.run_plan import RunPlan
    from supervisor.eventloop.loop import Loop
    from supervisor.host_record import HostRecord
    from supervisor.logs.log import Log
    from tasks.ingest.dead_hosts import Released
    from tasks.secret import Secret

_CLOSE_S: Final = 2.5
_DISPLACED: Final = (
    "this host's entry in the table of hosts is gone, as after a back-up was restored, and another host has its number "
    "now: start this host again"
)


class Membership:
    """The part of one run among the hosts; it has none where no other host can reach the database.

    Attributes:
        number: the number of this host; 0 before it has joined, and where there is only one.
        has_begun: whether it was told to join.
        on_drain: called at each look at the others while somebody wants this host to finish its calls and leave.
    """

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        workers: Callable[[], Sequence[Mapping[str, object]]],
        on_change: Callable[[], object],
        refuse: Callable[[int, str], object],
    ) -> None:
        """Nothing is joined yet.

        Args:
            loop: the loop of the run.
            log: where is told what the dead have left.
            workers: what the workers of this host are now, for the other hosts to see.
            on_change: called when something that `status` shows is new.
            refuse: ends the run with an exit code and a reason.
        """
        self.number = 0
        self.has_begun = False
        self.join_again: Callable[[Callable[[], object], Callable[[int, str], object]], object] = lambda then, _: then()
        """Take part again after a drain, then call; or refuse, where another host is in the way."""
        self.on_drain: Callable[[], object] = lambda: None
        self._loop = loop
        self._log = log
        self._workers = workers
        self._on_change = on_change
        self._refuse = refuse
        self._is_over = False
        self._executor: BackgroundExecutor | None = None
        self._presence: Presence | None = None
        self._wait = RivalWait()
        self._found: ReportedCondition | None = None

    def join(
        self,
        plan: RunPlan,
        url: Secret,
        run: str,
        then: Callable[[], object],
        refuse: Callable[[int, str], object] | None = None,
    ) -> None:
        """Take part, then call; a host that this one must not work beside is given time to fall silent.

        When it does not, `refuse` is called with an exit code and a reason; without one the run ends.
        """
        self.has_begun = True
        self.join_again = partial(self.join, plan, url, run)
        if self._is_over:
            return
        if plan.database is not None:
            then()
            return
        if self._executor is None:
            self._executor = BackgroundExecutor(self._loop, "hosts")
        again = partial(self.join, plan, url, run, then, refuse)
        enter = partial(self._enter, plan, url, run, then)
        answered = partial(self._answered, again=again, enter=enter, refuse=refuse or self._refuse)
        if self._presence is not None:
            self._presence.begin_join()
        self._executor.do(lambda: joining.try_join(plan, url, run, plan.keys, self._wait), answered)

    def records(self) -> tuple[HostRecord, ...]:
        """All hosts as reports show them."""
        return () if self._presence is None else self._presence.records()

    def conditions(self) -> list[ConditionFrom]:
        """What is wrong with the other hosts."""
        return [] if self._found is None else [ConditionFrom(SUPERVISOR, self._found)]

    def begin_to_drain(self) -> None:
        """Tell the others that this host begins no more calls."""
        if self._presence is not None and self._presence.wanted == "at work":
            self._presence.be("draining")

    def go_away(self) -> None:
        """Tell the others that this host has ended its calls, and let go of its part."""
        if self._presence is not None and self._presence.wanted == "draining":
            self._presence.be("away")

    @property
    def is_away(self) -> bool:
        """Whether the others know that this host takes no part now."""
        return self._presence is None or self._presence.told == "away"

    def leave(self) -> None:
        """Say that this host leaves for good, beside the loop."""
        self._is_over = True
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
        outcome: Succeeded[int | InTheWay] | Failed,
        *,
        again: Callable[[], object],
        enter: Callable[[int], None],
        refuse: Callable[[int, str], object],
    ) -> None:
        is_lost = isinstance(outcome, Failed) and isinstance(outcome.error, DatabaseTransient)
        if self._presence is not None and not is_lost:  # else the entry may be there, or come yet
            self._presence.end_join()
        if isinstance(outcome, Failed):
            if not is_lost:  # of a database that is away its watch tells
                why = f"this host cannot be entered into the table of hosts: {plain(outcome.error)}"
                refuse(exit_code(outcome.error), why)
                return
        elif isinstance(outcome.value, InTheWay):
            if outcome.value.is_final:
                self._wait, self._found = RivalWait(), None
                refuse(EXIT_CONFIG, outcome.value.why)
                return
            self._report(f"{outcome.value.why}; waiting up to {LONGEST_S:g} s for it to fall silent")
        else:
            enter(outcome.value)
            return
        self._loop.after(joining.AGAIN_S, again)

    def _enter(self, plan: RunPlan, url: Secret, run: str, then: Callable[[], object], number: int) -> None:
        self.number = number
        self._wait, self._found = RivalWait(), None
        if self._presence is None:
            self._presence = Presence(
                url,
                number,
                this_host.spool_of(plan),
                this_host.this_host(plan, run, plan.keys),
                on_look=lambda: self._loop.call(partial(self._looked, plan)),
                on_release=lambda released: self._loop.call(partial(self._tell, released)),
            )
        else:
            self._presence.be("at work")
        self._on_change()
        then()

    def _tell(self, released: Released) -> None:
        names, (items, pages, turns) = released.hosts, released.freed
        words = f"{', '.join(names)} is not there any more: {items} products, {pages} pages and {turns} turns are free"
        self._log.info("host_released", hosts=names, items=items, pages=pages, turns=turns, message=words)

    def _looked(self, plan: RunPlan) -> None:
        """Compare what was seen of the others with what was known."""
        if self._presence is None:
            return
        if self._presence.original is not None:
            self._refuse(EXIT_CONFIG, joining.copied(plan, self._presence.original))
            return
        if self._presence.has_twin:
            self._refuse(EXIT_CONFIG, joining.cloned(plan))
            return
        self._presence.workers = self._workers()
        if self._presence.is_to_drain:
            self.on_drain()
        lost = host_records.missed(self._presence.seen, self.number)
        before = self._found
        if self._presence.is_displaced:
            since = datetime.now(UTC) if before is None or before.why != _DISPLACED else before.since
            self._found = ReportedCondition(kind=OF_OTHERS, since=since, why=_DISPLACED)
        elif not lost:
            self._found = None
        else:
            silent_s = max(one.silent_s for one in lost)
            why = host_records.describe_missed(lost, self._presence.seen)
            since = datetime.now(UTC) - timedelta(seconds=silent_s) if before is None else before.since
            self._found = ReportedCondition(kind=OF_OTHERS, since=since, why=why, late_s=silent_s)
        if (before and before.why) != (self._found and self._found.why) or self._presence.wanted != "at work":
            self._on_change()

    def _report(self, why: str) -> None:
        since = datetime.now(UTC) if self._found is None else self._found.since
        self._found = ReportedCondition(kind=OF_OTHERS, since=since, why=why)
        self._on_change()
