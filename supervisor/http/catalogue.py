"""Every metric of `/metrics` with its kind, help and labels. Pure.

Dashboards and alerts name no others.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

PREFIX: Final = "sluicegate_"


def family(name: str, samples: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """A family of the catalogue with its samples."""
    spec = CATALOGUE[name]
    kind = CounterMetricFamily if spec.kind == "counter" else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = kind(PREFIX + name, spec.help, labels=spec.labels)
    for labels, value in samples:
        family.add_metric(labels, float(value))
    return family


def seconds(at: str) -> float:
    """A time as reports write it, in seconds since 1970."""
    return datetime.fromisoformat(at).timestamp()


class MetricSpec(NamedTuple):
    """One metric of the catalogue."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


CATALOGUE: Final[dict[str, MetricSpec]] = {
    "up_since_timestamp_seconds": MetricSpec(
        "gauge", "When the supervisor started; counters of workers began at 0 then."
    ),
    "degraded": MetricSpec("gauge", "1 while anything is not in service, else 0."),
    "condition": MetricSpec(
        "gauge",
        "1 while this condition keeps the run from its work, else 0; kind key NAME: one of several keys.",
        ("kind",),
    ),
    "condition_since_timestamp_seconds": MetricSpec(
        "gauge", "When the condition began; 0 while there is none.", ("kind",)
    ),
    "child_in_service": MetricSpec(
        "gauge", "1 while the child is in service or done, else 0; slot is its name.", ("role", "slot")
    ),
    "worker_restarts_total": MetricSpec("counter", "Starts of workers after an exit, by its cause.", ("role", "cause")),
    "worker_heartbeat_timestamp_seconds": MetricSpec(
        "gauge", "When the last heartbeat of the worker came; slot is its name.", ("slot",)
    ),
    "worker_heartbeat_due_timestamp_seconds": MetricSpec(
        "gauge",
        "When the worker counts as hung without a new heartbeat: the wait it announced, and HANG_S.",
        ("slot",),
    ),
    "tokens_balance": MetricSpec("gauge", "Tokens on the server as the ledger knows them; below 0 in debt.", ("key",)),
    "tokens_capacity": MetricSpec("gauge", "Tokens that the server keeps at most.", ("key",)),
    "tokens_refill": MetricSpec("gauge", "Tokens that one refill adds.", ("key",)),
    "refill_period_seconds": MetricSpec("gauge", "Seconds between two refills.", ("key",)),
    "tokens_floor": MetricSpec("gauge", "Tokens that must remain after the tier spends.", ("key", "tier")),
    "tokens_earmark": MetricSpec("gauge", "Tokens the tier has saved of its share.", ("key", "tier")),
    "tokens_in_flight": MetricSpec("gauge", "Tokens reserved by open calls.", ("key", "tier")),
    "tokens_spent_total": MetricSpec("counter", "Tokens the tier has paid since the ledger began.", ("key", "tier")),
    "token_wait_seconds_total": MetricSpec(
        "counter", "Seconds that requests of the tier waited, counted when the wait is over.", ("key", "tier")
    ),
    "grants_total": MetricSpec("counter", "Reservations granted to the tier.", ("key", "tier")),
    "gate_open": MetricSpec("gauge", "1 if the oldest request of the tier may go now, else 0.", ("key", "tier")),
    "gate_waiting": MetricSpec("gauge", "Requests of the tier that wait.", ("key", "tier")),
    "tokens_budget": MetricSpec(
        "gauge", "Tokens the tier may spend in a day of UTC; only for a tier with a budget.", ("key", "tier")
    ),
    "tokens_budget_spent": MetricSpec("gauge", "Tokens of its budget that the tier has spent today.", ("key", "tier")),
    "tokens_budget_end_timestamp_seconds": MetricSpec(
        "gauge", "When the budget of the tier begins anew.", ("key", "tier")
    ),
    "hours_shut_seconds": MetricSpec(
        "gauge", "Seconds of each day in which the tier is shut; only for a tier with hours.", ("key", "tier")
    ),
    "hours_change_timestamp_seconds": MetricSpec(
        "gauge", "When the hours of the tier open or close next.", ("key", "tier")
    ),
    "gate_barred": MetricSpec(
        "gauge",
        "1 while its budget of the day (rule budget) or its hours (rule hours) keep the tier from spending, else 0.",
        ("key", "tier", "rule"),
    ),
    "ledger_drift_tokens": MetricSpec(
        "gauge", "Tokens that neither calls nor refills explain; below 0 another program spends.", ("key",)
    ),
    "ledger_expired_tokens": MetricSpec("gauge", "Tokens lost at a full bucket, as far as known.", ("key",)),
    "ledger_reading_age_seconds": MetricSpec("gauge", "Seconds since the last balance from the server.", ("key",)),
    "host_up": MetricSpec("gauge", "1 while the host is alive, 0 when it is silent or has left.", ("host",)),
    "host_silence_seconds": MetricSpec("gauge", "Seconds since the host said last that it is alive.", ("host",)),
    "host_open_calls": MetricSpec("gauge", "Calls of the host that the shared ledger has open.", ("host",)),
    "host_tokens_of_day": MetricSpec("gauge", "Tokens that calls of the host cost in the last day.", ("host",)),
    "messages_sent_total": MetricSpec(
        "counter", "Messages that the target has accepted since their process began.", ("target",)
    ),
    "messages_refused_total": MetricSpec(
        "counter", "Attempts to send that the target did not accept; each is made again.", ("target",)
    ),
    "messages_waiting": MetricSpec("gauge", "Messages that the target has not accepted yet.", ("target",)),
    "message_oldest_timestamp_seconds": MetricSpec(
        "gauge", "When the oldest message was made that waits for the target; 0 when none does.", ("target",)
    ),
    "requests_total": MetricSpec("counter", "Calls to the API; status none: no reply came.", ("endpoint", "status")),
    "request_duration_seconds": MetricSpec("histogram", "How long calls to the API took.", ("endpoint",)),
    "rows_upserted_total": MetricSpec("counter", "Rows committed.", ("table",)),
    "rows_quarantined_total": MetricSpec(
        "counter", "Items quarantined as unusable; reason is their kind.", ("reason",)
    ),
    "rows_pruned_total": MetricSpec("counter", "Rows deleted because the settings keep them no longer.", ("table",)),
    "rows": MetricSpec("gauge", "Rows in the database; an estimate from 2,000 on.", ("table",)),
    "estimated": MetricSpec(
        "gauge", "1 while the figure for this table, or for the queue, is an estimate, else 0.", ("table",)
    ),
    "watermark_timestamp_seconds": MetricSpec(
        "gauge", "The time up to which all deals of the stream are known.", ("stream",)
    ),
    "walk_timestamp_seconds": MetricSpec("gauge", "When the last complete walk through the stream ended.", ("stream",)),
    "list_products": MetricSpec("gauge", "Products of a list that is kept fresh.", ("list",)),
    "list_due": MetricSpec("gauge", "Products of the list that are to be fetched and are not yet.", ("list",)),
    "list_late_seconds": MetricSpec(
        "gauge", "By how much the product that was fetched longest ago is older than the list wants.", ("list",)
    ),
    "list_refresh_seconds": MetricSpec("gauge", "How old a product of the list may become.", ("list",)),
    "source_products": MetricSpec("gauge", "Products that the source listed when it was read last.", ("source",)),
    "source_read_timestamp_seconds": MetricSpec("gauge", "When the source was read to its end last.", ("source",)),
    "source_next_read_timestamp_seconds": MetricSpec(
        "gauge", "When the source is read again; in the past while it is due.", ("source",)
    ),
    "source_refused": MetricSpec("gauge", "1 while the source is refused, else 0.", ("source",)),
    "backfill_remaining": MetricSpec("gauge", "Products whose history is still to be fetched."),
    "backfill_done": MetricSpec("gauge", "Products whose history was fetched."),
}
