"""What the server takes and what it refuses, and with which status."""

from __future__ import annotations

import json

import pytest

from tasks.simulator.api import deal_query, product_query
from tasks.simulator.api.fields import Refusal

GOOD = {"page": 0, "domainId": 1, "priceTypes": [2], "dateRange": 3}


def refusal(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    return caught.value.status


@pytest.mark.parametrize(
    "change",
    [
        {"domainId": "1"},
        {"dateRange": "3"},
        {"dateRange": 4},
        {"dateRange": None},
        {"priceTypes": 2},
        {"priceTypes": None},
        {"sortType": 0},
        {"page": 66},
        {"noSuchField": 1},
        {"isFilterEnabled": True, "isLowest": True, "brand": ["Kestrel"]},
        {"isRangeEnabled": True, "deltaPercentRange": [10, 80], "salesRankRange": [1, -1]},
        {"includeCategories": list(range(500))},
        {"titleSearch": "a b c"},
    ],
)
def test_a_selection_that_the_real_server_took_is_taken(change):
    assert deal_query.parse(json.dumps(GOOD | change)).domain == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"dateRange": 30}, 400),
        ({"domainId": None}, 400),
        ({"domainId": 7}, 400),
        ({"domainId": 12}, 400),
        ({"domainId": "com"}, 400),
        ({"priceTypes": []}, 400),
        ({"priceTypes": [1, 2]}, 400),
        ({"priceTypes": [4]}, 400),
        ({"priceTypes": [True]}, 400),
        ({"page": -1}, 405),
        ({"page": "x"}, 400),
        ({"sortType": 5}, 400),
        ({"isFilterEnabled": 1}, 400),
        ({"includeCategories": 5}, 400),
        ({"includeCategories": list(range(501))}, 405),
        ({"isFilterEnabled": True, "minRating": 51}, 405),
        ({"isFilterEnabled": True, "brand": "Kestrel"}, 400),
        ({"isRangeEnabled": True, "deltaPercentRange": [5, 80]}, 405),
        ({"isRangeEnabled": True, "deltaPercentRange": [10]}, 400),
        ({"isRangeEnabled": True, "priceTypes": [3], "deltaPercentRange": [20, 100]}, 405),
        ({"titleSearch": " ".join("w" * 51)}, 405),
    ],
)
def test_a_bad_selection_is_refused(change, status):
    assert refusal(deal_query.parse, json.dumps(GOOD | change)) == status


@pytest.mark.parametrize("body", ["", "{", "[]", "1", b"\xff", "%7B%7D"])
def test_a_selection_that_is_no_object_is_refused(body):
    assert refusal(deal_query.parse, body) == 400


def test_groups_that_are_switched_off_do_not_filter():
    query = deal_query.parse(json.dumps(GOOD | {"isLowest": True, "deltaPercentRange": [50, 80], "brand": ["x"]}))
    assert (query.flags, query.ranges, query.texts) == (frozenset(), (), ())


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"domain": "1"}, 400),
        ({"domain": "fr", "asin": "B000000000"}, 400),
        ({"domain": "7", "asin": "B000000000"}, 400),
        ({"domain": "1", "asin": "B000000000", "code": "4006381333931"}, 400),
        ({"domain": "1", "asin": "B000000000", "offers": "0"}, 400),
        ({"domain": "1", "asin": "B000000000", "offers": "19"}, 405),
        ({"domain": "1", "asin": "B000000000", "offers": "101"}, 405),
        ({"domain": "1", "asin": "B000000000", "category": "5"}, 400),
        ({"domain": "1", "asin": "B000000000", "stats": "soon"}, 400),
        ({"domain": "1", "asin": "B000000000", "history": "yes"}, 400),
        ({"domain": "1", "asin": ",".join(f"B{n:09d}" for n in range(101))}, 405),
    ],
)
def test_a_bad_product_request_is_refused(params, status):
    assert refusal(product_query.parse, params) == status


def test_unknown_and_misspelt_parameters_are_ignored():
    params = {"domain": "12", "asin": "B000000000", "only_live_offers": "1", "buyBox": "1"}
    query = product_query.parse(params)
    assert not query.only_live
    assert not query.buy_box


def test_stats_take_days_or_two_dates_in_either_order():
    base = {"domain": "1", "asin": "B000000000"}
    assert product_query.parse(base | {"stats": "180"}).stats.days == 180
    day = product_query.parse(base | {"stats": "2011-01-03,2011-01-02"}).stats
    assert (day.begin, day.end) == (1_440, 2_880)
    unix = product_query.parse(base | {"stats": "1293926400000,1294012800000"}).stats
    assert (unix.begin, unix.end) == (1_440, 2_880)
