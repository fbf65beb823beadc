"""Reads how the run is: the report that the supervisor writes every second while the page is served, and the ledger.

One look is shared by all who ask within a moment, so ten tabs cost as much as one. A report that does not become newer
means that the supervisor does not work. That is measured with a clock that never steps, and not by the times in it.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import NS_PER_S
from supervisor import report
from supervisor.process.suspended import is_suspended
from supervisor.status import keys
from supervisor.status.status import Status, read_snapshot, recent_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger import Clock
    from supervisor.config.state_dir.state_dir import StateDir
    from supervisor.database.ledger_source import LedgerSource

SILENT_S: Final = 2.2  # two reports that did not come; with a look a second a person sees it within three
_SHARED_S: Final = 0.4


class Look(NamedTuple):
    """A run at one moment."""

    at: datetime
    status: Status


class RunReader:
    """Looks at one run. It may be used by several threads."""

    def __init__(self, state: StateDir, sources: Mapping[str, LedgerSource], supervisor_pid: int, clock: Clock) -> None:
        """Read the report in `state`, and the ledgers at `sources`, by the name of their key."""
        self._state = state
        self._sources = sources
        self._pid = supervisor_pid
        self._clock = clock
        self._lock = threading.Lock()
        self._look: Look | None = None
        self._looked_ns = 0
        self._written_at: str | None = None
        self._news_ns = clock.now_ns()

    def look(self) -> Look:
        """The run now, or a moment ago."""
        with self._lock:
            now_ns = self._clock.now_ns()
            if self._look is None or now_ns - self._looked_ns >= _SHARED_S * NS_PER_S:
                self._look, self._looked_ns = self._read(now_ns), now_ns
            return self._look

    def forget(self) -> None:
        """Look anew the next time: an order was given, and whoever gave it wants to see what came of it."""
        with self._lock:
            self._look = None

    def _read(self, now_ns: int) -> Look:
        notes: list[str] = []
        last = report.read(self._state.status)
        snapshots = {name: read_snapshot(source, notes) for name, source in self._sources.items()}
        now = datetime.now(UTC)
        if last is not None and last.written_at != self._written_at:
            self._written_at, self._news_ns = last.written_at, now_ns
        counts, age_s = (None, None) if last is None else recent_counts(last, now)
        is_silent = is_suspended(self._pid) or now_ns - self._news_ns > SILENT_S * NS_PER_S
        status = Status(
            is_running=True,
            pid=self._pid,
            report=last,
            snapshot=next(iter(snapshots.values()), None),
            counts=counts,
            counts_age_s=age_s,
            paused=() if last is None else last.paused,
            notes=tuple(notes),
            keys=() if last is None else keys.views(last.keys, snapshots, last),
            is_silent=is_silent,
        )
        return Look(now, status)
