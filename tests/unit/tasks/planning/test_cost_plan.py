"""What a day costs: sums worked out by hand, and what holds for any selections, settings and plans."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.cost_plan import cost_plan, walk_pages
from tasks.planning.cost_values import Allowance, Limits, OtherLoad, Rules, StreamLoad

SMALL = Allowance(rate=5, tick_s=60.0, balance=300, capacity=300)
RULES = Rules(detail_tokens=1, history_tokens=1, backfill_share=0.2)
LOAD = StreamLoad(name="a", deals=700, news_per_day=1_000)


def test_a_day_of_one_selection_on_the_smallest_plan():
    plan = cost_plan([LOAD], RULES, SMALL)
    (one,) = plan.wanted
    assert plan.income == 7_200
    assert plan.poll_interval_s == 300  # a page of 5 tokens is a fifth of the refill of five ticks
    assert one.listing == 288 * 5
    assert one.crawling == pytest.approx(5 * 5 * 1_440 / ((700 / 150 + 1) * 5 / (0.05 * 5)))
    assert (one.details, one.histories) == (1_000, 0)
    assert plan.spent == plan.wanted
    assert plan.expires == pytest.approx(7_200 - plan.total)
    assert plan.expires_in_s == pytest.approx(0, abs=1e-6)
    assert plan.details_part == 1
    assert plan.histories_per_day == pytest.approx(7_200 - plan.total)


def test_the_bucket_fills_first():
    plan = cost_plan([LOAD], RULES, replace(SMALL, balance=0))
    free = 7_200 - plan.total
    assert plan.expires == pytest.approx(free - 300)
    assert plan.expires_in_s == pytest.approx(86_400 * 300 / free)


def test_what_waits_is_fetched_with_what_is_left():
    plan = cost_plan([replace(LOAD, pending=1_000)], RULES, SMALL)
    assert plan.spent[0].histories == pytest.approx(1_000)
    assert plan.pending_days == pytest.approx(1_000 / plan.histories_per_day)
    never = cost_plan([replace(LOAD, pending=1_000, products_per_day=9_000)], RULES, SMALL)
    assert never.pending_days is None


def test_when_tokens_are_short_backfill_has_its_share_and_pages_come_first():
    plan = cost_plan([replace(LOAD, news_per_day=20_000, pending=50_000)], RULES, SMALL)
    (one,) = plan.spent
    assert one.crawling + one.histories == pytest.approx(0.2 * 7_200)
    assert one.listing == plan.wanted[0].listing
    assert plan.total == pytest.approx(7_200)
    assert plan.details_part == pytest.approx(one.details / 20_000)
    assert (plan.expires, plan.expires_in_s) == (0, None)


@given(st.floats(120, 7_000), st.integers(1, 6))
def test_a_budget_is_never_spent_on_reading_alone(budget, count):
    rules = replace(RULES, backfill=Limits(tokens=budget))
    loads = [replace(LOAD, name=str(nth), pending=10_000) for nth in range(count)]
    plan = cost_plan(loads, rules, replace(SMALL, rate=60))
    assert sum(one.crawling for one in plan.spent) <= budget / 2 + 1e-6
    assert plan.histories_per_day >= budget / 2 - 1e-6
    assert sum(one.histories for one in plan.spent) >= budget / 2 - 1e-6


def test_several_selections_share_the_fifth_that_listing_may_cost():
    plan = cost_plan([LOAD, replace(LOAD, name="b")], RULES, SMALL)
    assert plan.poll_interval_s == 600
    assert sum(one.listing for one in plan.spent) == 1_440


def test_a_set_interval_is_kept_and_a_call_takes_its_time():
    plan = cost_plan([LOAD], replace(RULES, poll_interval_s=58.0, call_s=2.0), SMALL)
    assert plan.wanted[0].listing == 86_400 / 60 * 5


@pytest.mark.parametrize(
    ("news", "deals", "pages"),
    [(0, 700, 1), (1_000, 700, 1), (144 * 150, 10_000, 1.5), (10**6, 700, 5), (10**7, 10**6, 67), (10**6, 149, 1)],
)
def test_a_walk_has_a_page_more_for_each_that_new_deals_fill(news, deals, pages):
    load = StreamLoad(name="a", deals=deals, news_per_day=news)
    assert walk_pages(load, 0.0) == pytest.approx(pages)


def test_what_is_too_old_is_fetched_again():
    rules = replace(RULES, history_max_age_d=30)
    assert cost_plan([LOAD], rules, SMALL).wanted[0].histories == pytest.approx(700 / 30)


LIST = OtherLoad(name="toys", kind="list", products=100, fetching=400, waiting=50)
SOURCE = OtherLoad(name="best", kind="source", products=500, reading=100, refresh_s=86_400, waiting=300)


def test_lists_and_sources_cost_what_they_ask_for_beside_the_selections():
    alone, plan = cost_plan([LOAD], RULES, SMALL), cost_plan([LOAD], RULES, SMALL, [LIST, SOURCE])
    assert [(one.kind, one.asking, one.products) for one in plan.others] == [("list", 0, 450), ("source", 100, 300)]
    assert plan.others == plan.others_wanted
    assert plan.total == pytest.approx(alone.total + 850)
    assert plan.expires == pytest.approx(alone.expires - 850)
    assert plan.spent == alone.spent
    assert plan.histories_per_day == pytest.approx(alone.histories_per_day - 400 - 100)  # what waits is once
    assert plan.pending_days == pytest.approx(300 / plan.histories_per_day)


def test_when_tokens_are_short_lists_share_with_details_and_sources_with_histories():
    load = replace(LOAD, news_per_day=20_000, pending=50_000)
    lists, sources = replace(LIST, fetching=20_000, waiting=0), replace(SOURCE, waiting=50_000)
    plan = cost_plan([load], RULES, SMALL, [lists, sources])
    (one,), (toys, best) = plan.spent, plan.others
    assert toys.products == pytest.approx(one.details)
    assert best.asking == 100
    assert best.products == pytest.approx(one.histories)
    assert plan.total == pytest.approx(7_200)
    assert one.crawling + one.histories + best.total == pytest.approx(0.2 * 7_200)


def test_what_limits_deny_a_job_is_told():
    limits = replace(RULES, upsert=Limits(tokens=500), backfill=Limits(tokens=100))
    plan = cost_plan([LOAD], limits, SMALL, [LIST, SOURCE])
    wanted = plan.wanted[0]
    assert plan.withheld == {
        "upsert": pytest.approx(wanted.listing + wanted.details + 450 - 500),
        "backfill": pytest.approx(wanted.crawling + 400 - 100),
    }
    assert plan.total == pytest.approx(600)
    assert set(cost_plan([LOAD], RULES, SMALL, [LIST]).withheld.values()) == {0}


def test_a_source_is_asked_in_the_hours_of_backfill_alone():
    hours = replace(RULES, backfill=Limits(day_part=0.25))
    hourly, daily, weekly = (replace(SOURCE, refresh_s=hours_each * 3_600) for hours_each in (1, 24, 168))
    plan = cost_plan([LOAD], hours, SMALL, [hourly, daily, weekly])
    # Six times in six hours, and what is rarely due not more rarely for that.
    assert [one.asking for one in plan.others_wanted] == [pytest.approx(tokens) for tokens in (600, 100, 100 / 7)]
    assert (
        cost_plan([LOAD], hours, SMALL, []).wanted[0].crawling
        > 0.9 * cost_plan([LOAD], RULES, SMALL).wanted[0].crawling / 4
    )


LOADS = st.lists(
    st.builds(
        StreamLoad,
        name=st.just("a"),
        deals=st.floats(0, 1e6),
        news_per_day=st.floats(0, 1e6),
        products_per_day=st.floats(0, 1e6),
        pending=st.floats(0, 1e6),
    ),
    max_size=5,
)
ALL_RULES = st.builds(
    Rules,
    detail_tokens=st.sampled_from([0.0, 1.0, 7.0]),
    history_tokens=st.sampled_from([1.0, 7.0]),
    backfill_share=st.floats(0, 0.5),
    poll_interval_s=st.none() | st.floats(1, 86_400),
    history_max_age_d=st.sampled_from([0.0, 30.0]),
    call_s=st.floats(0, 60),
)
TOKENS = st.floats(0, 1e6)
A_LIST = st.builds(replace, st.just(LIST), fetching=TOKENS, waiting=TOKENS)
A_SOURCE = st.builds(
    replace, st.just(SOURCE), reading=st.floats(0, 1e5), refresh_s=st.floats(3_600, 30 * 86_400), waiting=TOKENS
)
OTHERS = st.lists(A_LIST | A_SOURCE, max_size=4)
RATES = st.sampled_from([1, 5, 20, 60, 250, 1_200])


def allowance(rate, filled):
    return Allowance(rate=rate, tick_s=60.2, balance=60 * rate * filled, capacity=60 * rate)


@given(LOADS, ALL_RULES, RATES, st.floats(0, 1), OTHERS)
def test_no_day_costs_more_than_there_is_or_than_is_wanted(loads, rules, rate, filled, others):
    plan = cost_plan(loads, rules, allowance(rate, filled), others)
    near = 1e-6 * (1 + plan.income)
    assert plan.total <= plan.income + near
    for spent, wanted in zip(plan.spent, plan.wanted, strict=True):
        parts = ("listing", "crawling", "details", "histories")
        assert all(0 <= getattr(spent, part) <= getattr(wanted, part) + near for part in parts)
    assert 0 <= plan.details_part <= 1 + 1e-9
    assert plan.expires >= 0
    assert (plan.expires_in_s is None) == (plan.expires == 0)
    # Nothing is left lying while somebody wants it.
    short = sum(one.total for one in plan.wanted) + sum(one.total for one in plan.others_wanted) - plan.total
    assert short <= near or plan.total == pytest.approx(plan.income)


@given(LOADS.filter(bool), ALL_RULES, RATES, OTHERS)
def test_backfill_gets_its_share_or_all_that_it_wants(loads, rules, rate, others):
    plan = cost_plan(loads, rules, allowance(rate, 1), others)
    spent = sum(one.crawling + one.histories for one in plan.spent) + plan.of_others("source")
    wanted = sum(one.crawling + one.histories for one in plan.wanted)
    wanted += sum(one.total for one in plan.others_wanted if one.kind == "source")
    assert spent >= min(wanted, rules.backfill_share * plan.income) * (1 - 1e-9) - 1e-9


@given(LOADS.filter(bool), ALL_RULES)
def test_a_larger_plan_never_fetches_less(loads, rules):
    plans = [cost_plan(loads, rules, allowance(rate, 1)) for rate in (5, 20, 60, 250, 1_200)]
    listed = [plan.poll_interval_s for plan in plans]
    assert listed == sorted(listed, reverse=True)
