from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.backlog import LIMIT, STALE_MIN, BacklogItem, DetailBacklog
from tasks.planning.forecast import LEAST_NS, WINDOW_NS, Rate

NOW = 8_000_000


def pool_of(*items):
    pool = DetailBacklog()
    pool.add(items)
    return pool


def test_the_newest_come_first():
    pool = pool_of(BacklogItem(NOW - 5, 1, "OLD"), BacklogItem(NOW, 1, "NEW"), BacklogItem(NOW - 2, 1, "MIDDLE"))
    assert [item.asin for item in pool.take(2)] == ["NEW", "MIDDLE"]
    assert [item.asin for item in pool.take(2)] == ["OLD"]
    assert pool.take(2) == []


def test_what_is_taken_together_is_of_one_domain():
    pool = pool_of(BacklogItem(NOW, 3, "A"), BacklogItem(NOW - 1, 1, "B"), BacklogItem(NOW - 2, 3, "C"))
    assert [item.asin for item in pool.take(10)] == ["A", "C"]
    assert [item.asin for item in pool.take(10)] == ["B"]


def test_a_product_asked_for_twice_counts_once_with_its_newer_deal():
    pool = pool_of(BacklogItem(NOW - 5, 1, "A"), BacklogItem(NOW, 1, "A"), BacklogItem(NOW - 9, 1, "A"))
    assert len(pool) == 1
    assert pool.take(1) == [BacklogItem(NOW, 1, "A")]


def test_beyond_the_limit_the_oldest_are_dropped_and_counted():
    pool = pool_of(*(BacklogItem(NOW - n, 1, f"A{n}") for n in range(LIMIT + 3)))
    assert (len(pool), pool.dropped) == (LIMIT, 3)
    assert min(item.minute for item in pool.take(LIMIT)) == NOW - LIMIT + 1


def test_what_is_a_day_old_is_dropped_and_counted():
    pool = pool_of(BacklogItem(NOW - STALE_MIN, 1, "YOUNG"), BacklogItem(NOW - STALE_MIN - 1, 1, "STALE"))
    pool.forget_stale(NOW)
    assert pool.dropped == 1
    assert [item.asin for item in pool.take(9)] == ["YOUNG"]


def test_a_rate_needs_a_minute_of_history():
    rate = Rate()
    assert rate.per_min() is None
    rate.read(0, 100)
    rate.read(LEAST_NS - 1, 200)
    assert rate.per_min() is None
    rate.read(LEAST_NS, 160)
    assert rate.per_min() == 60


@given(st.floats(0.1, 500), st.integers(2, 200))
def test_a_steady_rate_is_found_however_long_it_lasts(per_min, readings):
    rate = Rate()
    step_ns = WINDOW_NS // 10
    for n in range(readings):
        rate.read(n * step_ns, round(per_min * n * step_ns / 60e9))
    assert abs(rate.per_min() - per_min) < 1


def test_a_count_that_falls_is_a_rate_of_zero():
    rate = Rate()
    rate.read(0, 50)
    rate.read(2 * LEAST_NS, 10)
    assert rate.per_min() == 0


def test_a_rate_is_that_of_the_last_quarter_of_an_hour():
    rate, minute_ns = Rate(), 60 * 10**9
    rate.read(0, 0)
    rate.read(10 * minute_ns, 100)
    rate.read(15 * minute_ns, 150)
    assert rate.per_min() == 10
    rate.read(15 * minute_ns + 1, 100)
    assert rate.per_min() == 0, "what is older counts no more"


def test_a_rate_needs_a_minute_whenever_that_begins():
    rate, second_ns = Rate(), 10**9
    rate.read(100 * second_ns, 0)
    rate.read(159 * second_ns, 7)
    assert rate.per_min() is None
    rate.read(160 * second_ns, 7)
    assert rate.per_min() == 7


def test_five_thousand_products_are_wanted_at_most_and_none_once_its_deal_is_older_than_a_day():
    assert (LIMIT, STALE_MIN) == (5_000, 1_440)
    pool = pool_of(*(BacklogItem(NOW - n, 1, f"A{n}") for n in range(LIMIT)))
    assert (len(pool), pool.dropped) == (LIMIT, 0)


def test_taking_none_takes_none_and_taking_one_takes_the_newest():
    pool = pool_of(BacklogItem(NOW, 1, "A"), BacklogItem(NOW - 1, 1, "B"))
    assert pool.take(0) == []
    assert pool.take(1) == [BacklogItem(NOW, 1, "A")]
    assert len(pool) == 1
