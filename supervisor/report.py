"""What the supervisor says of itself: the typed contents of `status.json`, and what `status` adds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from supervisor.fsm import State

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1


class SupervisorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The supervisor. `state`: starting, running, stopping or, said by `status` alone, not running."""

    pid: int | None
    state: str
    started_at: str | None = None


class ChildRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of the tree.

    Attributes:
        phase: what it last said it was doing; None while it has said nothing.
        up_s: seconds since its present process was started.
        again_in_s: seconds until it is started again; None when that is not planned.
        restarts: starts after a death, since the supervisor started.
        deaths_in_period: deaths that count towards giving it up, of `deaths_allowed`.
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


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is run.

    Attributes:
        database_url: only that of an own database, which has no password.
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


class CountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by table and the queue's items by state, as they were `at` that time."""

    at: str
    rows: dict[str, int]
    queue: dict[str, int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the supervisor knows that others may.

    Attributes:
        paused: roles a person paused.
        told: settings a person gave by order, by name; they end with the supervisor.
    """

    format: int = FORMAT
    written_at: str
    supervisor: SupervisorRecord
    run: RunRecord
    workers: tuple[ChildRecord, ...]
    services: tuple[ChildRecord, ...]
    rows_written: dict[str, int]
    counted: CountRecord | None = None
    deaths: tuple[DeathRecord, ...]
    paused: tuple[str, ...] = ()
    told: dict[str, str] = {}


def write(report: Report, path: Path) -> None:
    """Put the report in place of the older one, whole or not at all.

    Raises:
        OSError: the directory cannot be written.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)  # also what a killed supervisor left, before anything is in it
    fresh.write_bytes(msgspec.json.encode(report) + b"\n")
    fresh.replace(path)


def read(path: Path) -> Report | None:
    """The last report; None when there is none that this build can read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return None


def is_well(report: Report) -> bool:
    """Whether everything is in service: a child that is starting, pausing or given up is not."""
    well = {State.RUNNING.value, State.DONE.value}
    children = (*report.workers, *report.services)
    return report.supervisor.state == "running" and all(child.state in well for child in children)
