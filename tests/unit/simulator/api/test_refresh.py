"""A product moves on when it is fetched, and the market goes its own way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.simulator.api import products
from tasks.simulator.api.product_query import ProductQuery
from tasks.simulator.api.refresh import Refreshes
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.market import Market, Scope
from tasks.simulator.market.price_timeline import EPOCH_MINUTE

NOW_MINUTE = 8_300_000
MINUTE_MS = 60_000
NOW_MS = (NOW_MINUTE + EPOCH_MINUTE) * MINUTE_MS
PLAIN = ProductQuery(domain=1)
SIZE = 80


@pytest.fixture(scope="module")
def market():
    return Market(Scope(seed=7, products=SIZE, closed_share=0.0))


def age(market, index):
    """Minutes since the market looked at a product by itself."""
    return NOW_MINUTE - market.state(market.item(index), 1, NOW_MS).last_update


def fetch(market, index, refreshes, *, after_min=0, **changes):
    at_ms = NOW_MS + after_min * MINUTE_MS
    return products.answer(market, market.item(index).asin, replace(PLAIN, **changes), at_ms, refreshes)


def indexes(market, low, high):
    found = [index for index in range(SIZE) if low <= age(market, index) < high and not market.item(index).is_early]
    assert found
    return found


def test_a_product_older_than_an_hour_is_looked_at_and_a_younger_one_is_not(market):
    for index in indexes(market, 60, 2_000):
        assert fetch(market, index, Refreshes()).body["lastUpdate"] == NOW_MINUTE
    for index in indexes(market, 0, 60):
        assert NOW_MINUTE - fetch(market, index, Refreshes()).body["lastUpdate"] == age(market, index)


@pytest.mark.parametrize(("update_h", "is_new"), [(0, True), (1, True), (48, False), (-1, False)])
def test_update_says_how_old_a_product_may_be(market, update_h, is_new):
    for index in indexes(market, 90, 2_000):
        body = fetch(market, index, Refreshes(), update_h=update_h, is_update_asked=True).body
        assert (body["lastUpdate"] == NOW_MINUTE) == is_new


def test_offers_are_collected_anew_unless_the_request_takes_older_ones(market):
    for index in indexes(market, 1, 60)[:5]:
        assert fetch(market, index, Refreshes(), offers=20).body["lastUpdate"] == NOW_MINUTE
        older = fetch(market, index, Refreshes(), offers=20, update_h=2, is_update_asked=True).body
        assert older["lastUpdate"] < NOW_MINUTE


def test_a_second_fetch_within_the_hour_finds_what_the_first_found(market):
    for index in indexes(market, 60, 200):
        refreshes = Refreshes()
        first = fetch(market, index, refreshes)
        again = fetch(market, index, refreshes, after_min=1)
        if market.state(market.item(index), 1, NOW_MS + MINUTE_MS) == market.state(market.item(index), 1, NOW_MS):
            assert again.body == first.body
            assert again.outcome.age_min == 1


def test_a_fetched_product_is_ahead_of_the_market_and_its_history_goes_on_strictly_forward(market):
    changed = 0
    for index in indexes(market, 60, 2_000):
        before = fetch(market, index, Refreshes(), update_h=-1).body
        after = fetch(market, index, Refreshes()).body
        changed += before["csv"] != after["csv"]
        for kind, points in enumerate(after["csv"]):
            minutes = (points or [])[:: 3 if kind in pt.TRIPLES else 2]
            assert minutes == sorted(set(minutes))
            assert not minutes or minutes[-1] <= after["lastUpdate"]
        rank = before["csv"][pt.SALES]
        assert after["csv"][pt.SALES][: len(rank)] == rank
    assert changed > 20


def test_fetching_changes_nothing_for_the_market(market):
    states = [market.state(market.item(index), 1, NOW_MS) for index in range(SIZE)]
    refreshes = Refreshes()
    for index in range(SIZE):
        fetch(market, index, refreshes, update_h=0, is_update_asked=True)
    assert [market.state(market.item(index), 1, NOW_MS) for index in range(SIZE)] == states


def test_the_age_that_a_cost_depends_on_is_that_before_the_fetch(market):
    for index in indexes(market, 60, 2_000):
        refreshes = Refreshes()
        assert fetch(market, index, refreshes).outcome.age_min == age(market, index)


def test_what_was_fetched_later_is_not_known_earlier(market):
    index = indexes(market, 60, 2_000)[0]
    refreshes = Refreshes()
    fetch(market, index, refreshes, after_min=5)
    assert fetch(market, index, refreshes, update_h=-1).body["lastUpdate"] == NOW_MINUTE - age(market, index)
