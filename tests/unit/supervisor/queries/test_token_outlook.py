"""How many tokens expire, and why: nothing asks for them, or tiers are shut because that is what the settings say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, Hours, ManualClock, Reading, TokenLedger
from supervisor.queries.token_outlook import outlook, span_s

INTERACTIVE, UPSERT, BACKFILL = DEFAULT_TIERS


def snapshot(*tiers, balance=100):
    ledger = TokenLedger.in_memory(tiers or DEFAULT_TIERS, ManualClock(1), tick_period_s=60)
    ledger.observe(Reading(tokens_left=balance, refill_rate=5, refill_in_ms=60_000, server_ms=5))
    return ledger.snapshot()


def test_what_nobody_asks_for_expires_once_the_bucket_is_full():
    found = outlook(snapshot(), 7_200 - 2_400)
    assert (found.comes_in, found.expires, found.full_in_s) == (7_200, 2_200, 7_200)
    assert found.words == (
        "7,200 tokens come in and 2,200 of them expire in a full bucket, the first in 2 h 0 min: more workers, another "
        "selection or more detail would use them"
    )
    full = outlook(snapshot(balance=300), 7_000)
    assert ", from now on: " in full.words


def test_a_tier_that_is_shut_on_purpose_is_the_reason_and_no_fault():
    shut = snapshot(INTERACTIVE, UPSERT, replace(BACKFILL, hours=Hours.parse("22-06")))
    found = outlook(shut, 100)
    assert found.full_in_s is None  # that depends on the hours
    assert found.words == (
        "7,200 tokens come in and 6,900 of them expire in a full bucket, as you have set it: backfill spends in the "
        "hours 22-06 (UTC) alone"
    )
    limited = snapshot(INTERACTIVE, replace(UPSERT, tokens_per_day=1_000), BACKFILL)
    tiers = [replace(one, spent_today=950 if one.name == "upsert" else 0) for one in limited.tiers]
    told = outlook(replace(limited, tiers=tuple(tiers)), 1_000)
    assert told.limits == ("upsert has spent 950 of the 1,000 tokens of its day",)
    assert outlook(limited, 1_000).limits == ()


def test_of_less_than_a_day_as_much_is_taken_for_a_day():
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert [span_s(now - timedelta(hours=hours), now) for hours in (6, 48, -1)] == [6 * 3_600, 86_400, 0]
    assert span_s(None, now) == 86_400
    found = outlook(snapshot(), 1_200, 6 * 3_600)
    assert (found.expires, found.condition) == (2_200, "if the next 24 hours are like the last 6 h 0 min")
    assert outlook(snapshot(), 1).condition == "if the next 24 hours are like the last"
    assert outlook(snapshot(), 1, 0.0) is None


@pytest.mark.parametrize("spent", [7_200, 9_000])
def test_where_all_is_spent_nothing_expires(spent):
    found = outlook(snapshot(INTERACTIVE, UPSERT, replace(BACKFILL, hours=Hours.parse("22-06"))), spent)
    assert (found.expires, found.words) == (0, "7,200 tokens come in, and none of them expires")


def test_before_the_plan_is_known_nothing_is():
    assert outlook(TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(1), tick_period_s=60).snapshot(), 1) is None


@given(st.integers(0, 300), st.integers(1, 60), st.floats(0, 200_000))
def test_what_comes_in_is_spent_kept_or_expires(balance, rate, spent):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock())
    ledger.observe(Reading(tokens_left=min(balance, 60 * rate), refill_rate=rate, refill_in_ms=30_000, server_ms=1_000))
    bucket = ledger.snapshot().bucket
    found = outlook(ledger.snapshot(), spent)
    assert found.comes_in == pytest.approx(rate * 86_400 / bucket.tick_period_s)
    kept = min(bucket.capacity - bucket.balance, found.comes_in - spent)
    if found.expires:
        assert found.comes_in == pytest.approx(spent + max(kept, 0) + found.expires)
        assert 0 <= found.full_in_s < 86_400
    else:
        assert found.full_in_s is None
