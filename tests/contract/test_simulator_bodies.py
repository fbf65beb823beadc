"""The simulator's bodies against recorded ones: the same keys in the same order, of the same kinds."""

from __future__ import annotations

import json

import pytest

from tasks.keepa import prices
from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals, decode_products
from tasks.keepa.reply import envelope_of_reply
from tasks.keepa.request import DealRequest, ProductRequest, TokenRequest
from tasks.keepa.selection.selection import default_selection, parse
from tasks.secret import Secret
from tasks.simulator.api import unknown
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.simulator.service import Request

OPEN = parse({"domainId": 1, "priceTypes": [2], "dateRange": 3, "sortType": 1}, name="open")
NULL = "null"


def kind(value):
    """What a JSON value is; numbers with a point are another kind than those without."""
    return {type(None): NULL, bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}[
        type(value)
    ]


def always(objects):
    """The keys that all objects have, with the kinds seen."""
    objects = list(objects)
    keys = set.intersection(*(set(each) for each in objects))
    return {key: {kind(each[key]) for each in objects} for key in keys}


def element_kinds(objects, key):
    return {kind(element) for each in objects for element in (each[key] or ())}


def assert_alike(recorded, simulated, *, may_be_null=False):
    """Every key that all recorded objects have is there, in order, of a kind that was recorded.

    Of products few were recorded, and most fields are null for some product: those may differ in being null.
    """
    expected = always(recorded)
    for each in simulated:
        assert list(each) == sorted(each)
        assert expected.keys() <= each.keys()
        for key, kinds in expected.items():
            assert kind(each[key]) in kinds or (may_be_null and NULL in {kind(each[key]), *kinds}), key
    for key, kinds in expected.items():
        if "list" in kinds:
            known = element_kinds(recorded, key)
            assert not known or element_kinds(simulated, key) <= known | {NULL}, key


def without(row, names):
    """The keys of an object in order, but for some."""
    return tuple(key for key in row if key not in names)


@pytest.fixture(scope="module")
def sim():
    # A bucket above its capacity falls to it at a tick: the plan must be as large as the balance.
    # And a market that moves with the clock has other products at each run.
    still = {"market_minute": 8_300_000}
    config = SimulatorConfig(deals=600, rate=2_000, start_balance=100_000, slots=36, closed_share=0.0, **still)
    with SimulatorServer(config) as server:
        yield server


@pytest.fixture(scope="module")
def client(sim):
    with KeepaClient(Secret("simulated"), sim.url) as keepa:
        yield keepa


@pytest.fixture(scope="module")
def page(client):
    return client.send(DealRequest(OPEN, 0)).body


@pytest.fixture(scope="module")
def asins(page):
    return tuple(row["asin"] for row in json.loads(page)["deals"]["dr"])


@pytest.fixture(scope="module")
def with_offers(sim, asins):
    """Products asked for as the recorded ones with offers were."""
    return ask(sim, asins[:20], offers=20, rating=1, buybox=1, stock=1)


def ask(sim, asins, **options):
    """The products of one request in their raw form."""
    params = {"key": "k", "domain": "1", "asin": ",".join(asins), "stats": "365"}
    reply = sim.service.answer(Request("GET", "/product", params | {name: str(v) for name, v in options.items()}))
    return json.loads(reply.body)["products"]


@pytest.fixture(scope="module")
def recorded_products(recorded):
    """Recorded product objects: with offers and history, without history, and plain."""
    names = ("AgentArbitrage_055299068X_2025-11-21", "AgentArbitrage_1886940606_history0_2025-11-22")
    with_history, without = (json.loads((recorded / "product" / f"{name}.json").read_text()) for name in names)
    plain = json.loads((recorded / "product" / "KeepaCli_B0F7XPYCSJ_2026-05-10.json").read_text())
    return with_history, without, plain["products"][0]


def test_deal_bodies_have_the_recorded_keys_in_the_recorded_order(deal_bodies, page):
    recorded = [json.loads(body) for body in deal_bodies.values()]
    simulated = json.loads(page)
    assert list(simulated) == list(recorded[0])
    assert_alike(recorded, [simulated])
    assert_alike([body["deals"] for body in recorded], [simulated["deals"]])


def test_deal_objects_have_the_recorded_keys_in_the_recorded_order(deal_bodies, page):
    recorded = [row for body in deal_bodies.values() for row in json.loads(body)["deals"]["dr"]]
    simulated = json.loads(page)["deals"]["dr"]
    assert len(simulated) == 150
    assert_alike(recorded, simulated)
    assert {without(row, unknown.NAMES) for row in simulated} & {tuple(row) for row in recorded}
    known = {key for row in recorded for key in row} | {"parentAsin", "minRating"} | unknown.NAMES
    assert {key for row in simulated for key in row} <= known


def test_envelopes_have_the_recorded_keys_in_the_recorded_order(recorded, sim, client):
    refused = json.loads((recorded / "errors" / "429_deal_20250916.json").read_text())
    bad_key = json.loads((recorded / "errors" / "400_invalid_key_jleagle_test.json").read_text())
    bare = json.loads(client.send(TokenRequest()).body)
    assert list(bare) == list(refused)
    assert_alike([refused], [bare])
    answer = sim.service.answer(Request("GET", "/token", {}))
    body = json.loads(answer.body)
    assert answer.status == 400
    assert list(body) == list(bad_key)
    assert body | {"timestamp": 0} == bad_key | {"timestamp": 0}


def test_product_bodies_have_the_recorded_keys_in_the_recorded_order(recorded, client, asins):
    body = json.loads((recorded / "product" / "KeepaCli_B0F7XPYCSJ_2026-05-10.json").read_text())
    simulated = json.loads(client.send(ProductRequest(1, asins[:2], "stats")).body)
    assert list(simulated) == list(body)
    assert_alike([body], [simulated])


def test_products_with_offers_have_the_recorded_keys(recorded_products, with_offers):
    with_history, without, _ = recorded_products
    books = [product for product in with_offers if product["rootCategory"] == with_history["rootCategory"]]
    assert len(books) > 3
    assert_alike([with_history, without], books, may_be_null=True)
    assert_alike([with_history["stats"], without["stats"]], [book["stats"] for book in books], may_be_null=True)
    offers = [offer for product in (with_history, without) for offer in product["offers"]]
    assert_alike(offers, [offer for product in with_offers for offer in product["offers"]])


def test_plain_products_have_the_recorded_keys(recorded_products, sim, asins):
    everyday = recorded_products[2]
    simulated = ask(sim, asins[:30])
    optional = {"monthlySold", "monthlySoldHistory", "lastSoldUpdate", "includedComponents"}
    assert_alike([{key: everyday[key] for key in everyday.keys() - optional}], simulated, may_be_null=True)
    assert_alike([everyday["stats"]], [product["stats"] for product in simulated], may_be_null=True)
    assert all("offers" not in product for product in simulated)


def test_products_without_history_have_the_recorded_nulls(recorded_products, sim, asins):
    bare = recorded_products[1]
    for product in ask(sim, asins[:10], offers=20, history=0):
        for key in ("csv", "buyBoxSellerIdHistory", "salesRankReferenceHistory"):
            assert bare[key] is None
            assert product[key] is None
        assert all(len(points) == 2 for points in product["salesRanks"].values())


def strange(*objects):
    """The names of fields that the client keeps beside those it has, of all objects; made-up ones aside."""
    return {name for each in objects for name in each.extra or ()} - unknown.NAMES


def test_no_field_of_a_simulated_body_is_unknown_but_those_nobody_can_know(client, sim, asins):
    deals = decode_deals(client.send(DealRequest(OPEN, 0)).body)
    assert (len(deals.deals), deals.faults) == (150, [])
    assert all(deal.extra.keys() >= {"fieldOfTomorrow"} for deal in deals.deals)
    assert strange(*deals.deals) == set()
    assert all(deal.ragged() is None and deal.slots == 36 for deal in deals.deals)
    for detail in ("stats", "history", "offers"):
        batch = decode_products(client.send(ProductRequest(1, asins[:20], detail)).body)
        assert (len(batch.products), batch.faults) == (20, [])
        for product in batch.products:
            assert product.is_found
            assert product.extra.keys() >= unknown.NAMES
            assert strange(product) == set()
            if product.stats is not None:
                assert strange(product.stats) == set()
            assert strange(*(product.offers or ())) == set()
    assert sim.control()["spent"] > 0


def test_the_client_decodes_every_series(client, asins):
    batch = decode_products(client.send(ProductRequest(1, asins[:20], "history")).body)
    for product in batch.products:
        series = prices.decode(product.csv)
        assert len(series) == sum(points is not None for points in product.csv)
        assert all(line.minutes == sorted(set(line.minutes)) for line in series)


def test_products_that_are_not_found_are_recognised(client):
    batch = decode_products(client.send(ProductRequest(1, ("B0ZZZZZZZZ", "0000000000"), "history")).body)
    assert batch.faults == []
    assert [product.is_found for product in batch.products] == [False, False]


def test_the_client_takes_the_account_from_every_reply(client, sim):
    envelope = envelope_of_reply(client.send(TokenRequest()))
    bucket = sim.control()["bucket"]
    assert envelope.reading.tokens_left == bucket["balance"]
    assert envelope.reading.refill_rate == bucket["rate"] == 2_000


def test_the_default_selection_finds_work(client):
    found = decode_deals(client.send(DealRequest(default_selection(), 0)).body)
    assert len(found.deals) > 50


def test_a_full_history_has_as_many_points_as_recorded_ones(sim, asins):
    products = ask(sim, asins[:50])
    assert len(products) == 50
    points = [sum(len(line) // 2 for line in product["csv"] if line) for product in products]
    assert 1_000 < sum(points) / len(points) < 8_000
