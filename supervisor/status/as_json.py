"""The status for programs: one object with the same keys whatever could not be found out. docs/status.md describes it.

`FORMAT` grows when a key is removed or means something else; a new key leaves it as it is.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger.snapshot_records import SnapshotRecord
from supervisor.count_record import ListRecord, MarkRecord, SourceRecord
from supervisor.host_record import HostRecord
from supervisor.process.conditions import ConditionRecord
from supervisor.report import DATABASE, ChildRecord, DeathRecord, FaultRecord, RestartRecord, RunRecord, age_s
from supervisor.status import keys
from supervisor.status.keys import KeyOutput
from tasks.planning.forecast import Pace
from tasks.planning.time_left import time_left_s
from tasks.roles import BACKFILL
from tasks.runtime.call_stats import EndpointStats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot
    from supervisor.count_record import CountRecord
    from supervisor.report import Report
    from supervisor.status.status import Status

FORMAT: Final = 2


class RunningSupervisor(msgspec.Struct, frozen=True, kw_only=True):
    """The supervisor; all but its state is null when none runs."""

    pid: int | None
    state: str
    started_at: str | None
    http: str | None
    state_dir: str | None


class WatermarkOutput(MarkRecord, frozen=True, kw_only=True):
    """Up to when all deals of a stream are known, `age_s` seconds ago."""

    age_s: int


class HostOutput(HostRecord, frozen=True, kw_only=True):
    """A host; `open_calls` is null where its ledger is not shared."""

    open_calls: int | None


class ProgressOutput(msgspec.Struct, frozen=True, kw_only=True):
    """How far the backfill is; its pace and the time left are null while they are not known."""

    done: int
    total: int
    rate_per_min: float | None
    eta_s: float | None


class StatusOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What `status --json` prints and `/status.json` answers; docs/status.md describes it."""

    format: int = FORMAT
    generated_at: str
    healthy: bool
    supervisor: RunningSupervisor
    stale: bool
    reported_at: str | None
    run: RunRecord | None
    workers: tuple[ChildRecord, ...]
    services: tuple[ChildRecord, ...]
    rows_written: dict[str, int] | None
    rows_per_minute: dict[str, float] | None
    rows_pruned: dict[str, int] | None
    calls: dict[str, EndpointStats] | None
    refused: dict[str, int] | None
    restarts: tuple[RestartRecord, ...]
    faults: tuple[FaultRecord, ...]
    deaths: tuple[DeathRecord, ...]
    paused: tuple[str, ...]
    overrides: dict[str, str]
    conditions: tuple[ConditionRecord, ...]
    rows: dict[str, int] | None
    queue: dict[str, int] | None
    estimates: list[str] | None
    watermarks: tuple[WatermarkOutput, ...] | None
    lists: tuple[ListRecord, ...] | None
    sources: tuple[SourceRecord, ...] | None
    counts_age_s: float | None
    hosts: tuple[HostOutput, ...]
    backfill: ProgressOutput | None
    ledger: SnapshotRecord | None
    keys: tuple[KeyOutput, ...]
    notes: tuple[str, ...]


def as_json(status: Status, now: datetime) -> dict[str, Any]:
    """The status as plain dicts and lists."""
    last = status.report
    running = None if last is None or status.is_gone else last.supervisor
    counts = status.counts
    whole = StatusOutput(
        generated_at=now.isoformat(timespec="milliseconds"),
        healthy=not status.exit_code,
        supervisor=RunningSupervisor(
            pid=status.pid,
            state=status.state,
            started_at=None if running is None else running.started_at,
            http=None if running is None else running.http,
            state_dir=None if running is None else running.state_dir,
        ),
        stale=status.is_stale,
        reported_at=None if last is None else last.written_at,
        **_reported(last, is_gone=status.is_gone),
        rows=None if counts is None else counts.rows,
        queue=None if counts is None else counts.queue,
        estimates=None if counts is None else list(counts.estimates),
        watermarks=None if counts is None else tuple(_watermark(one, now) for one in counts.watermarks),
        lists=None if counts is None else counts.lists,
        sources=None if counts is None else counts.sources,
        counts_age_s=status.counts_age_s,
        hosts=() if last is None or status.is_gone else _hosts(last, status.snapshots),
        backfill=progress(last, counts, status.snapshots),
        ledger=None if status.snapshot is None else status.snapshot.record(),
        keys=tuple(map(keys.for_programs, status.keys)),
        notes=tuple(status.notes),
    )
    plain: dict[str, Any] = msgspec.to_builtins(whole)
    return plain


def progress(last: Report | None, counts: CountRecord | None, snapshots: Sequence[Snapshot]) -> ProgressOutput | None:
    """How far the backfill is: products done and in all; its pace and the time left while it works and knows them.

    `snapshots` are the ledgers of all keys that can be read.
    """
    if counts is None:
        return None
    done, left = counts.queue.get("done", 0), counts.queue.get("pending", 0) + counts.queue.get("leased", 0)
    # Once nothing is left, the last report of a worker says how fast it was, and not how fast it is.
    jobs = [] if last is None or not left else [worker.job for worker in last.workers if worker.job.get("total")]
    newest = jobs[0] if jobs else {}
    return ProgressOutput(
        done=done,
        total=done + left,
        rate_per_min=newest.get("rate_per_min"),
        eta_s=_eta_s(left, newest, snapshots),
    )


def _eta_s(left: int, job: dict[str, Any], snapshots: Sequence[Snapshot]) -> float | None:
    """Seconds until the `left` are done, computed from the present tokens and the worker's pace.

    What a worker reported before a long wait was computed from a shorter queue and from tokens that are gone.
    """
    reported: float | None = job.get("eta_s")
    if not snapshots or "pace" not in job:
        return reported
    try:
        pace = msgspec.convert(job["pace"], Pace)
    except msgspec.ValidationError:
        return reported
    found = time_left_s(left, pace, snapshots, BACKFILL)
    return None if found is None else round(found)


def _reported(last: Report | None, *, is_gone: bool) -> dict[str, Any]:
    """What stands in the report."""
    if last is None:
        unknown = ("run", "rows_written", "rows_per_minute", "rows_pruned", "calls", "refused")
        lists = ("workers", "services", "restarts", "faults", "deaths", "paused", "conditions")
        return {**dict.fromkeys(unknown), **dict.fromkeys(lists, ()), "overrides": {}}
    return {
        "run": last.run,
        "workers": _of_the_past(last.workers) if is_gone else last.workers,
        "services": _of_the_past(last.services) if is_gone else last.services,
        "rows_written": last.rows_written,
        "rows_per_minute": last.rows_per_minute,
        "rows_pruned": last.rows_pruned,
        "calls": last.calls,
        "refused": last.refused,
        "restarts": last.restarts,
        "faults": last.faults,
        "deaths": last.deaths,
        "paused": last.paused,
        "overrides": last.overrides,
        "conditions": () if is_gone else last.conditions,
    }


def _hosts(last: Report, snapshots: Sequence[Snapshot]) -> tuple[HostOutput, ...]:
    """The hosts that write to the same database, each with its open calls; None where the ledger is not shared."""
    open_calls = Counter(one.owner_host for its in snapshots for one in its.leases) if snapshots else None
    return tuple(
        HostOutput(
            **msgspec.structs.asdict(one),
            open_calls=None if open_calls is None or one.ledger != DATABASE else open_calls[one.number],
        )
        for one in last.hosts
    )


def _watermark(one: MarkRecord, now: datetime) -> WatermarkOutput:
    return WatermarkOutput(stream=one.stream, at=one.at, walked_at=one.walked_at, age_s=round(age_s(one.at, now)))


def _of_the_past(children: tuple[ChildRecord, ...]) -> tuple[ChildRecord, ...]:
    """Children of a supervisor that is no more: they are gone with it."""
    return tuple(msgspec.structs.replace(child, pid=None, state="gone", again_in_s=None) for child in children)


def to_json(status: Status) -> dict[str, Any]:
    """The status for programs."""
    return as_json(status, datetime.now(UTC))
