"""Makes the metrics of `/metrics` from the report and the ledger. Pure.

Counters come from sums that only grow: those of the ledger live as long as its file, those of the workers as long as
the supervisor, a dead worker's part included. A sum that begins anew begins at 0, which Prometheus takes for a restart;
it would take anything between 0 and the old value for an increase.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import msgspec
from prometheus_client.core import HistogramMetricFamily

from supervisor.count_record import QUEUE
from supervisor.http import spending_metrics
from supervisor.http.catalogue import CATALOGUE, PREFIX, family, seconds
from supervisor.process.restart_policy import Cause
from supervisor.process.spec import NOTIFY
from supervisor.report import DATABASE, OF_KEY
from supervisor.status import health
from tasks.runtime.call_stats import BOUNDS_S
from tasks.runtime.condition import ConditionKind
from tasks.store.retention import keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord
    from supervisor.report import Report

_TABLES: Final = ("deals", "products", "price_series")
_KINDS: Final = ("deal", "product", "request", "body")


class Collector(NamedTuple):
    """Gives the metrics of one moment to the library, which calls `collect`."""

    report: Report
    snapshots: Mapping[str, Snapshot | None]

    def collect(self) -> Iterator[Metric]:
        """Every metric that has a value now."""
        yield from _supervisor_metrics(self.report)
        yield from _work_metrics(self.report)
        yield from _database_metrics(self.report)
        yield from _host_metrics(self.report, self.snapshots)
        yield from _message_metrics(self.report)
        known = {key: one for key, one in self.snapshots.items() if one is not None and one.synced}
        if known:
            yield from _ledger_metrics(known)
            yield from spending_metrics.limits(known)


def text_of(report: Report, snapshots: Mapping[str, Snapshot | None]) -> bytes:
    """The metrics in the text format of Prometheus; `snapshots` are the ledgers by the name of their key."""
    from prometheus_client.exposition import generate_latest

    return generate_latest(Collector(report, snapshots))


def _supervisor_metrics(report: Report) -> Iterator[Metric]:
    if report.supervisor.started_at is not None:
        yield family("up_since_timestamp_seconds", [((), seconds(report.supervisor.started_at))])
    yield family("degraded", [((), not health.is_healthy(report))])
    since = {one.kind: seconds(one.since) for one in report.conditions}
    # At 0 from the start, so that none is new.
    known = dict.fromkeys((*get_args(ConditionKind), *(f"{OF_KEY}{one.name}" for one in report.keys)))
    kinds = [*known, *sorted(set(since) - set(known))]
    yield family("condition", [((kind,), kind in since) for kind in kinds])
    yield family("condition_since_timestamp_seconds", [((kind,), since.get(kind, 0)) for kind in kinds])
    children = (*report.services, *report.workers)
    yield family("child_in_service", [((child.role, child.name), health.is_in_service(child)) for child in children])
    causes = [cause.value for cause in Cause if cause is not Cause.STOPPED]
    # At 0 from the start, so that the first restart is an increase too.
    restarts = {(role, cause): 0 for role in {worker.role for worker in report.workers} for cause in causes}
    restarts |= {(one.role, one.cause): one.count for one in report.restarts}
    yield family("worker_restarts_total", restarts.items())
    heartbeats = [(worker.name, worker.beat_at, worker.due_at) for worker in report.workers]
    yield family("worker_heartbeat_timestamp_seconds", [((name,), seconds(at)) for name, at, _ in heartbeats if at])
    yield family(
        "worker_heartbeat_due_timestamp_seconds", [((name,), seconds(due)) for name, _, due in heartbeats if due]
    )


def _work_metrics(report: Report) -> Iterator[Metric]:
    yield family("rows_upserted_total", [((table,), report.rows_written.get(table, 0)) for table in _TABLES])
    yield family("rows_quarantined_total", [((kind,), report.refused.get(kind, 0)) for kind in _KINDS])
    yield family("rows_pruned_total", [((table,), report.rows_pruned.get(table, 0)) for table in keep.TABLES])
    calls = report.calls.items()
    statuses = [((endpoint, status), n) for endpoint, its in calls for status, n in its.statuses.items()]
    yield family("requests_total", statuses)
    spec = CATALOGUE["request_duration_seconds"]
    took = HistogramMetricFamily(f"{PREFIX}request_duration_seconds", spec.help, labels=spec.labels)
    for endpoint, its in calls:
        took.add_metric([endpoint], _buckets(its.took), its.took_s)
    yield took


def _database_metrics(report: Report) -> Iterator[Metric]:
    counted = report.counted
    if counted is None:
        return
    yield family("rows", [((table,), count) for table, count in counted.rows.items()])
    figures = [*counted.rows, QUEUE]
    yield family("estimated", [((table,), table in counted.estimates) for table in figures])
    marks = counted.watermarks
    yield family("watermark_timestamp_seconds", [((mark.stream,), seconds(mark.at)) for mark in marks])
    walks = [((mark.stream,), seconds(mark.walked_at)) for mark in marks if mark.walked_at]
    yield family("walk_timestamp_seconds", walks)
    queue = counted.queue
    yield family("backfill_remaining", [((), queue.get("pending", 0) + queue.get("leased", 0))])
    yield family("backfill_done", [((), queue.get("done", 0))])
    yield from spending_metrics.others(counted)


def _host_metrics(report: Report, snapshots: Mapping[str, Snapshot | None]) -> Iterator[Metric]:
    """The hosts by name; of two with one name the worse state."""
    by_name = {one.name: one for one in sorted(report.hosts, key=lambda one: one.silent_s)}
    names = [((name,), one) for name, one in by_name.items()]
    yield family("host_up", [(label, one.state in {"alive", "draining"}) for label, one in names])
    yield family("host_silence_seconds", [(label, one.silent_s) for label, one in names])
    yield family("host_tokens_of_day", [(label, one.tokens_day) for label, one in names])
    known = [one for one in snapshots.values() if one is not None]
    if known:
        leases = Counter(lease.owner_host for one in known for lease in one.leases)
        sharing = [(label, one) for label, one in names if one.ledger == DATABASE]
        yield family("host_open_calls", [(label, leases[one.number]) for label, one in sharing])


def _message_metrics(report: Report) -> Iterator[Metric]:
    """Messages by the names of their targets, as the process that sends them has told last."""
    told = [child.job.get("targets", {}) for child in report.services if child.role == NOTIFY]
    found = msgspec.convert(told, list[dict[str, tuple[int, int, int, float]]])
    each = [((name,), figures) for targets in found for name, figures in targets.items()]
    for number, metric in enumerate(_OF_TARGETS if each else ()):
        yield family(metric, [(label, figures[number]) for label, figures in each])


_OF_TARGETS: Final = (
    "messages_sent_total", "messages_refused_total", "messages_waiting", "message_oldest_timestamp_seconds",
)  # fmt: skip
_OF_BUCKETS: Final[dict[str, Callable[[Snapshot], float]]] = {
    "tokens_balance": lambda one: one.bucket.balance,
    "tokens_capacity": lambda one: one.bucket.capacity,
    "tokens_refill": lambda one: one.bucket.refill_rate,
    "refill_period_seconds": lambda one: one.bucket.tick_period_s,
    "ledger_drift_tokens": lambda one: one.bucket.drift,
    "ledger_expired_tokens": lambda one: one.totals.expired,
    "ledger_reading_age_seconds": lambda one: one.bucket.synced_age_s or 0,
}
_OF_TIERS: Final[dict[str, Callable[[TierRecord], float]]] = {
    "tokens_floor": lambda tier: tier.floor,
    "tokens_earmark": lambda tier: tier.earmark,
    "tokens_in_flight": lambda tier: tier.in_flight,
    "tokens_spent_total": lambda tier: tier.spent,
    "token_wait_seconds_total": lambda tier: tier.waited_s,
    "grants_total": lambda tier: tier.granted,
    "gate_open": lambda tier: tier.open,
    "gate_waiting": lambda tier: tier.waiting,
}


def _ledger_metrics(snapshots: Mapping[str, Snapshot]) -> Iterator[Metric]:
    for name, of_bucket in _OF_BUCKETS.items():
        yield family(name, [((key,), of_bucket(one)) for key, one in snapshots.items()])
    for name, of_tier in _OF_TIERS.items():
        each = [((key, tier.name), of_tier(tier)) for key, one in snapshots.items() for tier in one.tiers]
        yield family(name, each)


def _buckets(took: Sequence[int]) -> list[tuple[str, float]]:
    """The counts as Prometheus expects them: each bucket includes the calls that took less."""
    ends = [*map(str, BOUNDS_S), "+Inf"]
    return list(zip(ends, map(float, accumulate(took)), strict=True))
