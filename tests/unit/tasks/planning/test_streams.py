"""What is walked: every selection in every locale, once; its parts, and what it can be divided by."""

import pytest

from tasks.planning.crawl_steps import HIGHEST, Divisions, Partition
from tasks.planning.streams import NO_CATEGORY, WantedStreams, streams, wanted_streams
from tasks.settings import SelectionSettings

QUERY = {"priceTypes": [1], "dateRange": 3, "isFilterEnabled": True, "isRangeEnabled": False, "sortType": 4}


def stream(**changes):
    (only,) = streams([SelectionSettings(name="mine", query=QUERY | changes)], [1])
    return only


def test_each_selection_is_one_stream_in_each_locale_and_the_same_twice_is_one():
    given = [SelectionSettings(name=name, query=QUERY) for name in ("one", "two")]
    found = streams([*given, SelectionSettings(name="own", query=QUERY | {"domainId": 3})], [1, 2])
    assert [(each.selection.name, each.domain) for each in found] == [("one", 1), ("one", 2), ("own", 3)]
    assert {each.selection.query["sortType"] for each in found} == {1}, "the newest deal first"


def test_a_stream_is_called_by_its_selection_and_its_locale():
    assert stream().quarantine_key == "mine, domain 1"
    assert stream().label.startswith("mine, ")


@pytest.mark.parametrize(("named", "expected"), [([5], True), ([], False)])
def test_a_stream_knows_whether_it_names_categories(named, expected):
    assert stream(includeCategories=named).names_categories is expected


def test_the_whole_of_a_stream_is_asked_for_as_it_is_and_a_part_by_category_and_price():
    whole = stream(includeCategories=[5, 9])
    assert whole.within(Partition()).query == whole.selection.query
    assert whole.within(Partition(5)).query["includeCategories"] == [5]
    assert "currentRange" not in whole.within(Partition(5)).query
    part = whole.within(Partition(9, 100, 200)).query
    assert (part["includeCategories"], part["currentRange"]) == ([9], [100, 200])


def test_what_is_of_no_known_category_is_asked_for_by_leaving_out_all_others():
    assert NO_CATEGORY == 9_223_372_036_854_775_807
    part = stream().within(Partition(NO_CATEGORY), [5, 9, NO_CATEGORY]).query
    assert part["excludeCategories"] == [5, 9]
    assert not part.get("includeCategories")


def test_a_stream_is_divided_by_the_categories_that_its_page_lists_and_their_counts():
    assert stream().divisions({9: 1, 5: 2}) == Divisions(categories=(5, 9), counts={9: 1, 5: 2}, price_high=HIGHEST)


def test_a_stream_that_names_its_categories_is_divided_by_them_without_counts():
    assert stream(includeCategories=[5, 9]).divisions({5: 1, 7: 2}) == Divisions(categories=(5, 9), counts={})


def test_the_prices_a_stream_asks_for_bound_those_of_its_parts():
    priced = stream(isRangeEnabled=True, currentRange=[100, 900]).divisions({})
    assert (priced.price_low, priced.price_high) == (100, 900)
    unbounded = stream(isRangeEnabled=True, currentRange=[-1, -1]).divisions({})
    assert (unbounded.price_low, unbounded.price_high) == (0, HIGHEST)
    free = stream(isRangeEnabled=True, currentRange=[0, 0]).divisions({})
    assert (free.price_low, free.price_high) == (0, 0)


@pytest.mark.parametrize(("others", "is_left_out"), [(499, False), (500, True)])
def test_what_is_of_no_category_is_walked_while_a_query_can_leave_out_all_others(others, is_left_out):
    counts = dict.fromkeys([*range(1, others + 1), NO_CATEGORY], 1)
    assert (NO_CATEGORY not in stream().divisions(counts).categories) is is_left_out


def test_the_streams_of_the_settings_are_what_is_wanted_of_the_queue_and_none_is_all_of_it():
    found = streams([SelectionSettings(name="one", query=QUERY)], [3, 1])
    assert wanted_streams(found) == WantedStreams(keys=tuple(each.key for each in found), domains=(3, 1))
    assert wanted_streams([]) is None
