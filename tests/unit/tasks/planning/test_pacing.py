from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.planning.pacing import (
    DAY_S,
    attempt_limit,
    batch_size,
    crawl_interval_s,
    fit,
    poll_interval_s,
    times_a_day,
    together,
)


@pytest.mark.parametrize(
    ("rate", "tick_s", "expected_s"),
    [(5, 60.0, 300.0), (25, 60.0, 60.0), (60, 60.0, 60.0), (20, 3.0, 3.75), (5, 3.0, 15.0)],
)
def test_one_page_costs_at_most_a_fifth_of_the_refill_and_polls_are_a_tick_apart(rate, tick_s, expected_s):
    found = poll_interval_s(floor_tokens=5, usual_tokens=5, rate=rate, tick_period_s=tick_s)
    assert found == pytest.approx(expected_s)


def test_several_selections_stretch_the_interval():
    assert poll_interval_s(floor_tokens=15, usual_tokens=0, rate=5, tick_period_s=60) == pytest.approx(900)


def test_costly_polls_stretch_the_interval_but_never_out_of_sight():
    assert poll_interval_s(floor_tokens=5, usual_tokens=10, rate=5, tick_period_s=60) == pytest.approx(600)
    assert poll_interval_s(floor_tokens=5, usual_tokens=900, rate=5, tick_period_s=60) == pytest.approx(1200)


@pytest.mark.parametrize(
    ("tokens", "rate", "expected_min"),
    [(35, 5, 140), (335, 5, 1340), (5000, 5, 1440), (35, 60, 60), (35, 0, 1440)],
)
def test_crawling_again_costs_at_most_a_twentieth_of_the_refill_within_an_hour_and_a_day(tokens, rate, expected_min):
    assert crawl_interval_s(tokens=tokens, rate=rate, tick_period_s=60) == pytest.approx(expected_min * 60)


@given(st.integers(5, 400), st.integers(1, 1200), st.integers(1, 12), st.floats(1, 100_000))
def test_a_budget_leaves_half_of_itself_to_products_and_never_makes_crawls_more_frequent(tokens, rate, count, budget):
    free = crawl_interval_s(tokens=tokens, rate=rate, tick_period_s=60)
    held = crawl_interval_s(tokens=tokens, rate=rate, tick_period_s=60, budget=budget, selections=count)
    assert held >= free
    a_day = count * tokens * 86_400 / held
    assert a_day <= budget / 2 * 1.0001 or held == pytest.approx(7 * 86_400)


@given(st.integers(5, 100), st.integers(0, 1200), st.floats(10, 100_000))
def test_looks_leave_half_of_a_budget_to_details_and_happen_once_a_day_at_least(tokens, rate, budget):
    free = poll_interval_s(floor_tokens=tokens, usual_tokens=tokens, rate=rate, tick_period_s=60)
    held = poll_interval_s(floor_tokens=tokens, usual_tokens=tokens, rate=rate, tick_period_s=60, budget=budget)
    assert held >= free
    assert tokens * 86_400 / held <= budget / 2 * 1.0001 or held >= 86_400


def test_without_any_budget_left_a_selection_is_read_once_a_week():
    assert crawl_interval_s(tokens=35, rate=5, tick_period_s=60, budget=0) == 7 * 86_400


def test_before_the_first_reading_the_interval_is_one_tick():
    assert poll_interval_s(floor_tokens=5, usual_tokens=5, rate=0, tick_period_s=60.2) == 60.2


@given(st.integers(1, 20), st.integers(0, 500), st.integers(1, 100))
def test_fit_finds_the_largest_affordable_batch(per_item, tokens, most):
    size = fit(lambda n: per_item * n, tokens=tokens, max_items=most)
    assert per_item * size <= tokens or size == 0
    assert size == most or per_item * (size + 1) > tokens


@given(
    per_item=st.integers(1, 60),
    now=st.integers(-100, 400),
    ever=st.integers(0, 400),
    tick=st.integers(0, 60),
)
def test_a_batch_is_never_larger_than_what_can_be_had_at_all(per_item, now, ever, tick):
    ever = max(now, ever)
    size = batch_size(lambda n: per_item * n, now=now, ever=ever, tick_tokens=tick, max_items=100)
    assert 1 <= size <= 100
    assert size == 1 or per_item * size <= ever


def test_a_batch_takes_all_that_is_there_or_waits_for_one_tick():
    assert batch_size(lambda n: n, now=42, ever=150, tick_tokens=5, max_items=100) == 42
    assert batch_size(lambda n: n, now=0, ever=150, tick_tokens=5, max_items=100) == 5
    assert batch_size(lambda n: 10 * n, now=3, ever=150, tick_tokens=5, max_items=20) == 1


def test_items_refused_before_are_asked_for_in_ever_smaller_groups():
    assert [attempt_limit(n, 0, 100) for n in range(4)] == [100, 12, 1, 1]
    items = [("a", 0), ("b", 1), ("c", 1), ("d", 0)]
    chosen, rest = together(items, lambda item: (item[1], 0), 100)
    assert chosen == [("b", 1), ("c", 1)]
    assert rest == [("a", 0), ("d", 0)]
    assert together([], lambda _item: (0, 0), 100) == ([], [])


def test_one_death_changes_nothing_and_more_of_them_make_the_company_smaller():
    assert [attempt_limit(0, n, 100) for n in range(9)] == [100, 100, 50, 25, 12, 6, 3, 1, 1]
    items = [("a", 0), ("b", 1), ("c", 2), ("d", 0)]
    assert together(items, lambda item: (0, item[1]), 100) == ([("c", 2)], [("a", 0), ("b", 1), ("d", 0)])
    assert together(items[:2], lambda item: (0, item[1]), 100) == (items[:2], [])


def test_the_smallest_plan_has_intervals_of_its_own():
    assert poll_interval_s(floor_tokens=5, usual_tokens=5, rate=1, tick_period_s=60) == 25 * 60
    assert crawl_interval_s(tokens=35, rate=1, tick_period_s=60) == 700 * 60


def test_one_item_that_can_be_had_at_once_is_not_exchanged_for_several_later():
    assert batch_size(lambda n: n, now=1, ever=150, tick_tokens=5, max_items=100) == 1


def test_where_a_tick_or_the_plan_brings_nothing_one_item_is_asked_for():
    assert batch_size(lambda n: n, now=0, ever=150, tick_tokens=0, max_items=100) == 1
    assert batch_size(lambda n: n, now=0, ever=0, tick_tokens=5, max_items=100) == 1
    assert batch_size(lambda n: n, now=0, ever=3, tick_tokens=5, max_items=100) == 3


@settings(max_examples=25)  # each goes through months, hour by hour
@given(every_h=st.integers(1, 24 * 10), opened_h=st.integers(1, 24))
def test_what_is_due_is_done_within_the_hours_as_often_as_one_who_looks_each_hour_does_it(every_h, opened_h):
    days, due_h, done = 400, 0, 0
    for hour in range(days * 24):
        if hour >= due_h and hour % 24 < opened_h:
            done, due_h = done + 1, hour + every_h
    assert times_a_day(every_h * 3_600, opened_h / 24) == pytest.approx(done / days, rel=0.05, abs=0.01)


@given(every_s=st.floats(60, 30 * DAY_S), day_part=st.floats(0.01, 1))
def test_hours_never_make_it_more_often_and_of_the_rare_they_put_off_none_by_more_than_a_day(every_s, day_part):
    found = times_a_day(every_s, day_part)
    assert DAY_S / (every_s + DAY_S) <= found * (1 + 1e-6)
    assert found <= DAY_S / every_s * (1 + 1e-6)
