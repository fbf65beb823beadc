"""Offers bear out the prices, the gone ones stay listed, and `days` cuts both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.simulator.api import products
from tasks.simulator.api.product_query import ProductQuery, StatsSpan
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.market import Market, Scope
from tasks.simulator.market.price_timeline import EPOCH_MINUTE

NOW_MINUTE = 8_300_000
NOW_MS = (NOW_MINUTE + EPOCH_MINUTE) * 60_000
QUERY = ProductQuery(domain=1, offers=20, stock=True, stats=StatsSpan(90))
SIZE = 160


@pytest.fixture(scope="module")
def market():
    return Market(Scope(seed=3, products=SIZE, closed_share=0.0))


@pytest.fixture(scope="module")
def bodies(market):
    return [products.answer(market, market.item(index).asin, QUERY, NOW_MS).body for index in range(SIZE)]


@pytest.fixture(scope="module")
def offers(bodies):
    return [offer for body in bodies for offer in body["offers"]]


def test_some_products_keep_a_hundred_offers_that_are_gone(bodies):
    gone = [len(body["offers"]) - len(body["liveOffersOrder"]) for body in bodies]
    assert max(gone) > 100
    assert sorted(gone)[SIZE // 2] < 10


def test_the_order_of_the_page_is_not_that_of_the_list(bodies):
    orders = [body["liveOffersOrder"] for body in bodies if len(body["liveOffersOrder"]) > 1]
    assert any(order != sorted(order) for order in orders)
    assert all(len(set(order)) == len(order) for order in orders)


def test_amazon_and_its_warehouse_sell_at_their_own_prices(bodies):
    seen = set()
    for body in bodies:
        current = body["stats"]["current"]
        for offer in (body["offers"][at] for at in body["liveOffersOrder"]):
            for flag, kind in (("isAmazon", pt.AMAZON), ("isWarehouseDeal", pt.WAREHOUSE)):
                if offer[flag]:
                    seen.add(flag)
                    assert sum(offer["offerCSV"][-2:]) == current[kind]
                    assert offer["isFBA"]
    assert seen == {"isAmazon", "isWarehouseDeal"}


def test_who_has_the_buy_box_does_not_depend_on_what_is_asked_beside_it(market, bodies):
    alone = replace(QUERY, offers=0, stock=False, buy_box=True)
    winner = ("IsFBA", "IsAmazon", "IsShippable", "IsUnqualified", "Price", "Shipping", "SellerId", "IsPrimeEligible")
    ships = set()
    for body in bodies:
        stats = products.answer(market, body["asin"], alone, NOW_MS).body["stats"]
        assert [stats[f"buyBox{name}"] for name in winner] == [body["stats"][f"buyBox{name}"] for name in winner]
        ships.add(stats["buyBoxIsFBA"])
    assert ships == {True, False}


def test_all_kinds_of_condition_and_of_extra_are_there(offers):
    assert {offer["condition"] for offer in offers} >= {1, 2, 3, 4, 5, 6, 8, 9, 10}
    names = {name for offer in offers for name in offer}
    assert names >= {"coupon", "couponHistory", "offerDuplicates", "primeExclCSV", "stockCSV", "minOrderQty"}
    assert max(len(offer["offerCSV"]) // 3 for offer in offers) > 200


def test_every_price_history_moves_strictly_forward(offers):
    for offer in offers:
        minutes = offer["offerCSV"][::3]
        assert minutes == sorted(set(minutes))


def test_days_leave_out_what_is_older_but_for_the_last_price(market, bodies):
    cut = 0
    since = NOW_MINUTE - 30 * 1_440
    for index, whole in enumerate(bodies[:100]):
        query = replace(QUERY, days=30)
        body = products.answer(market, market.item(index).asin, query, NOW_MS).body
        cut += len(body["offers"]) < len(whole["offers"])
        assert all(offer["lastSeen"] >= since - 1_440 for offer in body["offers"])
        for offer in body["offers"]:
            minutes = offer["offerCSV"][::3]
            assert len(minutes) == 1 or minutes[0] >= since - 1_440
        for name in ("buyBoxSellerIdHistory", "buyBoxUsedHistory"):
            step = 2 if name == "buyBoxSellerIdHistory" else 4
            minutes = [int(minute) for minute in (body.get(name) or [])[::step]]
            assert len(minutes) < 2 or minutes[0] >= since - 1_440
    assert cut > 30


def test_stocks_are_summed_by_condition(bodies):
    for body in bodies:
        if not body["liveOffersOrder"]:
            continue
        live = [body["offers"][at] for at in body["liveOffersOrder"]]
        stats = body["stats"]
        total = sum(stats["stockPerCondition3rdFBA"]) + sum(stats["stockPerConditionFBM"])
        assert total == sum(offer["stockCSV"][-1] for offer in live)
        assert (stats["stockAmazon"] > 0) == any(offer["isAmazon"] for offer in live)
        assert stats["stockAmazon"] <= 10
