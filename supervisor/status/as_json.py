"""The status for programs: one object with the same keys whatever could not be found out. docs/status.md describes it.

`FORMAT` grows when a key is removed or means something else; a new key leaves it as it is.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from supervisor.report import DATABASE, age_s
from supervisor.status import keys
from tasks.planning.forecast import Pace, left_s, supply_of_all
from tasks.roles import BACKFILL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot
    from supervisor.report import ChildRecord, CountRecord, Report
    from supervisor.status.status import Status

FORMAT: Final = 2


def as_json(status: Status, now: datetime) -> dict[str, Any]:
    """The status as plain dicts and lists."""
    last = status.report
    return {
        "format": FORMAT,
        "generated_at": now.isoformat(timespec="milliseconds"),
        "healthy": not status.exit_code,
        "supervisor": {
            "pid": status.pid,
            "state": status.state,
            "started_at": None if last is None or status.is_gone else last.supervisor.started_at,
            "http": None if last is None or status.is_gone else last.supervisor.http,
            "state_dir": None if last is None or status.is_gone else last.supervisor.state_dir,
        },
        "stale": status.is_stale,
        "reported_at": None if last is None else last.written_at,
        **_reported(last, is_gone=status.is_gone),
        **_counted(status.counts, now),
        "counts_age_s": status.counts_age_s,
        "hosts": _hosts(last, status.snapshots) if last is not None and not status.is_gone else [],
        "backfill": progress(last, status.counts, status.snapshots),
        "ledger": None if status.snapshot is None else status.snapshot.to_json(),
        "keys": [keys.as_json(one) for one in status.keys],
        "notes": list(status.notes),
    }


def progress(last: Report | None, counts: CountRecord | None, snapshots: Sequence[Snapshot]) -> dict[str, Any] | None:
    """How far the backfill is: products done and in all; its pace and the time left while it works and knows them.

    `snapshots` are the ledgers of all keys that can be read.
    """
    if counts is None:
        return None
    done, left = counts.queue.get("done", 0), counts.queue.get("pending", 0) + counts.queue.get("leased", 0)
    # Once nothing is left, the last report of a worker says how fast it was, and not how fast it is.
    jobs = [] if last is None or not left else [worker.job for worker in last.workers if worker.job.get("total")]
    newest = jobs[0] if jobs else {}
    return {
        "done": done,
        "total": done + left,
        "rate_per_min": newest.get("rate_per_min"),
        "eta_s": _eta_s(left, newest, snapshots),
    }


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
    supply = supply_of_all(snapshots, BACKFILL)
    found = None if supply is None else left_s(left, pace, supply)
    return None if found is None else round(found)


def _reported(last: Report | None, *, is_gone: bool) -> dict[str, Any]:
    """What stands in the report."""
    names = ("run", "workers", "services", "rows_written", "rows_per_minute", "rows_pruned", "calls", "refused")
    if last is None:
        lists = ("workers", "services", "restarts", "faults", "deaths", "paused", "conditions")
        return {**dict.fromkeys(names), **{name: [] for name in lists}, "overrides": {}}
    workers, services = last.workers, last.services
    if is_gone:
        workers, services = _of_the_past(workers), _of_the_past(services)
    conditions = () if is_gone else last.conditions
    shown = msgspec.structs.replace(last, workers=workers, services=services, conditions=conditions)
    plain: dict[str, Any] = msgspec.to_builtins(shown)
    return {name: plain[name] for name in (*names, "restarts", "faults", "deaths", "paused", "overrides", "conditions")}


def _hosts(last: Report, snapshots: Sequence[Snapshot]) -> list[dict[str, Any]]:
    """The hosts that write to the same database, each with its open calls; None where the ledger is not shared."""
    open_calls = Counter(one.owner_host for its in snapshots for one in its.leases) if snapshots else None
    return [
        {
            **msgspec.to_builtins(one),
            "open_calls": None if open_calls is None or one.ledger != DATABASE else open_calls[one.number],
        }
        for one in last.hosts
    ]


def _counted(counts: CountRecord | None, now: datetime) -> dict[str, Any]:
    if counts is None:
        return {"rows": None, "queue": None, "estimates": None, "watermarks": None, "lists": None}
    marks = [{**msgspec.to_builtins(one), "age_s": round(age_s(one.at, now))} for one in counts.watermarks]
    lists = [msgspec.to_builtins(one) for one in counts.lists]
    figures = {"rows": counts.rows, "queue": counts.queue, "estimates": list(counts.estimates)}
    return {**figures, "watermarks": marks, "lists": lists}


def _of_the_past(children: tuple[ChildRecord, ...]) -> tuple[ChildRecord, ...]:
    """Children of a supervisor that is no more: they are gone with it."""
    return tuple(msgspec.structs.replace(child, pid=None, state="gone", again_in_s=None) for child in children)


def to_json(status: Status) -> dict[str, Any]:
    """The status for programs."""
    return as_json(status, datetime.now(UTC))
