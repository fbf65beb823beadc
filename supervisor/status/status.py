"""Gathers what runs from the lock, the last report, the ledger and the database. Changes nothing, and shows nothing.

Only the lock says whether a supervisor runs. A report without one is stale: it says what was, and is marked so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import LedgerError
from supervisor import report
from supervisor.config import run_plan
from supervisor.config.environment import forget_client_variables
from supervisor.config.state_dir import lost_state_dir, paused_roles
from supervisor.database.ledger_source import source_of
from supervisor.process.states import Stage
from supervisor.process.suspended import is_suspended
from supervisor.status import health, keys
from tasks.errors import EXIT_DEGRADED, EXIT_NOT_RUNNING, EXIT_OK, ConfigError, Error, plain
from tasks.secret import Secret
from tasks.settings import DEFAULT_KEY

if TYPE_CHECKING:
    from ledger import Snapshot
    from supervisor.config.settings import Settings
    from supervisor.config.state_dir.instance_lock import SoleCommand
    from supervisor.config.state_dir.state_dir import StateDir
    from supervisor.count_record import CountRecord
    from supervisor.database.ledger_source import LedgerSource
    from supervisor.report import Report
    from supervisor.status.keys import KeyView

_FRESH_S: Final = 20.0  # a supervisor counts at least every 16 s while the database answers
_SILENT_S: Final = 60.0  # and writes its report as often whatever the database does
_CONNECT_S: Final = 2  # a person waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of a run at one moment.

    Attributes:
        counts_age_s: seconds since the supervisor counted; None when they were counted for this status.
        notes: what could not be found out, and why.
        paused: the roles that stay paused until `resume`, whether or not anything runs.
        command: the command that does work in the state directory, such as `debug`; no supervisor runs then.
        keys: each key, where there are several.
        is_astray: whether the supervisor that runs has lost its state directory, with its report and all.
        is_silent: whether the running supervisor is suspended, or has not written its report for longer than it ever
            takes.
    """

    is_running: bool
    pid: int | None
    report: Report | None
    snapshot: Snapshot | None
    counts: CountRecord | None
    counts_age_s: float | None
    notes: tuple[str, ...]
    paused: tuple[str, ...] = ()
    is_silent: bool = False
    command: SoleCommand | None = None
    is_astray: bool = False
    keys: tuple[KeyView, ...] = ()

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The ledger of each key, where it can be read."""
        return tuple(one for one in self.by_key.values() if one is not None)

    @property
    def by_key(self) -> dict[str, Snapshot | None]:
        """The ledgers by the name of their key, None for one that cannot be read."""
        return {one.name: one.snapshot for one in self.keys} or {DEFAULT_KEY: self.snapshot}

    @property
    def is_gone(self) -> bool:
        """Whether the report is of a supervisor that is no more."""
        return self.report is not None and (not self.is_running or self.report.supervisor.pid != self.pid)

    @property
    def has_stopped(self) -> bool:
        """Whether the report is the last one of a supervisor that ended in order."""
        return self.is_gone and self.report is not None and self.report.supervisor.state == Stage.OVER.words

    @property
    def is_stale(self) -> bool:
        """Whether the report says what was and may not be: its supervisor is no more, or does not write."""
        return self.is_gone or self.is_silent

    @property
    def exit_code(self) -> int:
        """0 when all is well, 3 when something is not, 4 when nothing runs."""
        if not self.is_running:
            return EXIT_NOT_RUNNING
        fresh = self.report is not None and not self.is_stale
        return EXIT_OK if fresh and self.report is not None and health.is_healthy(self.report) else EXIT_DEGRADED

    @property
    def state(self) -> str:
        """The supervisor's state, by the lock first."""
        if not self.is_running:
            return "not running"
        if self.command is not None:
            return self.command
        if self.is_astray:
            return lost_state_dir.WORDS
        if self.report is None or self.is_gone:
            return "starting"
        return "not answering" if self.is_silent else self.report.supervisor.state


def gather(settings: Settings) -> Status:
    """Gather the status of the run that these settings describe."""
    plan = run_plan.make_run_plan(settings, synthetic_into_database=True)
    state = plan.state
    holder = state.lock.holder()
    lost = None if holder is not None else lost_state_dir.find(state.root, settings.metrics_port, settings.metrics_host)
    if lost is not None:
        return _of_astray(lost, lost_state_dir.remedy(state.root, lost))
    last = report.read(state.status)
    notes: list[str] = []
    snapshots = {name: read_snapshot(source_of(plan.of_key(name)), notes) for name in plan.keys}
    now = datetime.now(UTC)
    is_of_holder = last is not None and last.supervisor.pid == holder
    counted, age_s = recent_counts(last, now) if last is not None and is_of_holder else (None, None)
    counts = counted or _counts(plan, last, notes, is_running=holder is not None)
    return Status(
        is_running=holder is not None,
        command=None if holder is None else state.lock.command(),
        pid=holder or None,
        report=last,
        snapshot=snapshots[plan.key],
        counts=counts,
        counts_age_s=age_s,
        paused=_paused(state, notes),
        keys=keys.views(_records(settings), snapshots, last),
        notes=tuple(notes),
        is_silent=last is not None and is_of_holder and (is_suspended(holder) or _is_old(last, now)),
    )


def _records(settings: Settings) -> tuple[report.KeyRecord, ...]:
    return tuple(report.KeyRecord(name=key.name, pool=key.pool) for key in settings.loaded_keys)


def _of_astray(pid: int, words: str) -> Status:
    return Status(
        is_running=True,
        is_astray=True,
        pid=pid,
        report=None,
        snapshot=None,
        counts=None,
        counts_age_s=None,
        notes=(words,),
    )


def _is_old(last: Report, now: datetime) -> bool:
    return abs(report.age_s(last.written_at, now)) > _SILENT_S


def read_snapshot(source: LedgerSource, notes: list[str]) -> Snapshot | None:
    """The ledger now; None when it cannot be read, and then `notes` says why."""
    try:
        ledger = source.open()
    except (LedgerError, OSError) as error:
        notes.append(plain(error))
        return None
    try:
        return ledger.snapshot()
    except LedgerError as error:
        notes.append(plain(error))
        return None
    finally:
        ledger.close()


def _paused(state: StateDir, notes: list[str]) -> tuple[str, ...]:
    try:
        return tuple(sorted(paused_roles.read(state.paused)))
    except ConfigError as error:
        notes.append(plain(error))
        return ()


def recent_counts(last: Report, now: datetime) -> tuple[CountRecord | None, float | None]:
    """What the supervisor counted, and how many seconds before `now`, unless that is too long.

    A clock that was set in between makes it too long.
    """
    if last.counted is None:
        return None, None
    age_s = report.age_s(last.counted.at, now)
    return (last.counted, round(age_s, 1)) if 0 <= age_s <= _FRESH_S else (None, None)


def _counts(plan: run_plan.RunPlan, last: Report | None, notes: list[str], *, is_running: bool) -> CountRecord | None:
    """Rows in the database in use; the embedded one is asked only while it runs with its supervisor."""
    url = _url(plan, last, is_running=is_running)
    if url is None:
        notes.append("the embedded database is not running: rows are not counted")
        return None
    if plan.database is not None:
        forget_client_variables()
    # The library that asks takes long to load.
    from supervisor.database.counts import RowReader, count_record, wanted_streams

    reader = RowReader(url, connect_s=_CONNECT_S)
    try:
        counts = reader.read(wanted_streams(plan.settings))
        return count_record(counts, plan.settings, None if last is None else last.counted)
    except Error as error:
        notes.append(f"rows are not counted: {plain(error)}")
        return None
    finally:
        reader.close()


def _url(plan: run_plan.RunPlan, last: Report | None, *, is_running: bool) -> Secret | None:
    if is_running and last is not None and last.run.database_url is not None:
        return Secret(last.run.database_url)
    return plan.settings.database_url if plan.database is None else None
