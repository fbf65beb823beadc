"""How fast a count grows: over a window, and not before there is a minute of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.forecast import WINDOW_S
from tasks.planning.sliding_rate import MINUTE_NS, SlidingRate


def test_a_rate_needs_a_minute_of_history():
    rate = SlidingRate(WINDOW_S)
    assert rate.per_min() is None
    rate.read(0, 100)
    rate.read(MINUTE_NS - 1, 200)
    assert rate.per_min() is None
    rate.read(MINUTE_NS, 160)
    assert rate.per_min() == 60


@given(st.floats(0.1, 500), st.integers(2, 200))
def test_a_steady_rate_is_found_however_long_it_lasts(per_min, readings):
    rate = SlidingRate(WINDOW_S)
    step_ns = WINDOW_S * 10**9 // 10
    for n in range(readings):
        rate.read(n * step_ns, round(per_min * n * step_ns / 60e9))
    assert abs(rate.per_min() - per_min) < 1


def test_a_count_that_falls_is_a_rate_of_zero():
    rate = SlidingRate(WINDOW_S)
    rate.read(0, 50)
    rate.read(2 * MINUTE_NS, 10)
    assert rate.per_min() == 0


def test_a_rate_is_that_of_the_last_quarter_of_an_hour():
    rate, minute_ns = SlidingRate(WINDOW_S), 60 * 10**9
    rate.read(0, 0)
    rate.read(10 * minute_ns, 100)
    rate.read(15 * minute_ns, 150)
    assert rate.per_min() == 10
    rate.read(25 * minute_ns - 1, 100)
    assert rate.per_min() == pytest.approx(4), "from the last reading that is old enough"
    rate.read(25 * minute_ns, 100)
    assert rate.per_min() == 0, "what is older counts no more"


def test_a_rate_needs_a_minute_whenever_that_begins():
    rate, second_ns = SlidingRate(WINDOW_S), 10**9
    rate.read(100 * second_ns, 0)
    rate.read(159 * second_ns, 7)
    assert rate.per_min() is None
    rate.read(160 * second_ns, 7)
    assert rate.per_min() == 7


def test_growth_is_what_came_however_short_the_history():
    rate = SlidingRate(60)
    assert rate.growth() == 0
    for now_s, count, growth in ((0, 0, 0), (10, 30, 30), (70, 60, 30), (200, 60, 0), (201, 5, 0)):
        rate.read(now_s * 10**9, count)
        assert rate.growth() == growth
