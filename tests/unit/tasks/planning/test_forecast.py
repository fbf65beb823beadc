from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from tasks.planning.forecast import Forecast, Pace, TokenSupply, left_s, token_supply

NS = 10**9
PLAN = {"spare": 0.0, "refill": 5.0, "tick_s": 60.0, "next_tick_s": 60.0, "share": 0.2}


def left(items, workers=1, *, forecast=None, per_item=1.0, **changes):
    pace = (forecast or Forecast()).pace(per_item, workers)
    return left_s(items, pace, TokenSupply(**PLAN | changes))


def test_what_is_missing_comes_in_lumps():
    assert left(1) == 60
    assert left(5) == 60
    assert left(6) == 120
    assert left(6, next_tick_s=10.0) == 70


def test_what_lies_in_the_bucket_is_not_waited_for():
    assert left(30, spare=30.0) == 0
    assert left(35, spare=30.0) == 60
    assert left(0) == 0


def test_nothing_can_be_told_while_nothing_comes_in():
    assert left(5, refill=0.0) is None


def test_what_others_spend_is_not_counted_on_but_the_share_is():
    forecast = Forecast()
    forecast.read_others(0, 100)
    forecast.read_others(100 * NS, 105)
    assert left(12, forecast=forecast) == 6 * 60  # they take three of five a tick
    forecast.read_others(200 * NS, 205)
    assert left(12, forecast=forecast) == 12 * 60  # they take all but the share


def test_with_tokens_to_spare_the_work_itself_takes_the_time_and_workers_divide_it():
    forecast = Forecast()
    forecast.read_work(100, 10.0)
    assert left(1_000, spare=5_000.0, forecast=forecast) == 100
    assert left(1_000, 4, spare=5_000.0, forecast=forecast) == 25


@given(st.integers(1, 10**6), st.floats(0.1, 60), st.floats(0, 10**4), st.floats(1, 10**4), st.floats(0.01, 1))
def test_more_items_never_take_less_time(items, per_item, spare, refill, share):
    given_supply = {"per_item": per_item, "spare": spare, "refill": refill, "share": share}
    assert left(items, **given_supply) <= left(items + 1, **given_supply)


RATES, PARTS = st.floats(0.01, 1e4), st.floats(0, 1)


@given(
    items=st.integers(1, 10**6),
    pace=st.builds(
        Pace,
        per_item=st.floats(0, 60),
        others_per_s=st.floats(0, 100),
        work_s=st.floats(0, 10),
        workers=st.integers(0, 16),
    ),
    spare=st.floats(0, 1e5),
    refill=RATES,
    tick_s=st.floats(0.05, 3600),
    phase=PARTS,
    share=st.floats(0, 1),
)
def test_the_time_left_is_never_shorter_than_the_refill_needs(*, items, pace, spare, refill, tick_s, phase, share):
    supply = TokenSupply(spare=spare, refill=refill, tick_s=tick_s, next_tick_s=phase * tick_s, share=share)
    found = left_s(items, pace, supply)
    missing = items * pace.per_item - spare
    if found is not None and missing > 0:
        # The ticks that bring what is missing, the first of them after the rest of the one that runs.
        ticks = math.ceil(missing / refill * (1 - 1e-9) - 1e-9)
        assert found >= (supply.next_tick_s + (ticks - 1) * tick_s) * (1 - 1e-9)
        assert found + tick_s >= missing / refill * tick_s * (1 - 1e-9)


@given(st.integers(0, 300), st.integers(1, 5_000), st.booleans())
def test_the_supply_of_a_tier_leaves_out_the_floor_and_what_others_saved(balance, items, has_waiter):
    clock = ManualClock(NS)
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock, tick_period_s=60)
    ledger.observe(Reading(tokens_left=balance, refill_rate=5, refill_in_ms=30_000, server_ms=5))
    if has_waiter:
        ledger.try_reserve("upsert", 200)
        clock.advance_to_ns(clock.now_ns() + 90 * NS)
    supply = token_supply(ledger.snapshot(), "backfill")
    assert 0 <= supply.spare <= ledger.snapshot().bucket.balance
    found = left_s(items, Pace(per_item=1.0), supply)
    assert found + 60 >= (items - ledger.snapshot().bucket.balance) / 5 * 60


def test_there_is_no_supply_before_a_reply_has_told_the_balance():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(NS), tick_period_s=60)
    assert token_supply(ledger.snapshot(), "backfill") is None


def test_a_wait_of_more_than_a_billion_ticks_is_never():
    assert left(10**9, refill=1.0, share=1.0) == 10**9 * 60
    assert left(10**9 + 1, refill=1.0, share=1.0) is None


def test_nothing_can_be_told_while_nothing_comes_in_although_enough_lies_there():
    assert left(5, refill=0.0, spare=10.0) is None
    assert left(0, refill=0.0) == 0


def test_the_work_of_an_item_takes_what_the_batches_of_late_took():
    forecast = Forecast()
    assert forecast.pace(2.5, 3) == Pace(per_item=2.5, others_per_s=0.0, work_s=0.0, workers=3)
    forecast.read_work(100, 1.0)
    forecast.read_work(300, 3.0)
    assert forecast.pace(2.5, 3).work_s == 4 / 400


def test_what_others_spend_is_told_by_the_second():
    forecast = Forecast()
    forecast.read_others(0, 100.4)
    forecast.read_others(60 * NS, 220.4)
    assert forecast.pace(1.0, 1).others_per_s == 2


def test_what_others_spent_more_than_a_quarter_of_an_hour_ago_tells_nothing_of_now():
    forecast = Forecast()
    for second, spent in ((0, 0), (1, 600), (901, 1500)):
        forecast.read_others(second * NS, spent)
    assert forecast.pace(1.0, 1).others_per_s == 1


def test_with_no_worker_the_work_takes_as_long_as_with_one():
    assert left_s(10, Pace(per_item=0.0, work_s=3.0, workers=0), TokenSupply(**PLAN)) == 30
    assert Pace(per_item=1.0) == Pace(per_item=1.0, others_per_s=0.0, work_s=0.0, workers=1)


def test_the_supply_is_what_the_ledger_has_for_the_tier():
    clock = ManualClock(NS)
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock, tick_period_s=60)
    ledger.observe(Reading(tokens_left=290, refill_rate=5, refill_in_ms=30_000, server_ms=5))
    ledger.try_reserve("upsert", 30)
    supply = token_supply(ledger.snapshot(), "backfill")
    assert supply == TokenSupply(spare=290 - 30 - 150, refill=5, tick_s=60, next_tick_s=31, share=0.2)
    assert token_supply(ledger.snapshot(), "nobody") is None
    ledger.observe(Reading(tokens_left=100, refill_rate=5, refill_in_ms=30_000, server_ms=5))
    assert token_supply(ledger.snapshot(), "backfill").spare == 0, "below the floor nothing is spare"


def test_what_a_tier_saves_while_it_waits_is_not_spare_for_another_and_is_for_itself():
    clock = ManualClock(NS)
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, clock, tick_period_s=60)
    ledger.observe(Reading(tokens_left=250, refill_rate=5, refill_in_ms=30_000, server_ms=5))
    with ledger.place("upsert") as place:
        place.poll(240)
        clock.advance_to_ns(clock.now_ns() + 95 * NS)
        snapshot = ledger.snapshot()
        saved = {tier.name: tier.earmark for tier in snapshot.tiers}["upsert"]
        assert saved == 2 * 5 * 0.5
        assert token_supply(snapshot, "backfill").spare == 260 - saved - 150
        assert token_supply(snapshot, "upsert").spare == 260 - 50
