"""One run from start to stop: database and server, then the ledger, then workers; and all of it back again.

Stages follow each other and never go back. What is slow happens beside the loop, so a stop is heard at any moment.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ledger import TokenLedger
from supervisor import report
from supervisor.config import pauses
from supervisor.config.run_plan import Server
from supervisor.database import backend
from supervisor.database.lifecycle import DatabaseKeeper
from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.eventloop.loop import Throttle
from supervisor.process.launch import SimulatorLaunch
from supervisor.process.spec import SIMULATOR, Spec
from supervisor.process.states import RESTING, Event, Stage
from supervisor.tree.condition_watch import Health
from supervisor.tree.reload import Reloader
from supervisor.tree.reporting import report_of
from supervisor.tree.tree import ProcessTree
from supervisor.tree.workers import WorkerPool
from tasks.errors import EXIT_CONFIG, EXIT_OK, EXIT_REFUSED, exit_code, plain

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from ledger import LedgerError
    from supervisor.config.changes import Change
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Texts
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from supervisor.process.output import Announcement
    from supervisor.process.slot import Slot
    from tasks.errors import Error
    from tasks.settings import Secret, WorkerSettings

SIGNAL_BASE: Final = 128  # a process that ends because of signal n exits with 128 + n, as shells say it
_DATABASE_STOP_S: Final = 70.0  # the own server takes up to a minute for its last checkpoint
_HURRY_S: Final = 2.0
_SECOND_S: Final = 0.5  # nobody reads that it stops, and wants it at once, in less
_WRITE_EVERY_S: Final = 0.5


class Supervisor:
    """One run of the supervisor; `texts` is what the settings of its plan were made from."""

    def __init__(self, plan: RunPlan, loop: Loop, log: Log, texts: Texts | None = None) -> None:
        self.stage = Stage.PREPARING
        self.exit_code = EXIT_OK
        self.ledger: TokenLedger | None = None
        self.database_url: Secret | None = None
        self.base_url = plan.base_url
        self.plan = plan
        self.place = backend.identity_of(plan)
        self.counted: report.CountRecord | None = None
        self.http_url: str | None = None
        self.faults = log.faults
        self.tree = ProcessTree(loop, log, self)
        self.worker_pool = WorkerPool(self.tree, log, pauses.read(plan.state.paused))
        self.health = Health(self, loop, log)
        self.listeners: list[Callable[[], object]] = []
        self._loop = loop
        self._log = log
        self._ledger_aside = BackgroundExecutor(loop, "ledger")
        self.reload = Reloader(self, texts, self._ledger_aside)
        self._database_aside = BackgroundExecutor(loop, "database")
        self.database = DatabaseKeeper(
            backend.backend_of(plan), self, loop=loop, aside=self._database_aside, log=log, watch=self.health.database
        )
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._id = f"{os.getpid()} {loop.now_ns()}"
        self._is_stop_told = False
        self._takes_a_second = False
        self._is_hurried = False
        self._ledger_asked = False
        self._report = Throttle(loop, self.publish, every_s=_WRITE_EVERY_S)

    def begin(self) -> None:
        """Start everything; the loop does the rest."""
        self._log.info("start", pid=os.getpid(), message=self.plan.words())
        self.changed()
        self.database.start()
        if self.plan.server is Server.SIMULATOR:
            spec = Spec(role=SIMULATOR, slot=0, hang_s=None, ready_s=self.plan.settings.ready_s, stop_s=2.0)
            self.tree.add_service(spec, SimulatorLaunch(settings=self.plan.settings)).feed(Event.START)

    def hear(self, number: signal.Signals) -> None:
        """A signal asks to stop; a second one does not wait.

        The same wish often comes twice at once: from the terminal, and passed on by npm, `timeout` or a wrapper. What
        comes while the loop is held up is handed over before the deadline that makes it another wish.
        """
        if not self._is_stop_told:
            self._log.info("stop", message=f"{number.name}: stopping, the calls under way are finished first")
            self._is_stop_told = True
            self._loop.after(_SECOND_S, self._take_a_second)
            self.stop(EXIT_OK)
        elif self._takes_a_second and not self._is_hurried:
            self._is_hurried = True
            self.exit_code = SIGNAL_BASE + number
            self._log.warning("kill", message=f"{number.name} again: killing what still runs")
            self._hurry()

    def _take_a_second(self) -> None:
        self._takes_a_second = True

    def stop(self, code: int) -> None:
        """Stop workers, then the database, then the simulator, and end the loop."""
        if self.stage >= Stage.STOPPING_WORKERS:
            return
        self.exit_code = code
        self._enter(Stage.STOPPING_WORKERS)
        self.tree.stop_workers()

    def close(self) -> None:
        """Give back what is left when the loop has ended."""
        self.health.close()
        self._ledger_aside.close(0.1)
        self._database_aside.close(0.1)
        if self.ledger is not None:
            self.ledger.close()

    def database_up(self, url: Secret) -> None:
        """The database serves; the first time this lets the workers begin."""
        self.database_url = url
        self._go_on()

    def database_lost(self, error: Error | LedgerError | OSError) -> None:
        """There will be no database."""
        self.all_is_lost(exit_code(error), f"no database: {plain(error)}")

    def child_ready(self, slot: Slot, announcement: Announcement) -> None:
        """A child is in service; a simulator says where, and keeps that port for ever."""
        if slot.spec.role == SIMULATOR and announcement.url is not None:
            self.base_url = announcement.url
            port = urlsplit(announcement.url).port or 0
            slot.launch = SimulatorLaunch(settings=self.plan.settings, port=port)
            self._go_on()
        self.worker_pool.on_change()

    def child_died(self, slot: Slot) -> None:
        """Settle what the dead process had reserved; the lock may be held by a stopped one, so not here."""
        ledger = self.ledger
        if ledger is not None and slot.spec.role != SIMULATOR:
            self._ledger_aside.do(ledger.resolve_dead, self._resolved)
        self.worker_pool.on_change()
        if self.stage is Stage.STOPPING_SERVICES:
            self._end_if_alone()

    def child_beat(self, slot: Slot) -> None:
        """See whether it has grown too old or too large."""
        self.worker_pool.recycle_if_due(slot, self._loop.now_ns())

    def changed(self) -> None:
        """Write the report soon, but not more than twice a second while everything works."""
        self.health.look()
        self._report.ask(at_once=self.stage is not Stage.WORKING)
        for listener in self.listeners:
            listener()

    def publish(self) -> None:
        """Write the report now."""
        try:
            report.write(report_of(self, self._loop.now_ns()), self.plan.state.status)
        except OSError as error:
            self._log.warning("status_not_written", error=plain(error))
            self.health.cannot_write(error)
            with suppress(OSError):  # then `status` sees by its age that the older one is no longer true
                report.overwrite(report_of(self, self._loop.now_ns()), self.plan.state.status)
            return
        self.health.on_line()

    def follow(self, change: Change) -> None:
        """Go by other settings from now on; the ledger does so already."""
        self.plan = replace(self.plan, settings=change.settings)
        self._log.level = change.settings.log_level
        if (worker_settings := self._worker_settings()) is not None:
            self.worker_pool.apply(self.plan.settings, worker_settings, change.roles)
        self.changed()

    def at_rest(self) -> None:
        """No worker is left: the database goes next."""
        if self.stage is not Stage.STOPPING_WORKERS:
            return
        self._enter(Stage.STOPPING_DATABASE)
        self._loop.after(_HURRY_S if self._is_hurried else _DATABASE_STOP_S, self._stop_services)
        self.database.stop(self._stop_services)

    def all_is_lost(self, code: int, reason: str) -> None:
        """Nothing that could be restarted would help."""
        if self.stage >= Stage.STOPPING_WORKERS:
            return
        if code == EXIT_REFUSED:
            reason = f"the API refuses this key: {reason}; check KEEPA_API_KEY, starting again will not help"
        self._log.error("run_failed", message=reason, code=code)
        self.stop(code)

    def _go_on(self) -> None:
        """Create the ledger once the database and the server are there."""
        ready = self.database_url is not None and self.base_url is not None
        if not ready or self.stage is not Stage.PREPARING or self._ledger_asked:
            return
        self._ledger_asked = True
        self._ledger_aside.do(self._create_ledger, self._ledger_is_there)

    def _create_ledger(self) -> TokenLedger:
        plan, path, tiers = self.plan, self.plan.state.ledger, self.plan.tiers()
        ledger = TokenLedger.create(path, tiers, tick_period_s=plan.tick_period_s, account=plan.account(self._id))
        ledger.resolve_dead()  # what a killed supervisor's workers left
        return ledger

    def _ledger_is_there(self, outcome: Succeeded[TokenLedger] | Failed) -> None:
        if isinstance(outcome, Failed):
            self.all_is_lost(EXIT_CONFIG, f"the ledger cannot be used: {outcome.error}")
            return
        self.ledger = outcome.value
        if self.ledger.replaced and self.plan.base_url is not None:  # each simulator is another account
            self._log.info("ledger_anew", message=self.ledger.replaced)
        if self.stage is not Stage.PREPARING:
            return
        worker_settings = self._worker_settings()
        if worker_settings is not None:
            self._enter(Stage.WORKING)
            self.worker_pool.begin(self.plan.settings, worker_settings)
            self.reload.go_on()

    def _worker_settings(self) -> WorkerSettings | None:
        """The settings that the workers are given; None while server and database are not there."""
        if self.base_url is None or self.database_url is None:
            return None
        return self.plan.worker_settings(self.base_url, self.database_url, self.place.spool)

    def _resolved(self, outcome: Succeeded[int] | Failed) -> None:
        if isinstance(outcome, Failed):
            self._log.error("leases_not_resolved", error=str(outcome.error))
        elif outcome.value:
            self._log.info("leases_resolved", count=outcome.value)

    def _hurry(self) -> None:
        if self.stage is Stage.STOPPING_WORKERS:
            self.tree.kill_workers()
        elif self.stage is Stage.STOPPING_DATABASE:
            self._loop.after(_HURRY_S, self._stop_services)
        for slot in self.tree.services if self.stage is Stage.STOPPING_SERVICES else []:
            slot.feed(Event.KILL)

    def _stop_services(self) -> None:
        if self.stage is not Stage.STOPPING_DATABASE:
            return
        self._enter(Stage.STOPPING_SERVICES)
        for slot in self.tree.services:
            slot.feed(Event.STOP)
        self._end_if_alone()

    def _end_if_alone(self) -> None:
        if all(slot.state in RESTING for slot in self.tree.services):
            self._enter(Stage.OVER)
            self.publish()
            self._log.settle()  # so that the last line is the end
            self._log.info("stopped", code=self.exit_code)
            self._loop.end()

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.changed()
