"""Metrics of budgets, hours, lists and sources: what limits spending, and how far what spends has come."""

from __future__ import annotations

from dataclasses import replace

from ledger import DEFAULT_TIERS, Hours, ManualClock, TokenLedger
from supervisor.count_record import CountRecord, ListRecord, SourceRecord
from supervisor.http import spending_metrics

AT = "2026-03-01T12:00:00+00:00"
NOON = 1_772_366_400
INTERACTIVE, UPSERT, BACKFILL = DEFAULT_TIERS


def samples(families):
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_a_tier_with_a_rule_tells_what_it_may_spend_and_until_when():
    tiers = (INTERACTIVE, replace(UPSERT, tokens_per_day=3_000), replace(BACKFILL, hours=Hours.parse("22-06")))
    snapshot = TokenLedger.in_memory(tiers, ManualClock(1), tick_period_s=60).snapshot()
    interactive, upsert, backfill = snapshot.tiers
    upsert = replace(upsert, spent_today=2_990, barred="budget", day_ends_in_s=43_200.0)
    backfill = replace(backfill, barred="hours", hours_change_in_s=36_000.0)
    snapshot = replace(snapshot, generated_at=AT, tiers=(interactive, upsert, backfill))
    found = samples(spending_metrics.limits({"default": snapshot}))
    assert found == {
        ("sluicegate_tokens_budget", "default", "upsert"): 3_000,
        ("sluicegate_tokens_budget_spent", "default", "upsert"): 2_990,
        ("sluicegate_tokens_budget_end_timestamp_seconds", "default", "upsert"): NOON + 43_200,
        ("sluicegate_hours_shut_seconds", "default", "backfill"): 16 * 3_600,
        ("sluicegate_hours_change_timestamp_seconds", "default", "backfill"): NOON + 36_000,
    } | {
        ("sluicegate_gate_barred", "default", tier, rule): (tier, rule) in {("upsert", "budget"), ("backfill", "hours")}
        for tier in ("interactive", "upsert", "backfill")
        for rule in ("budget", "hours")
    }


def test_lists_and_sources_tell_how_far_they_are_and_when_they_go_on():
    fresh = ListRecord(stream="new/1", detail="stats", refresh_s=60, products=3, fetched=0, overdue=3)
    late = ListRecord(
        stream="toys/1", detail="stats", refresh_s=3_600, products=9, fetched=9, overdue=2,
        oldest_at="2026-03-01T10:00:00+00:00",
    )  # fmt: skip
    best = SourceRecord(
        stream="best/1", kind="bestsellers", refresh_s=7_200, products=500, read_at="2026-03-01T11:00:00+00:00"
    )
    unread = SourceRecord(stream="odd/3", kind="seller", refresh_s=7_200, reason="HTTP 400", since=AT)
    counted = CountRecord(at=AT, rows={}, queue={}, lists=(fresh, late), sources=(best, unread))
    found = samples(spending_metrics.others(counted))
    assert found == {
        ("sluicegate_list_products", "new/1"): 3, ("sluicegate_list_products", "toys/1"): 9,
        ("sluicegate_list_due", "new/1"): 3, ("sluicegate_list_due", "toys/1"): 2,
        ("sluicegate_list_late_seconds", "new/1"): 0, ("sluicegate_list_late_seconds", "toys/1"): 3_600,
        ("sluicegate_list_refresh_seconds", "new/1"): 60, ("sluicegate_list_refresh_seconds", "toys/1"): 3_600,
        ("sluicegate_source_products", "best/1"): 500, ("sluicegate_source_products", "odd/3"): 0,
        ("sluicegate_source_read_timestamp_seconds", "best/1"): NOON - 3_600,
        ("sluicegate_source_next_read_timestamp_seconds", "best/1"): NOON + 3_600,
        ("sluicegate_source_refused", "best/1"): 0, ("sluicegate_source_refused", "odd/3"): 1,
    }  # fmt: skip
