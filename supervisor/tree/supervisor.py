"""One run from start to stop: database and server, then the ledger, then workers; and all of it back again.

Stages follow each other and never go back. What is slow happens beside the loop, so a stop is heard at any moment.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from supervisor.config.run_plan import Server
from supervisor.config.state_dir import paused_roles
from supervisor.database import backend, shared_ledger
from supervisor.database.lifecycle import DatabaseLifecycle
from supervisor.database.maintenance import Maintenance
from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.eventloop.loop import Throttle
from supervisor.process.launch import SimulatorLaunch
from supervisor.process.spec import NOTIFY, SIMULATOR, Spec
from supervisor.process.states import RESTING, Event, Stage, State
from supervisor.tree.condition_watch import ConditionWatch
from supervisor.tree.draining import Draining
from supervisor.tree.membership import Membership
from supervisor.tree.order_log import OrderLog
from supervisor.tree.reload import Reloader
from supervisor.tree.reporting import write_report
from supervisor.tree.silent_workers import SilentWorkers
from supervisor.tree.tree import ProcessTree
from supervisor.tree.workers import WorkerPool
from tasks.errors import EXIT_CONFIG, EXIT_KEY_REFUSED, EXIT_OK, DatabaseTransient, exit_code, plain

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from ledger import LedgerError, TokenLedger
    from supervisor.config.changes import Change
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.setting_texts import Texts
    from supervisor.count_record import CountRecord
    from supervisor.eventloop.loop import Loop
    from supervisor.logs.log import Log
    from supervisor.process.child_pipes import Announcement
    from supervisor.process.slot import Slot
    from tasks.errors import Error
    from tasks.secret import Secret
    from tasks.settings import WorkerSettings

LEDGER_AGAIN_S: Final = 1.0  # until the next try to begin a ledger whose database is away
SIGNAL_BASE: Final = 128  # a process that ends because of signal n exits with 128 + n, as shells say it
_DATABASE_STOP_S: Final = 70.0  # the embedded server takes up to a minute for its last checkpoint
_KILL_S: Final = 2.0
_WRITE_EVERY_S: Final = 0.5


class Supervisor:
    """One run of the supervisor; `texts` is what the settings of its plan were made from."""

    counted: CountRecord | None = None
    http_url: str | None = None
    web_url: str | None = None

    def __init__(self, plan: RunPlan, loop: Loop, log: Log, texts: Texts | None = None) -> None:
        self.stage = Stage.PREPARING
        self.exit_code = EXIT_OK
        self.ledgers: dict[str, TokenLedger] = {}
        self.database_url: Secret | None = None
        self.base_url = plan.base_url
        self.plan = plan
        self.database_identity = backend.identity_of(plan)
        self.orders = OrderLog()
        self.faults = log.faults
        self.tree = ProcessTree(loop, log, self)
        self.worker_pool = WorkerPool(self.tree, log, paused_roles.read(plan.state.paused))
        self.membership = Membership(
            loop, log, workers=self.worker_pool.told_to_others, on_change=self.changed, refuse=self.run_failed
        )
        self.condition_watch = ConditionWatch(
            loop,
            log,
            of_others=lambda: [*self.tree.conditions(), *self._silent.conditions(), *self.membership.conditions()],
            is_frozen=lambda: self.stage > Stage.WORKING,
            on_change=self.changed,
        )
        self._silent = SilentWorkers(loop, lambda: self.tree.workers, self.changed, base_url=lambda: self.base_url)
        self.draining = Draining(self.worker_pool, self.membership, self.changed)
        self.listeners: list[Callable[[], object]] = [self.draining.check]
        self._loop = loop
        self._log = log
        self._ledger_executor = BackgroundExecutor(loop, "ledger")
        self.reload = Reloader(self, texts, self._ledger_executor)
        self._database_executor = BackgroundExecutor(loop, "database")
        self.database = DatabaseLifecycle(
            backend.backend_of(plan),
            self,
            loop=loop,
            executor=self._database_executor,
            log=log,
            watch=self.condition_watch.database,
        )
        self.maintenance = Maintenance(loop, log, self)
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._id = f"{os.getpid()} {loop.now_ns()}"
        self._is_killing = False
        self._report_throttle = Throttle(loop, self.write_report, every_s=_WRITE_EVERY_S)

    def begin(self) -> None:
        """Start everything; the loop does the rest."""
        self._log.info("start", pid=os.getpid(), message=self.plan.describe())
        self.changed()
        self._silent.begin()
        self.database.start()
        if self.plan.server is Server.SIMULATOR:
            spec = Spec(role=SIMULATOR, slot=0, hang_s=None, ready_s=self.plan.settings.ready_s, stop_s=2.0)
            self.tree.add_service(spec, SimulatorLaunch(settings=self.plan.settings)).feed(Event.START)

    def kill(self, number: signal.Signals) -> None:
        """Kill what still runs; the exit code says which signal asked for that."""
        self._is_killing = True
        self.exit_code = SIGNAL_BASE + number
        if self.stage is Stage.STOPPING_WORKERS:
            self.tree.kill_workers()
        elif self.stage is Stage.STOPPING_DATABASE:
            self._loop.after(_KILL_S, self._stop_services)
        for slot in self.tree.services if self.stage is Stage.STOPPING_SERVICES else []:
            slot.feed(Event.KILL)

    def stop(self, code: int) -> None:
        """Stop workers, then the database, then the simulator, and end the loop."""
        if self.stage >= Stage.STOPPING_WORKERS:
            return
        self.exit_code = code
        self._enter(Stage.STOPPING_WORKERS)
        self.tree.stop_workers()

    def close(self) -> None:
        """Close what is left when the loop has ended."""
        for part in (self.membership, self.maintenance, self.condition_watch):
            part.close()
        self._ledger_executor.close(0.1)
        self._database_executor.close(0.1)
        for ledger in self.ledgers.values():
            ledger.close()

    def database_up(self, url: Secret) -> None:
        """Let the workers begin when the database serves for the first time."""
        self.database_url = url
        self.maintenance.begin(url)
        self._begin_if_ready()

    def is_undisturbed(self) -> bool:
        """Whether all workers may work and nothing that anybody knows of keeps them from it."""
        is_open = self.stage is Stage.WORKING and not self.worker_pool.paused
        return is_open and self.database.state is State.RUNNING and not self.condition_watch.obstacles()

    def database_lost(self, error: Error | LedgerError | OSError) -> None:
        """End the run: there will be no database."""
        self.run_failed(exit_code(error), f"no database: {plain(error)}")

    def child_ready(self, slot: Slot, announcement: Announcement) -> None:
        """Go on with the start; a simulator says at which port it listens, and keeps that one for ever."""
        if slot.spec.role == SIMULATOR and announcement.url is not None:
            self.base_url = announcement.url
            port = urlsplit(announcement.url).port or 0
            slot.launch = SimulatorLaunch(settings=self.plan.settings, port=port)
            self._begin_if_ready()
        self.worker_pool.on_change()

    def child_died(self, slot: Slot) -> None:
        """Settle what the dead process had reserved, beside the loop: a suspended one may hold the lock."""
        ledgers = tuple(self.ledgers.values())
        if ledgers and slot.spec.role != SIMULATOR:
            self._ledger_executor.do(lambda: sum(one.resolve_dead() for one in ledgers), self._on_resolved)
        self.worker_pool.on_change()
        if self.stage is Stage.STOPPING_SERVICES:
            self._end_if_services_rest()

    def child_beat(self, slot: Slot) -> None:
        """Replace it if it has grown too old or too large."""
        self.worker_pool.recycle_if_due(slot, self._loop.now_ns())

    def changed(self) -> None:
        """Write the report soon, but not more than twice a second while everything works."""
        self.condition_watch.check()
        self._report_throttle.ask(at_once=self.stage is not Stage.WORKING)
        for listener in self.listeners:
            listener()

    def write_report(self) -> None:
        """Write the report now."""
        write_report(self, self._loop.now_ns(), self._log)

    def apply_change(self, change: Change) -> None:
        """Apply other settings from now on; the ledger does so already."""
        self.plan = replace(self.plan, settings=change.settings)
        self._log.level = change.settings.log_level
        if (worker_settings := self.worker_settings()) is not None:
            self.worker_pool.apply(self.plan.settings, worker_settings, change.roles)
        self.changed()

    def workers_at_rest(self) -> None:
        """Stop the database: no worker is left."""
        if self.stage is not Stage.STOPPING_WORKERS:
            return
        self.membership.leave()
        self._enter(Stage.STOPPING_DATABASE)
        self._loop.after(_KILL_S if self._is_killing else _DATABASE_STOP_S, self._stop_services)
        self.database.stop(self._stop_services)

    def run_failed(self, code: int, reason: str) -> None:
        """End the run: nothing that could be restarted would help; `code` is the exit code."""
        if self.stage >= Stage.STOPPING_WORKERS:
            return
        if code == EXIT_KEY_REFUSED:
            reason = f"the API refuses this key: {reason}; check KEEPA_API_KEY, starting again will not help"
        self._log.error("run_failed", message=reason, code=code)
        self.stop(code)

    def _begin_if_ready(self) -> None:
        """Join the other hosts and create the ledger, once the database and the API can be reached."""
        if (
            self.database_url is None
            or self.base_url is None
            or self.stage is not Stage.PREPARING
            or self.membership.has_begun
        ):
            return
        self.membership.join(self.plan, self.database_url, self._id, self._create_ledger)

    def _create_ledger(self) -> None:
        plan, url, run, host = self.plan, self.database_url, self._id, self.membership.number
        if url is not None and self.stage is Stage.PREPARING:
            self._ledger_executor.do(lambda: shared_ledger.create_ledgers(plan, url, run, host), self._on_ledger)

    def _on_ledger(self, outcome: Succeeded[dict[str, TokenLedger]] | Failed) -> None:
        if isinstance(outcome, Failed):
            if isinstance(outcome.error, DatabaseTransient):  # its watch tells that it is away
                self._loop.after(LEDGER_AGAIN_S, self._create_ledger)
            else:
                self.run_failed(EXIT_CONFIG, f"the ledger cannot be used: {outcome.error}")
            return
        self.ledgers = outcome.value
        for ledger in self.ledgers.values():
            if ledger.replaced and self.plan.base_url is not None:  # each simulator is another account
                self._log.info("ledger_anew", message=ledger.replaced)
        if self.stage is not Stage.PREPARING:
            return
        worker_settings = self.worker_settings()
        if worker_settings is not None:
            self._enter(Stage.WORKING)
            self.worker_pool.begin(self.plan.settings, worker_settings)
            self.reload.start_next()

    def worker_settings(self, plan: RunPlan | None = None) -> WorkerSettings | None:
        """The settings that the workers are given; None while the API or the database cannot be reached.

        `plan` is that of the key which pays, where it is another than the first.
        """
        if self.base_url is None or self.database_url is None:
            return None
        host_id, spool = self.plan.state.host(), self.database_identity.spool
        given = (plan or self.plan).worker_settings(self.base_url, self.database_url, spool, host_id)
        return shared_ledger.settings_for(self.ledgers, given)

    def _on_resolved(self, outcome: Succeeded[int] | Failed) -> None:
        if isinstance(outcome, Failed):
            self._log.error("leases_not_resolved", error=str(outcome.error))
        elif outcome.value:
            self._log.info("leases_resolved", count=outcome.value)

    def _stop_services(self) -> None:
        if self.stage is not Stage.STOPPING_DATABASE:
            return
        self._enter(Stage.STOPPING_SERVICES)
        for slot in self.tree.services:
            # One that only begins cannot hear yet, and has to tell why the run ends: it is asked to stop as soon as it
            # has begun or failed to (`NotifyService`), for which it has READY_S as ever.
            if slot.spec.role != NOTIFY or slot.state is not State.STARTING:
                slot.feed(Event.STOP)
            elif self._is_killing:
                self._loop.after(_KILL_S, partial(slot.feed, Event.KILL))
        self._end_if_services_rest()

    def _end_if_services_rest(self) -> None:
        if all(slot.state in RESTING for slot in self.tree.services):
            self._enter(Stage.OVER)
            self.write_report()
            self._log.flush()  # so that the last line is the end
            self._log.info("stopped", code=self.exit_code)
            self._loop.end()

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.changed()
