"""Requests: what they carry and what they are booked as."""

import json

import pytest

from ledger import DEFAULT_TIERS, Shape, TokenLedger
from ledger.clock import ManualClock
from tasks.keepa.request import DealRequest, ProductRequest, TokenRequest, is_asin, max_asins
from tasks.keepa.selection.selection import parse

ASINS = ("B000000001", "055299068X")
SELECTION = parse({"domainId": 1, "priceTypes": [2]}, name="s")


def test_a_token_request_carries_nothing_and_costs_nothing():
    request = TokenRequest()
    assert (request.endpoint, request.method, request.items, request.params()) == ("/token", "GET", 0, {})
    assert request.shape == Shape(name="token", items=0, prior=0.0)
    assert request.body() is None


def test_a_deal_request_carries_the_selection_with_its_page():
    request = DealRequest(SELECTION.with_(page=5), 2)
    assert (request.endpoint, request.method, request.items, request.body()) == ("/deal", "GET", 1, None)
    assert json.loads(request.params()["selection"]) == {"domainId": 1, "priceTypes": [2], "page": 2}
    assert request.shape == Shape(name="deal", items=1, prior=5)


def test_a_deal_request_with_a_long_selection_is_posted():
    request = DealRequest(SELECTION.with_(includeCategories=list(range(10**9, 10**9 + 500))), 0)
    assert (request.method, request.params()) == ("POST", {})
    assert len(json.loads(request.body())["includeCategories"]) == 500


def test_pages_count_from_zero():
    with pytest.raises(ValueError, match="page -1"):
        DealRequest(SELECTION, -1)


@pytest.mark.parametrize(
    ("detail", "prior", "most", "more"),
    [
        ("stats", 1, 1, {"history": "0"}),
        ("history", 1, 1, {"history": "1", "videos": "1", "aplus": "1"}),
        ("offers", 10, 12, {"history": "1", "videos": "1", "aplus": "1", "offers": "20"}),
    ],
)
def test_a_product_request_asks_for_what_the_detail_says(detail, prior, most, more):
    request = ProductRequest(3, ASINS, detail)
    assert (request.endpoint, request.method, request.items, request.body()) == ("/product", "GET", 2, None)
    assert request.params() == {"domain": "3", "asin": "B000000001,055299068X", "stats": "90", **more}
    assert request.shape == Shape(name=f"product:{detail}", items=2, prior=prior, most=most)


@pytest.mark.parametrize("detail", ["stats", "history", "offers"])
def test_a_product_request_takes_as_many_asins_as_the_server(detail):
    most = max_asins(detail)
    asins = tuple(f"B{number:09d}" for number in range(most + 1))
    assert ProductRequest(1, asins[:most], detail).items == most == {"offers": 20}.get(detail, 100)
    for wrong in (asins, ()):
        with pytest.raises(ValueError, match=f"takes 1 to {most}"):
            ProductRequest(1, wrong, detail)


def test_what_is_no_asin_is_not_asked_for():
    for wrong in ('="B000000001"', "b000000001", "B00000000", "B000000001 ", "", "B00000000\u0661", "B000000001\n"):
        assert not is_asin(wrong)
        with pytest.raises(ValueError, match="not an ASIN"):
            ProductRequest(1, ("B000000001", wrong), "stats")


def test_a_domain_that_does_not_exist_is_not_asked():
    with pytest.raises(ValueError, match="domain 7"):
        ProductRequest(7, ASINS, "stats")
    assert ProductRequest(12, ASINS, "stats").domain == 12


def test_the_ledger_takes_every_shape_and_reserves_the_first_guess():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock())
    estimates = {
        request.shape.name: ledger.estimate(request.shape)
        for request in (
            DealRequest(SELECTION, 0),
            *(ProductRequest(1, ASINS, d) for d in ("stats", "history", "offers")),
        )
    }
    ledger.close()
    assert estimates == {"deal": 5, "product:stats": 2, "product:history": 2, "product:offers": 20}
