"""The metrics there are, as data: `/metrics` is made of them; a dashboard or an alert names only these. Pure."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

PREFIX: Final = "sluicegate_"


class Shape(NamedTuple):
    """What a metric is."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


CATALOGUE: Final[dict[str, Shape]] = {
    "up_since_timestamp_seconds": Shape("gauge", "When the supervisor started; counters of workers began at 0 then."),
    "degraded": Shape("gauge", "1 while anything is not in service, else 0."),
    "condition": Shape("gauge", "1 while this keeps the run from its work, else 0.", ("kind",)),
    "condition_since_timestamp_seconds": Shape("gauge", "When it began; 0 while there is none.", ("kind",)),
    "child_in_service": Shape("gauge", "1 while the child is in service or done, else 0.", ("role", "slot")),
    "worker_restarts_total": Shape("counter", "Starts after a death.", ("role", "cause")),
    "worker_heartbeat_timestamp_seconds": Shape("gauge", "When the worker last said what it is doing.", ("slot",)),
    "worker_heartbeat_due_timestamp_seconds": Shape(
        "gauge",
        "When it counts as hung unless it says something new before: the wait it promised and HANG_S.",
        ("slot",),
    ),
    "tokens_balance": Shape("gauge", "Tokens on the server, by the ledger; below 0 in a debt."),
    "tokens_capacity": Shape("gauge", "Tokens the server keeps at the most."),
    "tokens_refill": Shape("gauge", "Tokens a refill adds."),
    "refill_period_seconds": Shape("gauge", "Seconds between two refills."),
    "tokens_floor": Shape("gauge", "Tokens that must remain after the tier spends.", ("tier",)),
    "tokens_earmark": Shape("gauge", "Tokens the tier has saved of its share.", ("tier",)),
    "tokens_in_flight": Shape("gauge", "Tokens reserved by open calls.", ("tier",)),
    "tokens_spent_total": Shape("counter", "Tokens the tier has paid since the ledger began.", ("tier",)),
    "token_wait_seconds_total": Shape("counter", "Seconds requests of the tier have waited, once over.", ("tier",)),
    "grants_total": Shape("counter", "Reservations granted to the tier.", ("tier",)),
    "gate_open": Shape("gauge", "1 if the oldest request of the tier may go now, else 0.", ("tier",)),
    "gate_waiting": Shape("gauge", "Requests of the tier that wait.", ("tier",)),
    "ledger_drift_tokens": Shape("gauge", "Tokens that neither our calls nor refills explain: below 0, others spend."),
    "ledger_expired_tokens": Shape("gauge", "Tokens lost at a full bucket, as far as known."),
    "ledger_reading_age_seconds": Shape("gauge", "Seconds since the server last told the balance."),
    "requests_total": Shape("counter", "Calls to the API; status none: no reply came.", ("endpoint", "status")),
    "request_duration_seconds": Shape("histogram", "How long calls to the API took.", ("endpoint",)),
    "rows_upserted_total": Shape("counter", "Rows committed.", ("table",)),
    "rows_quarantined_total": Shape("counter", "What was set aside as unusable, by what it was.", ("reason",)),
    "rows": Shape("gauge", "Rows in the database; above 50,000 an estimate.", ("table",)),
    "watermark_timestamp_seconds": Shape("gauge", "Up to when all deals of the stream are known.", ("stream",)),
    "walk_timestamp_seconds": Shape("gauge", "When the stream was last walked through down to its mark.", ("stream",)),
    "backfill_remaining": Shape("gauge", "Products whose history is still to be fetched."),
    "backfill_done": Shape("gauge", "Products whose history was fetched."),
}
