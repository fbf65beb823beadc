"""What Prometheus is told: the report and the ledger as families of samples. Pure.

The metrics there are stand in `CATALOGUE` as data: `/metrics` is made of them; a dashboard or an alert names only
these.

Counters come from sums that only grow: those of the ledger live as long as its file, those of the workers as long as
the supervisor, a dead worker's part included. Where such a sum begins anew it begins at 0, which Prometheus takes for a
restart; anything between 0 and the old value would be taken for an increase.
"""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from supervisor.process.restart import Cause
from supervisor.status import health
from tasks.runtime.call_stats import BOUNDS_S
from tasks.runtime.condition import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prometheus_client.core import Metric

    from ledger import Snapshot
    from supervisor.report import ChildRecord, Report

PREFIX: Final = "sluicegate_"


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
    yield _one("degraded", [((), not health.is_healthy(seen))])
    since = {one.kind: _seconds(one.since) for one in seen.conditions}
    kinds = [*get_args(Kind), *sorted(set(since) - set(get_args(Kind)))]  # at 0 from the start, so that none is new
    yield _one("condition", [((kind,), kind in since) for kind in kinds])
    yield _one("condition_since_timestamp_seconds", [((kind,), since.get(kind, 0)) for kind in kinds])
    children = (*seen.services, *seen.workers)
    yield _one("child_in_service", [((child.role, name_of(child)), health.is_in_service(child)) for child in children])
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


class MetricSpec(NamedTuple):
    """What a metric is."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


CATALOGUE: Final[dict[str, MetricSpec]] = {
    "up_since_timestamp_seconds": MetricSpec(
        "gauge", "When the supervisor started; counters of workers began at 0 then."
    ),
    "degraded": MetricSpec("gauge", "1 while anything is not in service, else 0."),
    "condition": MetricSpec("gauge", "1 while this keeps the run from its work, else 0.", ("kind",)),
    "condition_since_timestamp_seconds": MetricSpec("gauge", "When it began; 0 while there is none.", ("kind",)),
    "child_in_service": MetricSpec("gauge", "1 while the child is in service or done, else 0.", ("role", "slot")),
    "worker_restarts_total": MetricSpec("counter", "Starts after a death.", ("role", "cause")),
    "worker_heartbeat_timestamp_seconds": MetricSpec("gauge", "When the worker last said what it is doing.", ("slot",)),
    "worker_heartbeat_due_timestamp_seconds": MetricSpec(
        "gauge",
        "When it counts as hung unless it says something new before: the wait it promised and HANG_S.",
        ("slot",),
    ),
    "tokens_balance": MetricSpec("gauge", "Tokens on the server, by the ledger; below 0 in a debt."),
    "tokens_capacity": MetricSpec("gauge", "Tokens the server keeps at the most."),
    "tokens_refill": MetricSpec("gauge", "Tokens a refill adds."),
    "refill_period_seconds": MetricSpec("gauge", "Seconds between two refills."),
    "tokens_floor": MetricSpec("gauge", "Tokens that must remain after the tier spends.", ("tier",)),
    "tokens_earmark": MetricSpec("gauge", "Tokens the tier has saved of its share.", ("tier",)),
    "tokens_in_flight": MetricSpec("gauge", "Tokens reserved by open calls.", ("tier",)),
    "tokens_spent_total": MetricSpec("counter", "Tokens the tier has paid since the ledger began.", ("tier",)),
    "token_wait_seconds_total": MetricSpec(
        "counter", "Seconds requests of the tier have waited, once over.", ("tier",)
    ),
    "grants_total": MetricSpec("counter", "Reservations granted to the tier.", ("tier",)),
    "gate_open": MetricSpec("gauge", "1 if the oldest request of the tier may go now, else 0.", ("tier",)),
    "gate_waiting": MetricSpec("gauge", "Requests of the tier that wait.", ("tier",)),
    "ledger_drift_tokens": MetricSpec(
        "gauge", "Tokens that neither our calls nor refills explain: below 0, others spend."
    ),
    "ledger_expired_tokens": MetricSpec("gauge", "Tokens lost at a full bucket, as far as known."),
    "ledger_reading_age_seconds": MetricSpec("gauge", "Seconds since the server last told the balance."),
    "requests_total": MetricSpec("counter", "Calls to the API; status none: no reply came.", ("endpoint", "status")),
    "request_duration_seconds": MetricSpec("histogram", "How long calls to the API took.", ("endpoint",)),
    "rows_upserted_total": MetricSpec("counter", "Rows committed.", ("table",)),
    "rows_quarantined_total": MetricSpec("counter", "What was set aside as unusable, by what it was.", ("reason",)),
    "rows": MetricSpec("gauge", "Rows in the database; above 50,000 an estimate.", ("table",)),
    "watermark_timestamp_seconds": MetricSpec("gauge", "Up to when all deals of the stream are known.", ("stream",)),
    "walk_timestamp_seconds": MetricSpec(
        "gauge", "When the stream was last walked through down to its mark.", ("stream",)
    ),
    "backfill_remaining": MetricSpec("gauge", "Products whose history is still to be fetched."),
    "backfill_done": MetricSpec("gauge", "Products whose history was fetched."),
}
