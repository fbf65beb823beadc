from __future__ import annotations

from tasks.planning.backlog import LIMIT, STALE_MIN, BacklogItem, DetailBacklog

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


def test_five_thousand_products_are_wanted_at_most_and_none_once_its_deal_is_older_than_a_day():
    assert (LIMIT, STALE_MIN) == (5_000, 1_440)
    pool = pool_of(*(BacklogItem(NOW - n, 1, f"A{n}") for n in range(LIMIT)))
    assert (len(pool), pool.dropped) == (LIMIT, 0)


def test_taking_none_takes_none_and_taking_one_takes_the_newest():
    pool = pool_of(BacklogItem(NOW, 1, "A"), BacklogItem(NOW - 1, 1, "B"))
    assert pool.take(0) == []
    assert pool.take(1) == [BacklogItem(NOW, 1, "A")]
    assert len(pool) == 1
