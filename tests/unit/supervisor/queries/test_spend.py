"""`spend`: what is said of the tokens that came in."""

import math
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import durations
from ledger.snapshot_records import BucketRecord
from supervisor.queries import spend
from tasks.store.calls.sums import Flow

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def bucket(rate=20.0, tick_s=3.0):
    return BucketRecord(
        balance=50, capacity=1200, refill_rate=rate, tick_period_s=tick_s, next_tick_in_s=1, synced_age_s=0, drift=0
    )


def flow(span_s, added):
    """The balance fell by 60 of which calls were charged all that came in as well."""
    return Flow(
        first_at=NOON, last_at=NOON + timedelta(seconds=span_s), first_balance=60, last_balance=0, charged=60 + added
    )


def test_a_short_time_has_no_rate_but_what_a_refill_brings():
    assert spend.describe_refill(flow(8.0, 60), bucket()) == (
        "so 60 came in (the plan adds 20 every 3.0 s, but nothing to a full bucket)"
    )
    assert spend.describe_refill(flow(61.0, 40), None) == "so 40 came in"


def test_a_long_time_has_a_rate_beside_the_plans():
    assert spend.describe_refill(flow(600.0, 4000), bucket()) == (
        "so 4,000 came in, 400.0 a minute (the plan adds 400.0, but nothing to a full bucket)"
    )
    assert spend.describe_refill(flow(1200.0, 400), None) == "so 400 came in, 20.0 a minute"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("24h", "the last day"),
        ("1h", "the last hour"),
        ("36h", "the last 36 hours"),
        ("90m", "the last 90 minutes"),
        ("4w", "the last 28 days"),
        ("1s", "the last second"),
    ],
)
def test_the_time_is_told_in_words(typed, told):
    assert spend.describe_since(durations.parse_duration(typed)) == told


@given(
    rate=st.integers(1, 20_000),
    tick_s=st.floats(0.05, 3600),
    phase=st.floats(0, 1),
    ticks=st.floats(0.001, 500),
)
def test_no_rate_is_told_that_is_far_from_the_plan_of_a_bucket_that_was_never_full(rate, tick_s, phase, ticks):
    refills = math.floor(phase + ticks)
    said = spend.describe_refill(flow(ticks * tick_s, rate * refills), bucket(float(rate), tick_s))
    told = re.search(r", ([\d.]+) a minute \(the plan adds ([\d.]+),", said)
    assert (told is None) == ("every" in said)
    if told is not None:
        assert math.isclose(float(told[1]), float(told[2]), rel_tol=0.051, abs_tol=0.11), said
