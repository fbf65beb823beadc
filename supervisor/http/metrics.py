"""What Prometheus is told: the report and the ledger as families of samples. Pure.

Counters come from sums that only grow: those of the ledger live as long as its file, those of the workers as long as
the supervisor, a dead worker's part included. Where such a sum begins anew it begins at 0, which Prometheus takes for a
restart; anything between 0 and the old value would be taken for an increase.
"""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Final, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from supervisor import report
from supervisor.http.catalogue import CATALOGUE, PREFIX
from supervisor.process.restart import Cause
from tasks.runtime.call_stats import BOUNDS_S
from tasks.runtime.condition import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prometheus_client.core import Metric

    from ledger import Snapshot
    from supervisor.report import ChildRecord, Report

_TABLES: Final = ("deals", "products", "price_series")
_KINDS: Final = ("deal", "product", "request", "body")


class Collector:
    """Collects once, from what was seen at one moment."""

    def __init__(self, seen: Report, snapshot: Snapshot | None) -> None:
        self._seen = seen
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Every family there is something to say of."""
        yield from _of_the_supervisor(self._seen)
        yield from _of_the_work(self._seen)
        yield from _of_the_database(self._seen)
        if self._snapshot is not None and self._snapshot.synced:
            yield from _of_the_ledger(self._snapshot)


def text_of(seen: Report, snapshot: Snapshot | None) -> bytes:
    """The metrics in the text format of Prometheus."""
    from prometheus_client.exposition import generate_latest

    return generate_latest(Collector(seen, snapshot))


def _of_the_supervisor(seen: Report) -> Iterator[Metric]:
    if seen.supervisor.started_at is not None:
        yield _one("up_since_timestamp_seconds", [((), _seconds(seen.supervisor.started_at))])
    yield _one("degraded", [((), not report.is_well(seen))])
    since = {one.kind: _seconds(one.since) for one in seen.conditions}
    kinds = [*get_args(Kind), *sorted(set(since) - set(get_args(Kind)))]  # at 0 from the start, so that none is new
    yield _one("condition", [((kind,), kind in since) for kind in kinds])
    yield _one("condition_since_timestamp_seconds", [((kind,), since.get(kind, 0)) for kind in kinds])
    children = (*seen.services, *seen.workers)
    yield _one("child_in_service", [((child.role, name_of(child)), report.serves(child)) for child in children])
    causes = [cause.value for cause in Cause if cause is not Cause.STOPPED]
    # At 0 from the start, so that the first restart is an increase too.
    restarts = {(role, cause): 0 for role in {worker.role for worker in seen.workers} for cause in causes}
    restarts |= {(one.role, one.cause): one.count for one in seen.restarts}
    yield _one("worker_restarts_total", restarts.items())
    said = [(name_of(worker), worker.beat_at, worker.due_at) for worker in seen.workers]
    yield _one("worker_heartbeat_timestamp_seconds", [((name,), _seconds(at)) for name, at, _ in said if at])
    yield _one("worker_heartbeat_due_timestamp_seconds", [((name,), _seconds(due)) for name, _, due in said if due])


def _of_the_work(seen: Report) -> Iterator[Metric]:
    yield _one("rows_upserted_total", [((table,), seen.rows_written.get(table, 0)) for table in _TABLES])
    yield _one("rows_quarantined_total", [((kind,), seen.refused.get(kind, 0)) for kind in _KINDS])
    calls = seen.calls.items()
    statuses = [((endpoint, status), n) for endpoint, its in calls for status, n in its.statuses.items()]
    yield _one("requests_total", statuses)
    shape = CATALOGUE["request_duration_seconds"]
    took = HistogramMetricFamily(f"{PREFIX}request_duration_seconds", shape.help, labels=shape.labels)
    for endpoint, its in calls:
        took.add_metric([endpoint], _buckets(its.took), its.took_s)
    yield took


def _of_the_database(seen: Report) -> Iterator[Metric]:
    counted = seen.counted
    if counted is None:
        return
    yield _one("rows", [((table,), count) for table, count in counted.rows.items()])
    marks = counted.watermarks
    yield _one("watermark_timestamp_seconds", [((mark.stream,), _seconds(mark.at)) for mark in marks])
    walks = [((mark.stream,), _seconds(mark.walked_at)) for mark in marks if mark.walked_at]
    yield _one("walk_timestamp_seconds", walks)
    queue = counted.queue
    yield _one("backfill_remaining", [((), queue.get("pending", 0) + queue.get("leased", 0))])
    yield _one("backfill_done", [((), queue.get("done", 0))])


def _of_the_ledger(snapshot: Snapshot) -> Iterator[Metric]:
    bucket, tiers = snapshot.bucket, snapshot.tiers
    yield _one("tokens_balance", [((), bucket.balance)])
    yield _one("tokens_capacity", [((), bucket.capacity)])
    yield _one("tokens_refill", [((), bucket.refill_rate)])
    yield _one("refill_period_seconds", [((), bucket.tick_period_s)])
    yield _one("ledger_drift_tokens", [((), bucket.drift)])
    yield _one("ledger_expired_tokens", [((), snapshot.totals.expired)])
    yield _one("ledger_reading_age_seconds", [((), bucket.synced_age_s or 0)])
    yield _one("tokens_floor", [((tier.name,), tier.floor) for tier in tiers])
    yield _one("tokens_earmark", [((tier.name,), tier.earmark) for tier in tiers])
    yield _one("tokens_in_flight", [((tier.name,), tier.in_flight) for tier in tiers])
    yield _one("tokens_spent_total", [((tier.name,), tier.spent) for tier in tiers])
    yield _one("token_wait_seconds_total", [((tier.name,), tier.waited_s) for tier in tiers])
    yield _one("grants_total", [((tier.name,), tier.granted) for tier in tiers])
    yield _one("gate_open", [((tier.name,), tier.open) for tier in tiers])
    yield _one("gate_waiting", [((tier.name,), tier.waiting) for tier in tiers])


def _one(name: str, samples: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """A family of the catalogue with its samples."""
    shape = CATALOGUE[name]
    kind = CounterMetricFamily if shape.kind == "counter" else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = kind(PREFIX + name, shape.help, labels=shape.labels)
    for labels, value in samples:
        family.add_metric(labels, float(value))
    return family


def _buckets(took: Sequence[int]) -> list[tuple[str, float]]:
    """The same counts as Prometheus wants them: each with all that lasted less."""
    ends = [*map(str, BOUNDS_S), "+Inf"]
    return list(zip(ends, map(float, accumulate(took)), strict=True))


def name_of(child: ChildRecord) -> str:
    """What people call it."""
    return f"{child.role}-{child.slot}"


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
