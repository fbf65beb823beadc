from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.forecast import Forecast, Means

NS = 10**9
PLAN = {"per_item": 1.0, "spare": 0.0, "refill": 5.0, "tick_s": 60.0, "next_tick_s": 60.0, "share": 0.2}


def left(items, workers=1, *, forecast=None, **changes):
    return (forecast or Forecast()).left_s(items, workers, Means(**PLAN | changes))


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
    given_means = {"per_item": per_item, "spare": spare, "refill": refill, "share": share}
    assert left(items, **given_means) <= left(items + 1, **given_means)
