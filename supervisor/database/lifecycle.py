"""Starts the database of a run, starts it again when it dies, and stops it after the workers.

Everything slow is done beside the loop. A database that is unavailable is waited for, however long; one that can never
serve (wrong login, foreign schema) ends the run at once.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from ledger import NS_PER_S
from ledger.durations import format_duration
from supervisor.eventloop.executor import Failed, Succeeded
from supervisor.process.restart_policy import Policy, RestartHistory, decision_by_exit_code, judge, pause_s
from supervisor.process.states import Event, State
from supervisor.report import ChildRecord
from tasks.errors import DatabaseTransient, exit_code, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger import LedgerError
    from supervisor.database.backend import Database
    from supervisor.database.watch import DatabaseWatch
    from supervisor.eventloop.executor import BackgroundExecutor
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from tasks.errors import Error
    from tasks.secret import Secret

ROLE: Final = "database"
FIRST_START_S: Final = 30.0  # a new cluster and its schema, on a small machine
LONG_S: Final = 5.0
LONGEST_PAUSE_S: Final = 8.0  # so that a database that is back is noticed soon


class DatabaseListener(Protocol):
    """The run that needs the database."""

    def database_up(self, url: Secret) -> None:
        """It answers and its schema is up to date; called again after each restart."""

    def database_lost(self, error: Error | LedgerError | OSError) -> None:
        """It will not serve, however long one waits."""

    def changed(self) -> None:
        """Something that `status` shows is new."""


class DatabaseLifecycle:
    """The one database of a run, which owns it."""

    def __init__(
        self,
        database: Database,
        listener: DatabaseListener,
        *,
        loop: Loop,
        executor: BackgroundExecutor,
        log: Log,
        watch: DatabaseWatch,
    ) -> None:
        """Keep `database` in service for `listener`; `watch` finds out whether it really is."""
        self.state = State.WAITING
        self._health = watch
        self._database = database
        self._listener = listener
        self._loop = loop
        self._executor = executor
        self._log = log
        self.first_start_s = FIRST_START_S
        """Seconds that the first start may take before it is a condition."""
        self.long_s = LONG_S
        """Seconds between two reports of what a start that takes too long is at."""
        self._policy = Policy(cap_s=LONGEST_PAUSE_S)
        self._history = RestartHistory()
        self._pidfd = -1
        self._pid: int | None = None
        self._up_ns: int | None = None
        self._asked_ns = 0
        self._again_ns = 0

    def start(self) -> None:
        """Start it beside the loop."""
        if self.state in {State.STOPPING, State.STOPPED}:
            return
        self._asked_ns = self._loop.now_ns()
        self._enter(State.STARTING)
        self._executor.do(self._bring_up, self._is_up)
        patience_s = self.long_s if self._history.total else self.first_start_s
        self._loop.after(patience_s, partial(self._report_slow_start, self._asked_ns))

    def stop(self, then: Callable[[], object]) -> None:
        """End our use of it, after whatever is being done with it, then call."""
        self._unwatch_process()
        self._health.pause()
        self._enter(State.STOPPING)
        self._database.cancel()

        def stopped(outcome: Succeeded[None] | Failed) -> None:
            if isinstance(outcome, Failed):
                self._log.error("database_does_not_stop", role=ROLE, slot=0, error=str(outcome.error))
            self._pid, self._up_ns = None, None
            self._enter(State.STOPPED)
            then()

        self._executor.do(self._database.stop, stopped)

    def record(self) -> ChildRecord:
        """The database as `status` shows it."""
        up_s = None if self._up_ns is None else round((self._loop.now_ns() - self._up_ns) / NS_PER_S, 1)
        return ChildRecord(
            role=ROLE,
            slot=0,
            pid=self._pid,
            state=(self._health.state if self.state is State.RUNNING else None) or self.state.value,
            phase=None,
            detail="",
            up_s=up_s,
            again_in_s=self._again_in_s(),
            restarts=self._history.total,
            deaths_in_period=len(self._history.counted_ns),
            deaths_allowed=self._policy.max_restarts,
            rows={},
            job={},
        )

    def _again_in_s(self) -> float | None:
        if self.state is not State.BACKOFF:
            return None
        return round(max(0, self._again_ns - self._loop.now_ns()) / NS_PER_S, 1)

    def _report_slow_start(self, asked_ns: int) -> None:
        if self.state is not State.STARTING or asked_ns != self._asked_ns:
            return
        so_far_s = (self._loop.now_ns() - asked_ns) / NS_PER_S
        words = f"it is still starting ({format_duration(so_far_s)} so far): {self._database.doing}"
        self._health.report_failure(words, late_s=so_far_s)
        self._loop.after(self.long_s, partial(self._report_slow_start, asked_ns))

    def _bring_up(self) -> tuple[Secret, int | None]:
        url = self._database.start()
        return url, self._database.server_pid()

    def _is_up(self, outcome: Succeeded[tuple[Secret, int | None]] | Failed) -> None:
        if self.state is not State.STARTING:
            return
        match outcome:
            case Succeeded((url, pid)):
                self._up_ns, self._pid = self._loop.now_ns(), pid
                self._watch_process()
                took_s = round((self._loop.now_ns() - self._asked_ns) / NS_PER_S, 2)
                if self._database.applied:
                    self._log.info("migrated", role=ROLE, slot=0, applied=self._database.applied)
                for note in self._database.notes:
                    self._log.warning("server_note", role=ROLE, slot=0, message=note)
                self._log.info("in_service", role=ROLE, slot=0, pid=pid, took_s=took_s)
                self._enter(State.RUNNING)
                self._health.watch(url)
                self._listener.database_up(url)
            case Failed(error):
                self._failed(error)
            case _:
                assert_never(outcome)

    def _failed(self, error: Error | LedgerError | OSError) -> None:
        ran_s = 0.0 if self._up_ns is None else (self._loop.now_ns() - self._up_ns) / NS_PER_S
        self._up_ns, self._pid = None, None
        decision = decision_by_exit_code(exit_code(error))
        judgement = judge(self._history, self._policy, decision, now_ns=self._loop.now_ns(), ran_s=ran_s)
        self._history = judgement.history
        if judgement.event is Event.DIED_FAILED:
            self._enter(State.FAILED)
            self._listener.database_lost(error)
            return
        self._health.pause()
        self._health.report_failure(plain(error))
        again_s = pause_s(self._history.in_a_row, self._policy, 0)
        self._log.warning("database_unavailable", role=ROLE, slot=0, error=plain(error), again_in_s=round(again_s, 1))
        self._again_ns = self._loop.now_ns() + round(again_s * NS_PER_S)
        self._enter(State.BACKOFF)
        self._loop.at(self._again_ns, self.start)

    def _watch_process(self) -> None:
        if self._pid is None:
            return
        try:
            self._pidfd = os.pidfd_open(self._pid)
        except OSError:
            # It is gone already, or no descriptor is left: its users will report it.
            self._pidfd = -1
            return
        self._loop.watch(self._pidfd, self._died)

    def _unwatch_process(self) -> None:
        if self._pidfd >= 0:
            self._loop.forget(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _died(self) -> None:
        self._unwatch_process()
        self._log.warning("died", role=ROLE, slot=0, pid=self._pid, message="the PostgreSQL server ended unasked")
        self._failed(DatabaseTransient("the server ended unasked"))

    def _enter(self, state: State) -> None:
        self.state = state
        self._listener.changed()
