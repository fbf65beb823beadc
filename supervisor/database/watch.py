"""Looks at the database every few seconds while it is to serve, and knows since when it does not."""

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
    from tasks.settings import Secret

_EVERY_S: Final = 3.0
# In looks and not in seconds: while this process itself is stopped, nobody is late.
_PATIENCE: Final = 2  # a server under load may take seconds for a word
_CUT: Final = 4  # a line that leads nowhere is not waited for until the system gives it up
KIND: Final = "database"
AWAY: Final = "away"
READ_ONLY: Final = "read only"


class DatabaseWatch:
    """What the supervisor itself knows of the database; `changed` is called when that is new."""

    def __init__(self, loop: Loop, changed: Callable[[], object]) -> None:
        self._loop = loop
        self._changed = changed
        self._aside: BackgroundExecutor | None = None
        self._probe: Probe | None = None
        self._waited: int | None = None  # looks since it was asked; None while nothing is asked
        self._is_wanted = False
        self.said: ReportedCondition | None = None
        """Why it does not serve, and since when; None while it does."""
        self.state: str | None = None
        """`away` or `read only`; None while it serves."""

    def watch(self, url: Secret) -> None:
        """Look from now on; told again after each start of the server, which is a sign that it serves."""
        self._serves()
        if self._probe is None:
            self._probe, self._aside = Probe(url, MonotonicClock()), BackgroundExecutor(self._loop, "probe")
            self._loop.after(_EVERY_S, self._look)
        self._is_wanted = True

    def rest(self) -> None:
        """Do not ask until `watch`: it is being started or stopped, and whoever does that tells how it goes."""
        self._is_wanted = False

    def fails(self, words: str, state: str = AWAY, *, late_s: float = 0.0) -> None:
        """It does not serve; it began `late_s` seconds before this is said for the first time."""
        began = ReportedCondition(
            kind=KIND, since=datetime.now(UTC) - timedelta(seconds=late_s), why=words, late_s=late_s
        )
        fresh = began if self.said is None else structs.replace(self.said, why=words)
        is_new = (fresh, state) != (self.said, self.state)
        self.said, self.state = fresh, state
        if is_new:
            self._changed()

    def close(self) -> None:
        """Give the connection back; a server that does not answer is not waited for."""
        self._is_wanted = False
        if self._aside is not None and self._probe is not None:
            if self._waited is not None:
                self._probe.cut()
            self._aside.do(self._probe.close, lambda _: None)
            self._aside.close(0.1)

    def _serves(self) -> None:
        if self.said is not None:
            self.said, self.state = None, None
            self._changed()

    def _look(self) -> None:
        self._loop.after(_EVERY_S, self._look)
        if not self._is_wanted or self._aside is None or self._probe is None:
            return
        if self._waited is None:
            self._waited = 0
            self._aside.do(self._probe.ask, self._answered)
            return
        self._waited += 1
        if self._waited >= _PATIENCE:
            late_s = self._waited * _EVERY_S
            self.fails(f"it has not answered for {late_s:g} s", late_s=late_s)
        if self._waited >= _CUT:
            self._probe.cut()

    def _answered(self, outcome: Succeeded[str | None] | Failed) -> None:
        self._waited = None
        if not self._is_wanted:
            return
        if isinstance(outcome, Failed):
            self.fails(str(outcome.error))
        elif outcome.value is not None:
            self.fails(outcome.value, READ_ONLY)
        else:
            self._serves()
