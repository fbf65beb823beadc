"""Makes the report of a run, which `status.json`, the live view and `/metrics` show."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from ledger import NS_PER_S, SystemClock
from supervisor import report
from supervisor.process.states import Stage, State
from supervisor.report import ChildRecord, KeyRecord, Report, RestartRecord, RunRecord, SupervisorRecord
from tasks.errors import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.run_plan import RunPlan
    from supervisor.count_record import CountRecord
    from supervisor.database.backend import DatabaseIdentity
    from supervisor.database.lifecycle import DatabaseLifecycle
    from supervisor.database.maintenance import Maintenance
    from supervisor.logs.faults import Faults
    from supervisor.logs.log import Log
    from supervisor.process.slot import Slot
    from supervisor.tree.condition_watch import ConditionWatch
    from supervisor.tree.draining import Draining
    from supervisor.tree.membership import Membership
    from supervisor.tree.order_log import OrderLog
    from supervisor.tree.reload import Reloader
    from supervisor.tree.tree import ProcessTree
    from supervisor.tree.workers import WorkerPool
    from tasks.secret import Secret


class ReportedRun(Protocol):
    """What a report reads of a run."""

    stage: Stage
    plan: RunPlan
    started_at: str
    http_url: str | None
    web_url: str | None
    orders: OrderLog
    base_url: str | None  # of the API
    database_url: Secret | None
    database_identity: DatabaseIdentity
    counted: CountRecord | None
    faults: Faults
    tree: ProcessTree
    worker_pool: WorkerPool
    database: DatabaseLifecycle
    maintenance: Maintenance
    reload: Reloader
    condition_watch: ConditionWatch
    membership: Membership
    draining: Draining


def report_of(run: ReportedRun, now_ns: int) -> Report:
    """The run at `now_ns` of the supervisor's clock."""
    plan, totals = run.plan, run.tree.totals
    embedded_url = None if plan.database is None else run.database_url
    return Report(
        written_at=now(),
        supervisor=SupervisorRecord(
            pid=os.getpid(),
            state=(run.draining.words if run.stage is Stage.WORKING else None) or run.stage.words,
            started_at=run.started_at,
            http=run.http_url,
            web=run.web_url,
            state_dir=str(plan.state.root),
        ),
        run=RunRecord(
            server=plan.server.value,
            synthetic=plan.is_synthetic,
            base_url=run.base_url,
            database=plan.database,
            database_url=None if embedded_url is None else embedded_url.reveal(),
            spool=run.database_identity.spool,
            rows_into=run.database_identity.words,
            words=plan.describe(),
        ),
        workers=children(run.tree.workers, now_ns, run.worker_pool.paused),
        services=(run.database.record(), *children(_shown(run.tree.services), now_ns)),
        rows_written=totals.rows(),
        rows_per_minute=totals.rows_per_minute(now_ns),
        rows_pruned=dict(run.maintenance.pruned),
        refused=totals.refused(),
        calls=totals.calls(),
        restarts=tuple(
            RestartRecord(role=role, cause=cause, count=count) for (role, cause), count in totals.restarts.items()
        ),
        counted=run.counted,
        faults=run.faults.kept(datetime.now(UTC)),
        deaths=tuple(run.tree.deaths),
        orders=run.orders.records(),
        keys=tuple(KeyRecord(name=key.name, pool=key.pool) for key in plan.settings.loaded_keys),
        paused=tuple(sorted(run.worker_pool.paused)),
        overrides=dict(run.reload.overrides),
        conditions=run.condition_watch.records(),
        hosts=run.membership.records(),
    )


def write_report(run: ReportedRun, now_ns: int, log: Log) -> None:
    """Write the report of the run; where that cannot be done, log it, and let the condition say so."""
    path = run.plan.state.status
    try:
        report.write(report_of(run, now_ns), path)
    except OSError as error:
        log.warning("status_not_written", error=plain(error))
        run.condition_watch.on_report_unwritten(error, run.plan.state.root)
        with suppress(OSError):  # then `status` sees by its age that the old one is no longer true
            report.overwrite(report_of(run, now_ns), path)
        return
    run.condition_watch.on_report_written()


def _shown(services: Sequence[Slot]) -> list[Slot]:
    """Those whose absence is a fault of the run."""
    return [slot for slot in services if slot.spec.is_vital or slot.spec.is_shown]


def children(slots: Sequence[Slot], now_ns: int, paused: frozenset[str] = frozenset()) -> tuple[ChildRecord, ...]:
    """The slots at `now_ns` of the supervisor's clock; one that is stopped because its role is paused says so."""
    return tuple(_child(slot, now_ns, is_paused=slot.spec.role in paused) for slot in slots)


def _child(slot: Slot, now_ns: int, *, is_paused: bool) -> ChildRecord:
    beat = slot.beat
    return ChildRecord(
        role=slot.spec.role,
        slot=slot.spec.slot,
        pid=slot.pid,
        state="paused" if is_paused and slot.state is State.STOPPED else slot.state.value,
        phase=None if beat is None else beat.phase,
        detail="" if beat is None else beat.detail,
        up_s=None if slot.started_ns is None else round((now_ns - slot.started_ns) / NS_PER_S, 1),
        again_in_s=None if slot.next_start_ns is None else round(max(0, slot.next_start_ns - now_ns) / NS_PER_S, 1),
        restarts=slot.history.total,
        deaths_in_period=len(slot.history.counted_ns),
        deaths_allowed=slot.spec.policy.max_restarts,
        rows={} if beat is None else dict(beat.rows),
        job={} if beat is None else dict(beat.job),
        until=None if beat is None or beat.until_ns is None else _at(beat.until_ns - SystemClock().now_ns()),
        beat_at=None if beat is None else _at(slot.beat_ns - now_ns),
        due_at=None if beat is None or slot.due_ns is None else _at(slot.due_ns - now_ns),
    )


def _at(from_now_ns: int) -> str:
    """The wall clock's time that far from now."""
    return (datetime.now(UTC) + timedelta(seconds=from_now_ns / NS_PER_S)).isoformat(timespec="milliseconds")


def now() -> str:
    """This moment as reports write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
