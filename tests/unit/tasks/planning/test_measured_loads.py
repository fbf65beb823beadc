"""Loads from what is listed and what calls have cost."""

import pytest

from tasks.planning.cost_values import Allowance, Rules
from tasks.planning.measured_loads import DAY_S, Fetched, StreamSeen, measured_loads, window_s

RULES = Rules(detail_tokens=1, history_tokens=1, backfill_share=0.2)
LARGE = Allowance(rate=1_000, tick_s=60.0)
SEEN = (
    StreamSeen(name="a", deals=700, news=90, of_the_day=200, pending=0),
    StreamSeen(name="b", deals=70, news=60, of_the_day=100, pending=0),
)


def news(loads):
    return [load.news_per_day for load in loads]


def test_without_calls_the_deals_of_the_last_hours_tell_the_day():
    loads = measured_loads(SEEN, Fetched(seconds=0.0), RULES, LARGE)
    assert news(loads) == [400, 200]
    assert [(load.name, load.deals, load.products_per_day) for load in loads] == [("a", 700, 0), ("b", 70, 0)]


def test_what_was_fetched_is_divided_as_the_new_deals_are():
    fetched = Fetched(seconds=DAY_S / 2, by_upsert=360, by_backfill=30)
    loads = measured_loads(SEEN, fetched, RULES, LARGE)
    assert news(loads) == pytest.approx([480, 240])
    assert [load.products_per_day for load in loads] == pytest.approx([40, 20])


def test_while_histories_are_loaded_what_backfill_fetched_is_no_measure():
    seen = (SEEN[0], StreamSeen(name="b", deals=70, news=60, of_the_day=100, pending=9))
    loads = measured_loads(seen, Fetched(seconds=DAY_S, by_upsert=600, by_backfill=5_000), RULES, LARGE)
    assert [load.products_per_day for load in loads] == [0, 0]
    assert [load.pending for load in loads] == [0, 9]


def test_when_tokens_are_short_what_was_fetched_is_less_than_what_was_wanted():
    short = Allowance(rate=1, tick_s=60.0)
    many = (StreamSeen(name="a", deals=7_000, news=1_000, of_the_day=2_000, pending=0),)
    assert news(measured_loads(many, Fetched(seconds=DAY_S, by_upsert=900), RULES, short)) == [4_000]
    assert news(measured_loads(many, Fetched(seconds=DAY_S, by_upsert=5_000), RULES, short)) == [5_000]


def test_without_details_calls_say_nothing_of_new_deals():
    rules = Rules(detail_tokens=0, history_tokens=1, backfill_share=0.2)
    assert news(measured_loads(SEEN, Fetched(seconds=DAY_S, by_upsert=0), rules, LARGE)) == [400, 200]


def test_nothing_listed_is_no_load():
    assert measured_loads((), Fetched(seconds=DAY_S, by_upsert=7), RULES, LARGE) == ()
    still = (StreamSeen(name="a", deals=0, news=0, of_the_day=0, pending=0),)
    assert news(measured_loads(still, Fetched(seconds=DAY_S, by_upsert=7), RULES, LARGE)) == [0]


@pytest.mark.parametrize(
    ("age_s", "seconds"), [(0, 0), (7_000, 0), (7_200, 3_600), (86_400, 43_200), (10 * DAY_S, DAY_S)]
)
def test_the_later_half_of_the_time_is_looked_at_and_at_most_a_day(age_s, seconds):
    assert window_s(age_s) == seconds
