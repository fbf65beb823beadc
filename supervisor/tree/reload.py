"""Changes the settings of a run that goes on: read, checked and given to the ledger beside the loop, then applied.

Changes are made one after another. What an order gave overrides the configuration until the supervisor ends, or until
that setting changes in the configuration itself. A configuration with a fault changes nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from supervisor.config import changes, setting_texts, settings
from supervisor.config.environment import environment
from supervisor.eventloop.executor import Failed, Succeeded
from supervisor.process.states import Stage
from tasks.settings import CODEC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import LedgerError, TokenLedger
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.setting_texts import Texts
    from supervisor.config.settings import Settings
    from supervisor.eventloop.executor import BackgroundExecutor
    from tasks.errors import Error
    from tasks.settings import WorkerSettings


class ReloadedRun(Protocol):
    """What `Reloader` reads of a run, and makes it do."""

    stage: Stage
    plan: RunPlan  # with the settings in force
    ledgers: dict[str, TokenLedger]  # by key

    def worker_settings(self, plan: RunPlan | None = None) -> WorkerSettings | None:
        """The settings that the workers would be given by `plan`; None while they can be given none."""

    def apply_change(self, change: changes.Change) -> None:
        """Apply other settings from now on; the ledger does so already."""


class ChangeRequest(NamedTuple):
    """A change that is to be made.

    Attributes:
        rereads: whether the configuration is read again.
        overrides: makes the settings that orders gave from the settings in force and the overrides before.
    """

    rereads: bool
    overrides: Callable[[Settings, Mapping[str, str]], dict[str, str]]
    on_done: Callable[[changes.Change | Error | LedgerError | OSError], object]


class _Prepared(NamedTuple):
    texts: Texts
    overrides: dict[str, str]
    change: changes.Change


class Reloader:
    """The settings of a run while it runs."""

    def __init__(
        self,
        run: ReloadedRun,
        texts: Texts | None,
        executor: BackgroundExecutor,
        *,
        environment: Callable[[], Mapping[str, str]] = environment,
    ) -> None:
        """Begin with `texts`, which the settings of the run were made from; `environment` is read when they change."""
        self.overrides: dict[str, str] = {}
        self._run = run
        self._environment = environment
        self._texts = texts or setting_texts.read_texts(environment())
        self._executor = executor
        self._requests: deque[ChangeRequest] = deque()
        self._is_busy = False

    def submit(self, request: ChangeRequest) -> None:
        """Make a change as soon as those before it are made and the workers have been started."""
        self._requests.append(request)
        self.start_next()

    def start_next(self) -> None:
        """Begin the next change if it can be made now."""
        if self._is_busy or not self._requests or self._run.stage is not Stage.WORKING:
            return
        self._is_busy = True
        request = self._requests.popleft()
        overrides = request.overrides(self._run.plan.settings, self.overrides)
        self._executor.do(partial(self._prepare, overrides, rereads=request.rereads), partial(self._apply, request))

    def _prepare(self, overrides: dict[str, str], *, rereads: bool) -> _Prepared:
        """Do everything that may fail or take its time.

        Raises:
            ConfigError: the settings have faults.
            LedgerError: the ledger cannot be changed.
        """
        texts = setting_texts.read_texts(self._environment()) if rereads else self._texts
        unchanged = {name for name in overrides if texts.found[name][0] == self._texts.found[name][0]}
        overrides = {name: text for name, text in overrides.items() if name in unchanged}
        found = {**texts.found, **{name: (text, settings.BY_ORDER) for name, text in overrides.items()}}
        old = self._run.plan
        change = changes.between(old.settings, settings.check_texts(replace(texts, found=found)))
        new = replace(old, settings=change.settings)
        if (given := self._run.worker_settings(new)) is not None:
            CODEC.encode(given)  # before the ledger is touched: what workers cannot be told leaves the run as it is
        for name, ledger in self._run.ledgers.items():
            tiers = new.of_key(name).tiers()
            if tiers != old.of_key(name).tiers():
                ledger.configure(tiers, new.tick_period_s)
        return _Prepared(texts, overrides, change)

    def _apply(self, request: ChangeRequest, outcome: Succeeded[_Prepared] | Failed) -> None:
        self._is_busy = False
        if isinstance(outcome, Succeeded):
            self._texts, self.overrides, change = outcome.value
            self._run.apply_change(change)
            request.on_done(change)
        else:
            request.on_done(outcome.error)
        self.start_next()
