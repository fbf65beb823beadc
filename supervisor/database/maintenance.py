"""Has the duties in the background done beside the loop, while the run works and nothing is in its way.

Whatever keeps the workers from their work (a pause, a database or an API that is unavailable, a full disk, replies that
a dead worker left) keeps these waiting: they are never urgent, and intake needs what they would take.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.eventloop.loop import MonotonicClock
from tasks.calls.spool import Spool, SpoolFull
from tasks.errors import DatabaseTransient, plain
from tasks.store.retention.keep import Keep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger import Clock
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from supervisor.database.backend import DatabaseIdentity
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from tasks.maintenance.runner import Done, MaintenanceRunner
    from tasks.secret import Secret
    from tasks.store.duties.duty import Duty

FIRST_S: Final = 60.0  # the start of a run has other things to do
HELD_S: Final = 15.0  # until the next look whether the run works again


class MaintainedRun(Protocol):
    """What the maintenance needs of a run."""

    plan: RunPlan
    database_identity: DatabaseIdentity

    def is_undisturbed(self) -> bool:
        """Whether all workers may work and nothing that anybody knows of keeps them from it."""


def keep_of(settings: Settings) -> Keep:
    """How long these settings keep rows."""
    return Keep(
        calls_d=settings.calls_keep_d,
        deals_d=settings.deals_keep_d,
        history_d=settings.history_keep_d,
        queue_d=settings.queue_keep_d,
        quarantine_d=settings.quarantine_keep_d,
    )


class Maintenance:
    """The maintenance of one run, which owns it."""

    def __init__(self, loop: Loop, log: Log, run: MaintainedRun, *, clock: Clock | None = None) -> None:
        """Do nothing before `begin`.

        Args:
            loop: the loop of the run.
            log: where it is told what was deleted.
            run: what it belongs to, asked before each step.
            clock: for the pauses between steps; by default one that never steps.
        """
        self._loop = loop
        self._log = log
        self._run = run
        self._clock = clock or MonotonicClock()
        self._executor: BackgroundExecutor | None = None
        self._runner: MaintenanceRunner | None = None
        self._failing: set[str] = set()
        self.pruned: Counter[str] = Counter()
        """Rows that were deleted since the run began, by table."""
        self.duties: Callable[[Keep], Sequence[Duty]] | None = None
        """What there is to do with these settings, in place of all that is listed."""
        self.first_s = FIRST_S
        """Seconds from the beginning to the first step."""

    def begin(self, url: Secret) -> None:
        """Do the duties in this database from now on; another call changes nothing."""
        if self._executor is None:
            self._executor = BackgroundExecutor(self._loop, "maintenance")
            self._loop.after(self.first_s, partial(self._next, url))

    def close(self) -> None:
        """Break off the step under way, and close the connection."""
        if self._runner is not None:
            self._runner.cut()
        if self._executor is not None and self._executor.close(0.3) and self._runner is not None:
            self._runner.close()

    def _next(self, url: Secret) -> None:
        if self._executor is None:
            return
        if not self._run.is_undisturbed():
            self._loop.after(HELD_S, partial(self._next, url))
            return
        keep = keep_of(self._run.plan.settings)
        self._executor.do(partial(self._step, url, keep), partial(self._on_step, url))

    def _step(self, url: Secret, keep: Keep) -> Done | None:
        """One step; None while replies of dead workers wait to be written."""
        from tasks.maintenance.duties import duties
        from tasks.maintenance.runner import MaintenanceRunner

        try:
            state = self._run.plan.state
            spool, host = state.spool(self._run.database_identity.spool), state.host()
            if Spool(spool, limit_bytes=0, host=host).holds_leftovers():
                return None
        except SpoolFull:
            return None
        if self._runner is None:
            self._runner = MaintenanceRunner(url, self._clock, host=host)
        return self._runner.step((self.duties or duties)(keep))

    def _on_step(self, url: Secret, outcome: Succeeded[Done | None] | Failed) -> None:
        if isinstance(outcome, Failed) or outcome.value is None:
            self._loop.after(HELD_S, partial(self._next, url))
            return
        done = outcome.value
        self.pruned.update(done.gone)
        if done.told:
            self._log.info("pruned", rows=dict(done.told))
        self._report_error(done)
        self._loop.after(done.pause_s, partial(self._next, url))

    def _report_error(self, done: Done) -> None:
        """Log once what the database refuses; that it is busy, or away, is no fault of a duty."""
        if done.duty is None:
            return
        if done.error is None:
            self._failing.discard(done.duty)
        elif not isinstance(done.error, DatabaseTransient) and done.duty not in self._failing:
            self._failing.add(done.duty)
            self._log.warning("duty_refused", duty=done.duty, error=plain(done.error))
