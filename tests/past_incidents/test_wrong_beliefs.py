"""Beliefs that spread through the logs, each refuted by an equality against the server's own rules.

Rows 22, 47, 50, 54: without its history a product with offers is cheap; asking for the balance costs a token; sort 4
is by time; below -200 the key is locked for a day. What the server does is in the simulator, and that is held to
recorded replies by the tests of the contract.
"""

from __future__ import annotations

import pytest

from tests.past_incidents.server import Server

TICK_S = 60.0
OFFERS = {"domain": "1", "offers": "20", "update": "-1"}


def test_asking_for_the_balance_is_free_at_any_balance():
    server = Server()
    for balance in (300, 6, 0, -250):
        server.balance = balance
        assert {server.ask("/token")["tokensLeft"] for _ in range(50)} == {balance}


def test_leaving_the_history_out_of_products_with_offers_saves_nothing():
    server = Server()
    asins = ",".join(row["asin"] for row in server.page()[:20])
    cost = {}
    for history in ("0", "1"):
        server.balance = 300
        cost[history] = server.ask("/product", asin=asins, history=history, **OFFERS)["tokensConsumed"]
        assert server.balance == 300 - cost[history]
    assert cost["0"] == cost["1"]
    assert cost["0"] > 2 * 20, "one or two tokens a product, it was thought"
    server.balance = 300
    assert server.ask("/product", domain="1", asin=asins, history="1")["tokensConsumed"] == 20


def test_sort_4_is_by_percent_and_not_by_time_and_sort_1_is_by_the_time_of_the_deal():
    server = Server()
    by_percent, by_time = server.listing(sortType=4), server.listing(sortType=1)
    percent = [row["deltaPercent"][1][1] for row in by_percent]
    assert percent == sorted(percent, reverse=True)
    dates = [row["creationDate"] for row in by_percent]
    assert dates != sorted(dates, reverse=True)
    dates = [row["creationDate"] for row in by_time]
    assert dates == sorted(dates, reverse=True)
    for listed in (by_percent, by_time):
        updates = [row["lastUpdate"] for row in listed]
        assert updates != sorted(updates, reverse=True), "no order is by the last update"


@pytest.mark.parametrize("debt", [-199, -201, -350])
def test_a_debt_heals_by_one_refill_a_tick_whatever_its_depth_and_then_the_next_call_is_served(debt):
    server = Server(rate=5, tick_s=TICK_S)
    server.balance = debt
    while debt <= 0:
        assert server.balance == debt
        assert server.ask("/deal", selection='{"domainId":1,"priceTypes":[1],"dateRange":1}')["status"] == 429
        server.clock.advance_s(TICK_S)
        debt += 5
    assert server.ask("/deal", selection='{"domainId":1,"priceTypes":[1],"dateRange":1}')["status"] == 200
    assert server.balance == debt - 5
