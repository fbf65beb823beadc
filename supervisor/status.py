"""`sluicegate status`: what runs, from the lock, the last report, the ledger and the database. Changes nothing.

Only the lock says whether a supervisor runs. A report without one is stale: it says what was, and is said to.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger import LedgerError, SystemClock, TokenLedger, regionfile
from supervisor import config, plan, report
from tasks.errors import EXIT_DEGRADED, EXIT_NOT_RUNNING, EXIT_OK, Error
from tasks.settings import Secret

if TYPE_CHECKING:
    from ledger import Snapshot
    from supervisor.config import Settings
    from supervisor.database import Counts
    from supervisor.report import Report
    from supervisor.statedir import StateDir

FORMAT: Final = 1
_EVERY_S: Final = 1.0
_FRESH_S: Final = 20.0  # a supervisor counts at least every 16 s while the database answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything there is to say.

    Attributes:
        counts_age_s: seconds since the supervisor counted; None when they were counted for this status.
        notes: what could not be found out, and why.
    """

    is_running: bool
    pid: int | None
    report: Report | None
    snapshot: Snapshot | None
    counts: Counts | None
    counts_age_s: float | None
    notes: tuple[str, ...]

    @property
    def is_stale(self) -> bool:
        """Whether the report is of a supervisor that is no more."""
        return self.report is not None and (not self.is_running or self.report.supervisor.pid != self.pid)

    @property
    def exit_code(self) -> int:
        """0 all well, 3 something is not, 4 nothing runs."""
        if not self.is_running:
            return EXIT_NOT_RUNNING
        fresh = self.report is not None and not self.is_stale
        return EXIT_OK if fresh and self.report is not None and report.is_well(self.report) else EXIT_DEGRADED

    @property
    def state(self) -> str:
        """The supervisor's state, by the lock first."""
        if not self.is_running:
            return "not running"
        return "starting" if self.report is None or self.is_stale else self.report.supervisor.state


def show(*, as_json: bool, watch: bool) -> int:
    """Print the status; the exit code says the same.

    Raises:
        ConfigError: the settings cannot be used.
    """
    settings = config.load(config.environment())
    if watch and not as_json:
        from supervisor import watch as watching

        return watching.watch(settings)
    while True:
        status = gather(settings)
        sys.stdout.write(json.dumps(to_json(status), default=str) + "\n" if as_json else as_text(status))
        sys.stdout.flush()
        if not watch:
            return status.exit_code
        # Ctrl-C ends the process by itself; nothing is held that would need more.
        threading.Event().wait(_EVERY_S)


def gather(settings: Settings) -> Status:
    """The status of the run these settings speak of."""
    wanted = plan.make(settings, synthetic_into_database=True)
    state = wanted.state
    holder = state.holder()
    last = report.read(state.status)
    notes: list[str] = []
    snapshot = _snapshot(state, notes)
    is_present = holder and last is not None and last.supervisor.pid == holder
    counted, age_s = told(last, datetime.now(UTC)) if is_present and last is not None else (None, None)
    counts = counted or _counts(wanted, last, notes, is_running=holder is not None)
    return Status(
        is_running=holder is not None,
        pid=holder or None,
        report=last,
        snapshot=snapshot,
        counts=counts,
        counts_age_s=age_s,
        notes=tuple(notes),
    )


def to_json(status: Status) -> dict[str, Any]:
    """The status as one object; keys are there whatever could not be found out."""
    last = status.report
    workers = () if last is None else last.workers
    services = () if last is None else last.services
    if status.is_stale:
        workers, services = _of_the_past(workers), _of_the_past(services)
    return {
        "format": FORMAT,
        "generated_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "supervisor": {
            "pid": status.pid,
            "state": status.state,
            "started_at": None if last is None or status.is_stale else last.supervisor.started_at,
        },
        "stale": status.is_stale,
        "reported_at": None if last is None else last.written_at,
        "run": None if last is None else msgspec.to_builtins(last.run),
        "workers": msgspec.to_builtins(workers),
        "services": msgspec.to_builtins(services),
        "rows": None if status.counts is None else status.counts.rows,
        "queue": None if status.counts is None else status.counts.queue,
        "counts_age_s": status.counts_age_s,
        "rows_written": None if last is None else last.rows_written,
        "ledger": None if status.snapshot is None else status.snapshot.to_json(),
        "deaths": [] if last is None else msgspec.to_builtins(last.deaths),
        "notes": list(status.notes),
    }


def _of_the_past(children: tuple[report.ChildRecord, ...]) -> tuple[report.ChildRecord, ...]:
    """Children of a supervisor that is no more: they are gone with it."""
    return tuple(msgspec.structs.replace(child, pid=None, state="gone", again_in_s=None) for child in children)


def as_text(status: Status) -> str:
    """The status for people."""
    from supervisor.statustext import as_text as text

    return text(status)


def _snapshot(state: StateDir, notes: list[str]) -> Snapshot | None:
    try:
        region = regionfile.attach(state.ledger, read_only=True)
    except (LedgerError, OSError) as error:
        notes.append(str(error))
        return None
    try:
        return TokenLedger(region, SystemClock()).snapshot()
    except LedgerError as error:
        notes.append(str(error))
        return None
    finally:
        region.close()


def told(last: Report, now: datetime) -> tuple[Counts | None, float | None]:
    """What the supervisor counted, and how many seconds ago, unless that is too long: the library takes long to load.

    A clock that was set in between makes it too long.
    """
    from supervisor.database import Counts

    if last.counted is None:
        return None, None
    age_s = (now - datetime.fromisoformat(last.counted.at)).total_seconds()
    if not 0 <= age_s <= _FRESH_S:
        return None, None
    return Counts(last.counted.rows, last.counted.queue), round(age_s, 1)


def _counts(wanted: plan.Plan, last: Report | None, notes: list[str], *, is_running: bool) -> Counts | None:
    """Rows in the database in use; an own one is asked only while it runs with its supervisor."""
    url = _url(wanted, last, is_running=is_running)
    if url is None:
        notes.append("the own database is not running: rows are not counted")
        return None
    from supervisor.database import RowReader

    reader = RowReader(url)
    try:
        return reader.read()
    except Error as error:
        notes.append(f"rows are not counted: {error}")
        return None
    finally:
        reader.close()


def _url(wanted: plan.Plan, last: Report | None, *, is_running: bool) -> Secret | None:
    if is_running and last is not None and last.run.database_url is not None:
        return Secret(last.run.database_url)
    return wanted.settings.database_url if wanted.database is None else None
