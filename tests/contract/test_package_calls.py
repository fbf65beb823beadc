"""What the Python package's own tests call and expect, with its ASINs replaced by products of the simulator.

The package ships no tests with its sources, so their calls and expectations stand here, those on the endpoints that the
simulator has: `/token`, `/deal` and `/product`. Each runs with the synchronous client and with the asynchronous one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import string
from unittest import mock

import aiohttp
import keepa
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from keepa import keepa_sync

from tasks.simulator.config import SimulatorConfig
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.price_timeline import EPOCH_MINUTE
from tasks.simulator.server import SimulatorServer
from tests.fakes.api.keepa_package import KEEPA, PATIENCE_S, OurServer

KEY = (string.ascii_lowercase * 3)[:64]
DEAD_KEY = (string.digits * 7)[:64]
NOBODY = "B0ZZZZZZZZ"
MANY = 40
DAY_MIN = 1_440


@pytest.fixture(scope="module")
def simulator():
    plan = {"rate": 1_000, "start_balance": 60_000, "keys": frozenset({KEY}), "closed_share": 0.0}
    with SimulatorServer(SimulatorConfig(deals=400, **plan)) as server:
        yield server


@pytest.fixture(scope="module")
def found(simulator):
    """A product that has everything the package's tests look at, and many others."""
    market = simulator.service._market
    items = [market.item(index) for index in range(300)]
    now = simulator.service._market_ms() // 60_000 - EPOCH_MINUTE
    wanted = {pt.USED, pt.BUY_BOX, pt.BUY_BOX_USED, pt.AMAZON, pt.COUNT_REVIEWS, pt.NEW}

    def is_rich(item):
        timeline = market.timeline(item, 1)
        state = timeline.state(simulator.service._market_ms())
        series = {series.type: series for series in item.series}
        if wanted - series.keys() or item.new_offers + item.used_offers < 2:
            return False
        used = timeline.minutes(series[pt.USED], timeline.first_slot(), state)
        counts = timeline.values(series[pt.COUNT_NEW], state.slot, state.slot)
        return now - used[-1] < 40 * DAY_MIN and counts[-1] > 0

    return next(item.asin for item in items if is_rich(item)), [item.asin for item in items[:MANY]]


class Sync(OurServer):
    """The client that waits for each reply."""

    def __call__(self, method, *args, key=KEY, **kwargs):
        with self.in_place():
            self.api = keepa_sync.Keepa(key, timeout=PATIENCE_S, logging_level="CRITICAL")
            return getattr(self.api, method)(*args, **kwargs)


class Async:
    """The client for a loop."""

    def __init__(self, url):
        self._url = url
        self.api = None

    def __call__(self, method, *args, key=KEY, **kwargs):
        ask = aiohttp.ClientSession.get

        async def run():
            self.api = await keepa.AsyncKeepa.create(key, timeout=PATIENCE_S)
            return await getattr(self.api, method)(*args, **kwargs)

        def at_ours(session, url, **more):
            return ask(session, url.replace(KEEPA, self._url), **more)

        with mock.patch.object(aiohttp.ClientSession, "get", at_ours):
            return asyncio.run(run())


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def call(request, simulator):
    return request.param(simulator.url)


def query(call, items, **kwargs):
    return call("query", items, progress_bar=False, **kwargs)


def test_deals_without_price_type_and_date_range(call):
    wish = {"page": 0, "domainId": 1, "excludeCategories": [1_064_954], "includeCategories": [283_155]}
    deals = call("deals", wish)
    assert deals["dr"]
    assert all(row["current"][0] > 0 for row in deals["dr"])


def test_a_key_of_no_form_is_rejected(call):
    with pytest.raises(RuntimeError, match="REQUEST_REJECTED"):
        call("update_status", key="thisisnotavalidkey")


def test_a_key_that_nobody_pays_for_says_so(call):
    with pytest.raises(RuntimeError, match="PAYMENT_REQUIRED"):
        call("update_status", key=DEAD_KEY)


def test_the_status_has_tokens(call):
    call("update_status")
    assert call.api.status.tokensLeft


def test_waiting_for_tokens_that_are_there_ends(call):
    call("wait_for_tokens")
    assert call.api.status.tokensLeft


def test_a_raw_reply_names_the_product(simulator, found):
    (reply,) = query(Sync(simulator.url), found[0], history=False, raw=True)
    assert found[0] in reply.text


def test_no_history(call, found):
    (product,) = query(call, found[0], history=False)
    assert product["csv"] is None
    assert product["asin"] == found[0]
    assert call.api.tokens_left


def test_what_is_no_asin_raises(call):
    with pytest.raises(RuntimeError, match="invalid ASINs"):
        query(call, ["AAAAAAAAAA"])


def test_a_product_by_its_code(call, found):
    (product,) = query(call, found[0], history=False)
    (same,) = query(call, product["eanList"][0], product_code_is_asin=False, history=False)
    assert same["asin"] == found[0]


def test_the_buy_box(call, found):
    (product,) = query(call, found[0], history=True, buybox=True)
    assert "BUY_BOX_SHIPPING" in product["data"]


def test_a_live_product_with_stats_and_rating(call, found):
    (product,) = query(call, found[0], update=0, stats=90, rating=True)
    history = product["data"]
    age = dt.datetime.now() - history["USED_time"][-1]  # noqa: DTZ005 - as the package does
    assert age.days <= 60
    for key in history:
        if isinstance(history[key], pd.DataFrame):
            assert history[key].any().value
        else:
            assert history[key].any()
        if "time" not in key and not key.startswith("df_"):
            assert history[key].size == history[f"{key}_time"].size
    assert "stats" in product
    assert product.get("offers") is None
    assert keepa.keepa_minutes_to_time([product["lastUpdate"]])[0].date() == dt.datetime.now(dt.UTC).date()


def test_offers(call, found):
    (product,) = query(call, found[0], offers=20)
    for offer in product["offers"]:
        assert offer["lastSeen"]
        assert not len(offer["offerCSV"]) % 3
    times, prices = keepa.convert_offer_history(product["offers"][1]["offerCSV"])
    assert times.dtype == dt.datetime
    assert prices.dtype == np.double
    assert len(times) == len(prices) > 0


def test_only_live_offers_were_seen_within_a_day(call, found):
    (product,) = query(call, found[0], offers=20, only_live_offers=True, history=False)
    seen = [offer["lastSeen"] for offer in product["offers"]]
    assert len(seen) > 1
    assert np.diff(np.abs(seen)).mean() < DAY_MIN


def test_days_limit_all_that_is_historical(call, found):
    (product,) = query(call, found[0], days=5, history=True, offers=20)
    oldest = product["lastUpdate"] - 5 * DAY_MIN

    def too_old(minutes):
        """All but one, the last value before the days."""
        return sum(int(minute) < oldest for minute in minutes) > 1

    histories = [
        *(ranks[::2] for ranks in product["salesRanks"].values()),
        *(offer["offerCSV"][::3] for offer in product["offers"]),
        product["buyBoxSellerIdHistory"][::2],
        *(points[:: 3 if kind in pt.TRIPLES else 2] for kind, points in enumerate(product["csv"]) if points),
    ]
    assert not [history for history in histories if too_old(history)]
    assert all(offer["lastSeen"] >= oldest for offer in product["offers"])


def test_too_many_offers_and_a_strange_domain_are_refused_by_the_package(call, found):
    with pytest.raises(ValueError, match="offers"):
        query(call, found[0], offers=2_000)
    with pytest.raises(ValueError, match="XX"):
        query(call, found[0], domain="XX")


def test_many_products(call, found):
    asins = {product["asin"] for product in query(call, found[1])}
    assert asins == set(found[1])


def test_another_domain(call, found):
    (product,) = query(call, found[0], history=False, domain="DE")
    assert (product["asin"], product["domainId"]) == (found[0], 3)


def test_the_used_buy_box(call, found):
    (product,) = query(call, found[0], history=True, offers=20)
    assert isinstance(keepa.process_used_buybox(product["buyBoxUsedHistory"]), pd.DataFrame)


def test_stock(call, found):
    (product,) = query(call, found[0], history=False, stock=True, offers=20)
    assert product["offersSuccessful"]
    assert product["liveOffersOrder"]
    assert all(product["offers"][at]["stockCSV"][-1] for at in product["liveOffersOrder"])


def test_times_in_both_forms(call, found):
    (product,) = query(call, found[0], to_datetime=True)
    assert isinstance(product["data"]["AMAZON_time"][0], dt.datetime)
    (product,) = query(call, found[0], to_datetime=False)
    assert product["data"]["AMAZON_time"][0].dtype == "<M8[m]"


def test_plotting(call, found):
    mpl.use("Agg")
    (product,) = query(call, found[0], history=True)
    keepa.plot_product(product, show=False)
    (nothing,) = query(call, [NOBODY])
    with pytest.raises(Exception, match=r".+"):
        keepa.plot_product(nothing, show=False)


@pytest.mark.parametrize(("wish", "field"), [("videos", "videos"), ("aplus", "aPlus")])
def test_media_are_there_when_asked_for(call, found, wish, field):
    (product,) = query(call, found[0], history=False, **{wish: False})
    assert field not in product
    (product,) = query(call, found[0], history=False, **{wish: True})
    assert field in product


def test_typed_products_take_all_there_is(call, found):
    products = query(call, found[1], typed=True, stats=90, offers=20, rating=True, videos=True, aplus=True)
    assert {product.asin for product in products} == set(found[1])
