"""Metrics of what spends and what limits it: budgets and hours of tiers, lists that are kept fresh, sources. Pure.

All of it stands in the ledger or was counted for the report, so a scrape asks the database for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import Hours
from supervisor.http.catalogue import family, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from ledger import Snapshot
    from supervisor.count_record import CountRecord, ListRecord

_DAY_S: Final = 86_400.0
_RULES: Final = ("budget", "hours")


def limits(snapshots: Mapping[str, Snapshot]) -> Iterator[Metric]:
    """What each tier may spend today and in which hours, by key; a tier without such a rule has none of it."""
    tiers = [
        ((key, tier.name), seconds(one.generated_at), tier) for key, one in snapshots.items() for tier in one.tiers
    ]
    budgets = [(label, at, tier) for label, at, tier in tiers if tier.tokens_per_day is not None]
    yield family("tokens_budget", [(label, tier.tokens_per_day or 0) for label, _, tier in budgets])
    yield family("tokens_budget_spent", [(label, tier.spent_today) for label, _, tier in budgets])
    ends = [(label, at + tier.day_ends_in_s) for label, at, tier in budgets if tier.day_ends_in_s is not None]
    yield family("tokens_budget_end_timestamp_seconds", ends)
    yield family("hours_shut_seconds", [(label, _shut_s(tier.hours)) for label, _, tier in tiers if tier.hours])
    changes = [(label, at + tier.hours_change_in_s) for label, at, tier in tiers if tier.hours_change_in_s is not None]
    yield family("hours_change_timestamp_seconds", changes)
    yield family("gate_barred", [((*label, rule), tier.barred == rule) for label, _, tier in tiers for rule in _RULES])


def others(counted: CountRecord) -> Iterator[Metric]:
    """The lists and the sources, as they were counted last."""
    lists, sources = counted.lists, counted.sources
    yield family("list_products", [((one.stream,), one.products) for one in lists])
    yield family("list_due", [((one.stream,), one.overdue) for one in lists])
    yield family("list_late_seconds", [((one.stream,), _late_s(one, counted.at)) for one in lists])
    yield family("list_refresh_seconds", [((one.stream,), one.refresh_s) for one in lists])
    yield family("source_products", [((one.stream,), one.products) for one in sources])
    read = [((one.stream,), seconds(one.read_at), one.refresh_s) for one in sources if one.read_at is not None]
    yield family("source_read_timestamp_seconds", [(label, at) for label, at, _ in read])
    yield family("source_next_read_timestamp_seconds", [(label, at + refresh_s) for label, at, refresh_s in read])
    yield family("source_refused", [((one.stream,), one.reason is not None) for one in sources])


def _shut_s(hours: str) -> int:
    return round(_DAY_S * (1 - Hours.parse(hours).day_part))


def _late_s(one: ListRecord, at: str) -> float:
    """How much older than wanted the oldest product is; a list of which nothing was fetched yet is not late by it."""
    return 0.0 if one.oldest_at is None else max(0.0, seconds(at) - seconds(one.oldest_at) - one.refresh_s)
