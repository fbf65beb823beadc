"""The process that sends messages: there while there are rules, and never what ends a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supervisor.config.notify_settings import NotifySettings
from supervisor.database.ledger_source import accounts_of
from supervisor.process.launch import NotifyLaunch
from supervisor.process.restart_policy import Cause, Policy
from supervisor.process.spec import NOTIFY, Spec
from supervisor.process.states import RESTING, Event, Stage, State
from tasks.secret import Secret

if TYPE_CHECKING:
    from supervisor.process.slot import Slot
    from supervisor.tree.supervisor import Supervisor

_STOP_S: Final = 15.0  # for what is being sent, and for the alarm that says why the run ends
_POLICY: Final = Policy(cap_s=30.0, max_restarts=1_000_000)  # it may fail for ever: health says so meanwhile


class NotifyService:
    """Keeps the process in service for one run, from `begin` on."""

    def __init__(self, run: Supervisor) -> None:
        self._run = run
        self._slot: Slot | None = None
        self._settings: NotifySettings | None = None

    def begin(self) -> None:
        """Start it as soon as the workers work; with the run where rules want alarms, which a database may be about."""
        self._run.listeners.append(self._check)

    def _check(self) -> None:
        """Keep to what the run has come to; called when anything in it has changed."""
        run, slot = self._run, self._slot
        if not self._is_wanted():
            if run.stage is not Stage.PREPARING:
                self._stop()
            return
        launch = self._launch()
        if slot is None:
            spec = Spec(
                role=NOTIFY,
                slot=0,
                ready_s=run.plan.settings.ready_s,
                stop_s=_STOP_S,
                policy=_POLICY,
                is_vital=False,
                is_shown=True,
            )
            self._slot = slot = run.tree.add_service(spec, launch)
            self._settings = launch.settings
            slot.feed(Event.START)
        elif launch.settings != self._settings:
            slot.launch, self._settings = launch, launch.settings
            if slot.state in {State.STARTING, State.RUNNING}:
                slot.restart(Cause.RESTARTED)
            elif slot.state in RESTING:
                slot.feed(Event.RESTART)

    def _is_wanted(self) -> bool:
        if self._run.stage > Stage.WORKING:
            return False
        rules = self._run.plan.settings.loaded_rules
        return bool(rules) if self._run.stage is Stage.WORKING else any(rule.alarms for rule in rules)

    def _stop(self) -> None:
        """End it, and forget it when the run goes on without rules."""
        slot = self._slot
        if slot is None:
            return
        if slot.state is State.STARTING and self._run.stage is not Stage.WORKING:
            return  # it cannot hear yet, and may have to tell why the run ends; the run waits until it has begun
        if slot.state not in RESTING:
            if slot.state not in {State.STOPPING, State.ENDING}:
                self._run.write_report()  # it looks once more, and finds there why the run ends
                slot.feed(Event.STOP)
        elif self._run.stage is Stage.WORKING:
            self._run.tree.services.remove(slot)
            self._slot = self._settings = None

    def _launch(self) -> NotifyLaunch:
        """What it is told; it gets a database once that has its tables, and is started anew for it."""
        plan, settings = self._run.plan, self._run.plan.settings
        url = self._run.database_url if self._run.stage is Stage.WORKING else None
        return NotifyLaunch(
            settings=NotifySettings(
                state_dir=str(plan.state.root),
                host=settings.host_name,
                database_url=url or Secret(""),
                accounts=accounts_of(plan),
                rules=settings.loaded_rules,
                targets=settings.loaded_targets,
                domains=settings.keepa_domains,
                selections=settings.loaded_selections,
            )
        )
