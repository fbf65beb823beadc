"""What the supervisor reports of itself: the typed content of `status.json`, which it writes and `status` reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger.atomic_file import replace_file
from supervisor.count_record import CountRecord
from supervisor.host_record import HostRecord
from supervisor.process.conditions import ConditionRecord
from tasks.runtime.call_stats import EndpointStats

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ledger import Snapshot

FORMAT: Final = 2
OF_KEY: Final = "key "  # the beginning of a condition of one of several keys; its name follows
DATABASE: Final = "database"  # where a ledger is that hosts share
_ROOM: Final = 8_192


class SupervisorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The supervisor.

    Attributes:
        state: starting, running, stopping or, in `status` alone, not running.
        http: where it answers questions over HTTP; None when it does not.
        web: where the page is, without what lets a visitor in; None when there is none.
        state_dir: its state directory, by the name it was started with.
    """

    pid: int | None
    state: str
    started_at: str | None = None
    http: str | None = None
    web: str | None = None
    state_dir: str | None = None


class ChildRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of the tree.

    Attributes:
        phase: what it last reported it was doing; None before its first report.
        until: when that wait or call ends at the latest, if it promised that.
        beat_at: when it last reported anything.
        due_at: when it counts as hung unless it reports something new before.
        up_s: seconds since its present process was started.
        again_in_s: seconds until it is started again; None when that is not planned.
        restarts: starts after a death, since the supervisor started.
        deaths_in_period: deaths that count; with more than `deaths_allowed` it has failed.
    """

    role: str
    slot: int
    pid: int | None
    state: str
    phase: str | None
    detail: str
    up_s: float | None
    again_in_s: float | None
    restarts: int
    deaths_in_period: int
    deaths_allowed: int
    rows: dict[str, int]
    job: dict[str, Any]
    until: str | None = None
    beat_at: str | None = None
    due_at: str | None = None

    @property
    def name(self) -> str:
        """Its name, as commands and `status` spell it: `upsert-0`."""
        return f"{self.role}-{self.slot}"


class DeathRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A process that ended unasked, or could not be started."""

    at: str
    role: str
    slot: int
    pid: int | None
    cause: str
    code: int | None
    signal: str | None
    words: str
    doing: str
    lived_s: float
    peak_rss_mb: float | None
    next: str


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An order and what came of it. `code` and `words` are None until it is answered; `by` is who gave it.

    Attributes:
        mark: what whoever gave it tells it apart by from others that read the same; empty where nobody does.
    """

    at: str
    by: str
    order: str
    mark: str = ""
    code: int | None = None
    words: str | None = None
    answered_at: str | None = None


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is run.

    Attributes:
        database_url: only that of the embedded database, which has no password.
        spool: the name of the spool, another one for each database.
        rows_into: the database in words, without a secret.
    """

    server: str
    synthetic: bool
    base_url: str | None
    database: str | None
    database_url: str | None
    spool: str
    rows_into: str
    words: str


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One of several keys: what people call it, and its pool."""

    name: str
    pool: str = ""


class RestartRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How often children of a role were started again after a death of that cause."""

    role: str
    cause: str
    count: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the supervisor knows that others may know.

    Attributes:
        rows_written: rows committed by workers since the supervisor started, by table.
        rows_per_minute: the same over the last minute.
        rows_pruned: rows deleted since the supervisor started because the settings keep them no longer, by table.
        refused: what was put into quarantine since the supervisor started, by kind.
        calls: calls to the API since the supervisor started, by endpoint.
        paused: roles a person paused.
        overrides: settings a person gave by order, by name; they end with the supervisor.
        conditions: what keeps the run from its work although processes run.
        orders: the last orders, oldest first.
        hosts: those that write to the same database; none where no other host can reach it.
        keys: the keys, where there are several.
    """

    format: int = FORMAT
    written_at: str
    supervisor: SupervisorRecord
    run: RunRecord
    workers: tuple[ChildRecord, ...]
    services: tuple[ChildRecord, ...]
    rows_written: dict[str, int]
    rows_per_minute: dict[str, float] = msgspec.field(default_factory=dict)
    rows_pruned: dict[str, int] = msgspec.field(default_factory=dict)
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    calls: dict[str, EndpointStats] = msgspec.field(default_factory=dict)
    restarts: tuple[RestartRecord, ...] = ()
    counted: CountRecord | None = None
    faults: tuple[FaultRecord, ...] = ()
    deaths: tuple[DeathRecord, ...]
    paused: tuple[str, ...] = ()
    overrides: dict[str, str] = {}
    conditions: tuple[ConditionRecord, ...] = ()
    orders: tuple[OrderRecord, ...] = ()
    hosts: tuple[HostRecord, ...] = ()
    keys: tuple[KeyRecord, ...] = ()


def write(report: Report, path: Path) -> None:
    """Put the report in place of the older one, whole or not at all.

    Raises:
        OSError: the directory cannot be written.
    """
    replace_file(path, _text(report), durable=False)


def overwrite(report: Report, path: Path) -> None:
    """Put the report into the file of the older one: for a disk that has no room for another file.

    Whoever reads meanwhile may find half of it, which is no report.

    Raises:
        OSError: that cannot be written either.
    """
    with path.open("r+b") as file:
        file.write(_text(report))
        file.truncate()


def read(path: Path) -> Report | None:
    """The last report; None when there is none that this build can read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _text(report: Report) -> bytes:
    """The report as JSON, padded with room for what may have to be added when the disk is full."""
    text = msgspec.json.encode(report)
    return text.ljust((len(text) // _ROOM + 2) * _ROOM) + b"\n"


def age_s(at: str, now: datetime) -> float:
    """Seconds from a time as reports write it to `now`."""
    return (now - datetime.fromisoformat(at)).total_seconds()


class FaultRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A warning or an error. `role` and `slot` are None for the supervisor's own.

    `since` is when it came first, `at` when it came last, and `until` when it was over; None while it may not be.
    """

    at: str
    level: str
    event: str
    words: str
    role: str | None = None
    slot: int | None = None
    times: int = 1
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A run at one moment, as the view shows it.

    Attributes:
        by_key: the ledgers by the name of their key, None for one that cannot be read; empty before there are any.
    """

    report: Report
    by_key: Mapping[str, Snapshot | None]
    up_s: float | None

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The ledger of each key, where it can be read."""
        return tuple(one for one in self.by_key.values() if one is not None)
