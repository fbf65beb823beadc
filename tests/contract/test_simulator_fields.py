"""Every field that the official client documents is sent by the simulator, in the shape of its struct."""

from __future__ import annotations

import json

import pytest
from keepa.models import backend

from tasks.keepa.decode.replies import decode_products
from tasks.simulator.api import unknown
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.simulator.service import Request

# Only a parent has these, and `variationCSV` is not sent any more.
OF_PARENTS = {"variations", "variationCSV"}
EVERYTHING = {"stats": 90, "offers": 20, "rating": 1, "buybox": 1, "stock": 1, "videos": 1, "aplus": 1}
MORE = {"rental": 1, "historical-variations": 1}
PARTS = ("aPlus", "deals", "formats", "hazardousMaterials", "images", "promotions", "reviews", "unitCount", "videos")
SEED_PRODUCTS = 400


@pytest.fixture(scope="module")
def ask():
    """A function that gives the products of a market that stands still, for parameters."""
    still = {"market_minute": 8_300_000}
    config = SimulatorConfig(deals=500, rate=100_000, start_balance=6_000_000, closed_share=0.0, **still)
    server = SimulatorServer(config)
    market = server.service._market
    asins = [market.item(index).asin for index in range(SEED_PRODUCTS)]

    def products(count=SEED_PRODUCTS, **options):
        found = []
        for at in range(0, count, 100):
            params = {"key": "k", "domain": "1", "asin": ",".join(asins[at : min(count, at + 100)])}
            params |= {name: str(value) for name, value in options.items()}
            found += json.loads(server.service.answer(Request("GET", "/product", params)).body)["products"]
        return found

    yield products
    server.stop()


@pytest.fixture(scope="module")
def everything(ask):
    return ask(**EVERYTHING | MORE)


def told(objects):
    """The names of the fields that hold something in one of the objects."""
    return {name for each in objects for name, value in each.items() if value is not None}


def fields(name):
    return set(getattr(backend, name).model_fields)


def test_each_field_of_a_product_is_sent_by_some(everything):
    assert fields("Product") - told(everything) <= OF_PARENTS
    assert "primeDealEndTime" in told(everything)


def test_each_figure_is_sent_by_some(everything):
    assert fields("Stats") - told(product["stats"] for product in everything) == {
        *("buyBoxIsBackorder", "buyBoxIsPrimePantry", "buyBoxMaxOrderQuantity", "buyBoxMinOrderQuantity"),
    }
    assert "buyBoxShippingTime" in told(product["stats"] for product in everything)


def test_each_field_of_an_offer_is_sent_by_some(everything):
    assert fields("Offer") <= told(offer for product in everything for offer in product["offers"])


def test_all_of_them_have_the_types_of_the_official_client(everything):
    for product in everything:
        backend.Product.model_validate_json(json.dumps(product), strict=True)


def test_our_client_has_a_field_for_each_but_the_made_up_ones(everything):
    batch = decode_products(json.dumps({"products": everything}).encode())
    assert batch.faults == []
    parts = [part for product in batch.products for part in (product, product.stats, *product.offers)]
    assert {name for part in parts for name in part.extra} == unknown.NAMES


def test_nested_objects_have_no_field_that_is_not_documented(everything):
    for product in everything[:200]:
        model = backend.Product.model_validate_json(json.dumps(product), strict=True)
        for name in PARTS:
            value = getattr(model, name)
            for part in value if isinstance(value, list) else [value]:
                assert part is None or not part.model_extra, name


def test_no_product_has_all_and_none_has_nothing(everything):
    optional = fields("Product") - {name for name in fields("Product") if all(name in each for each in everything)}
    assert len(optional) > 40
    shares = [sum(name in each and each[name] is not None for each in everything) for name in optional]
    assert max(shares) < SEED_PRODUCTS
    assert sum(share < SEED_PRODUCTS // 2 for share in shares) > 30


@pytest.mark.parametrize(("option", "name"), [("videos", "videos"), ("aplus", "aPlus"), ("rating", "reviews")])
def test_what_a_parameter_brings_stays_away_without_it(ask, option, name):
    assert all(name not in product for product in ask(100))
    asked = ask(100, **{option: 1})
    assert any(product.get(name) for product in asked)
    assert name == "reviews" or all(name in product for product in asked)


def test_made_up_fields_are_everywhere_unless_switched_off(everything):
    assert all(product.keys() >= unknown.NAMES for product in everything)
    assert all(product["stats"].keys() & unknown.NAMES for product in everything)
    assert all(offer.keys() & unknown.NAMES for product in everything for offer in product["offers"])
    server = SimulatorServer(SimulatorConfig(deals=200, market_minute=8_300_000, unknown_fields=False))
    try:
        selection = json.dumps({"domainId": 1, "priceTypes": [1], "dateRange": 3})
        deals = server.service.answer(Request("GET", "/deal", {"key": "k", "selection": selection}))
        rows = json.loads(deals.body)["deals"]["dr"]
        params = {"key": "k", "domain": "1", "asin": rows[0]["asin"], "stats": "90", "offers": "20"}
        plain = server.service.answer(Request("GET", "/product", params))
        assert not any(name.encode() in deals.body + plain.body for name in unknown.NAMES)
    finally:
        server.stop()


def test_lightning_deals_are_told_where_their_prices_are(everything):
    assert any(product["stats"]["lightningDealInfo"] for product in everything)
    for product in everything:
        assert (product["stats"]["lightningDealInfo"] is None) == (product["csv"][8] is None)


def test_ebay_without_a_match_is_negative_for_some(everything):
    assert min(product["lastEbayUpdate"] for product in everything) < 0
