"""Lists of products: what the package's client makes of the simulator's, each against the market itself."""

from __future__ import annotations

import pytest
import requests
from keepa.models.backend import LightningDeal

from tasks.simulator.config import SimulatorConfig
from tasks.simulator.market import price_types as pt
from tasks.simulator.server import SimulatorServer
from tests.fakes.api.keepa_package import Judge
from tests.fakes.waiting import LIMIT_S

BOOKS = 283_155
WAREHOUSE = "A2L77EE7U53NWQ"
NOW_MIN = 7_800_000


@pytest.fixture(scope="module")
def simulator():
    with SimulatorServer(SimulatorConfig(deals=150, rate=1_000, market_minute=NOW_MIN, closed_share=0.0)) as server:
        yield server


@pytest.fixture
def judge(simulator):
    return Judge(simulator.url)


@pytest.fixture(scope="module")
def products(simulator):
    """Everything that `/product` says of the whole market, by ASIN."""
    one = Judge(simulator.url)
    market = simulator.service._market
    asins = [market.item(index).asin for index in range(len(market))]
    found = one.ask("query", asins, progress_bar=False, stats=90, update=-1, history=False)
    return {product["asin"]: product for product in found if product["title"]}


def spent(simulator, call):
    before = simulator.control()["spent"]
    found = call()
    return found, simulator.control()["spent"] - before


def rank(product):
    return product["stats"]["current"][pt.SALES]


def test_best_sellers_are_the_products_of_the_category_by_their_rank(simulator, judge, products):
    found, cost = spent(simulator, lambda: judge.ask("best_sellers_query", str(BOOKS)))
    wanted = sorted(
        (asin for asin, one in products.items() if one["rootCategory"] == BOOKS and rank(one) > 0),
        key=lambda asin: rank(products[asin]),
    )
    assert [rank(products[asin]) for asin in found] == [rank(products[asin]) for asin in wanted]
    assert set(found) == set(wanted)
    assert cost == 50
    typed = judge.ask("best_sellers_query", str(BOOKS), typed=True)
    assert (typed.categoryId, typed.domainId, typed.asinList) == (BOOKS, 1, found)


def test_a_category_that_nobody_knows_has_no_list_and_costs_nothing(simulator, judge):
    def ask():
        with pytest.raises(RuntimeError, match="not yet available"):
            judge.ask("best_sellers_query", "99")

    assert spent(simulator, ask)[1] == 0


def test_a_span_that_there_is_not_is_refused(judge):
    with pytest.raises(RuntimeError, match="REQUEST_REJECTED"):
        judge.ask("best_sellers_query", str(BOOKS), rank_avg_range=200)


def test_a_storefront_has_the_products_that_the_seller_offers(simulator, judge, products):
    found, cost = spent(simulator, lambda: judge.ask("seller_query", WAREHOUSE, storefront=True))
    wanted = {asin for asin, one in products.items() if one["stats"]["current"][pt.WAREHOUSE] > 0}
    assert set(found[WAREHOUSE]["asinList"]) >= wanted
    assert cost == 10
    assert judge.ask("seller_query", WAREHOUSE, storefront=True, typed=True)[WAREHOUSE].sellerId == WAREHOUSE


def test_the_storefront_of_any_seller_has_what_his_live_offers_show(judge, products):
    rich = next(asin for asin, one in products.items() if one["stats"]["totalOfferCount"] or one["rootCategory"])
    (product,) = judge.ask("query", [rich], progress_bar=False, offers=20, update=-1)
    seller = next(product["offers"][at]["sellerId"] for at in product["liveOffersOrder"])
    assert rich in judge.ask("seller_query", seller, storefront=True)[seller]["asinList"]


def test_sellers_without_a_storefront_cost_one_each_and_unknown_ones_nothing(simulator, judge):
    found, cost = spent(simulator, lambda: judge.ask("seller_query", [WAREHOUSE, "A0000000000000"]))
    assert (set(found), cost) == ({WAREHOUSE}, 1)
    with pytest.raises(RuntimeError, match="REQUEST_REJECTED"):
        judge.ask("seller_query", [WAREHOUSE, "A0000000000000"], storefront=True)


def test_a_search_finds_what_fits_in_the_order_asked_for_page_by_page(simulator, judge, products):
    wish = {"categories_include": [BOOKS], "current_SALES_lte": 500_000, "sort": [["current_SALES", "asc"]]}
    found, cost = spent(simulator, lambda: judge.ask("product_finder", wish | {"perPage": 100}))
    wanted = sorted(
        (asin for asin, one in products.items() if one["rootCategory"] == BOOKS and 0 <= rank(one) <= 500_000),
        key=lambda asin: rank(products[asin]),
    )
    assert [rank(products[asin]) for asin in found] == [rank(products[asin]) for asin in wanted[:100]]
    assert cost == 10 + -(-len(found) // 100)
    pages = [judge.ask("product_finder", wish | {"page": page}) for page in (0, 1)]
    assert [asin for page in pages for asin in page] == found[:100]


def test_a_search_that_the_server_does_not_know_is_refused(judge):
    with pytest.raises(RuntimeError, match="REQUEST_REJECTED"):
        judge.ask("product_finder", {"isSNS": True})


def test_lightning_deals_are_those_that_run_and_begin(simulator):
    market = simulator.service._market
    lucky = next(item for item in map(market.item, range(len(market))) if item.lightning)
    config = SimulatorConfig(deals=150, rate=1_000, market_minute=lucky.lightning + 5, closed_share=0.0)
    with SimulatorServer(config) as server:
        reply = requests.get(f"{server.url}/lightningdeal", params={"key": "k", "domain": 1}, timeout=LIMIT_S).json()
        deals = [LightningDeal.model_validate(one) for one in reply["lightningDeals"]]
        assert lucky.asin in [deal.asin for deal in deals]
        assert reply["tokensConsumed"] == 500
        given = {"key": "k", "domain": 1, "asin": lucky.asin}
        one = requests.get(f"{server.url}/lightningdeal", params=given, timeout=LIMIT_S).json()
        assert [deal["asin"] for deal in one["lightningDeals"]] == [lucky.asin]
        assert one["tokensConsumed"] == 1
