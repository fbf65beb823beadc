"""Asks the database every few seconds, while it is to serve, whether it does; knows since when it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import structs

from supervisor.database.probe import Probe
from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.eventloop.loop import MonotonicClock
from supervisor.process.conditions import ReportedCondition

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop
    from tasks.secret import Secret

_EVERY_S: Final = 3.0
# In checks and not in seconds: while this process itself is suspended, nobody is late.
_PATIENCE: Final = 2  # a server under load may take seconds to answer
_CUT: Final = 4  # a dead connection is not waited for until the system ends it
KIND: Final = "database"
AWAY: Final = "away"
READ_ONLY: Final = "read only"


class DatabaseWatch:
    """What the supervisor itself knows of the database; `on_change` is called when that is new."""

    def __init__(self, loop: Loop, on_change: Callable[[], object]) -> None:
        self._loop = loop
        self._on_change = on_change
        self._executor: BackgroundExecutor | None = None
        self._probe: Probe | None = None
        self._checks_waited: int | None = None  # since it was asked; None while nothing is asked
        self._is_active = False
        self.condition: ReportedCondition | None = None
        """Why it does not serve, and since when; None while it does."""
        self.state: str | None = None
        """`away` or `read only`; None while it serves."""

    def watch(self, url: Secret) -> None:
        """Check from now on; called again after each start of the server, which shows that it serves."""
        self._clear()
        if self._probe is None:
            self._probe, self._executor = Probe(url, MonotonicClock()), BackgroundExecutor(self._loop, "probe")
            self._loop.after(_EVERY_S, self._check)
        self._is_active = True

    def pause(self) -> None:
        """Do not check until `watch`: it is being started or stopped, and whoever does that reports how it goes."""
        self._is_active = False

    def report_failure(self, why: str, state: str = AWAY, *, late_s: float = 0.0) -> None:
        """Report that it does not serve, which began `late_s` seconds before this is reported for the first time."""
        began = ReportedCondition(
            kind=KIND, since=datetime.now(UTC) - timedelta(seconds=late_s), why=why, late_s=late_s
        )
        fresh = began if self.condition is None else structs.replace(self.condition, why=why)
        is_new = (fresh, state) != (self.condition, self.state)
        self.condition, self.state = fresh, state
        if is_new:
            self._on_change()

    def close(self) -> None:
        """Close the connection; a server that does not answer is not waited for."""
        self._is_active = False
        if self._executor is not None and self._probe is not None:
            if self._checks_waited is not None:
                self._probe.cut()
            self._executor.do(self._probe.close, lambda _: None)
            self._executor.close(0.1)

    def _clear(self) -> None:
        if self.condition is not None:
            self.condition, self.state = None, None
            self._on_change()

    def _check(self) -> None:
        self._loop.after(_EVERY_S, self._check)
        if not self._is_active or self._executor is None or self._probe is None:
            return
        if self._checks_waited is None:
            self._checks_waited = 0
            self._executor.do(self._probe.ask, self._answered)
            return
        self._checks_waited += 1
        if self._checks_waited >= _PATIENCE:
            late_s = self._checks_waited * _EVERY_S
            self.report_failure(f"it has not answered for {late_s:g} s", late_s=late_s)
        if self._checks_waited >= _CUT:
            self._probe.cut()

    def _answered(self, outcome: Succeeded[str | None] | Failed) -> None:
        self._checks_waited = None
        if not self._is_active:
            return
        if isinstance(outcome, Failed):
            self.report_failure(str(outcome.error))
        elif outcome.value is not None:
            self.report_failure(outcome.value, READ_ONLY)
        else:
            self._clear()
