"""Products as the client everybody uses reads them, against ours from the same bodies: history, figures, offers."""

import json
from datetime import datetime, timedelta

import keepa
import msgspec
import numpy as np
import pytest
from keepa.constants import csv_indices
from keepa.models import backend

from tasks.keepa import prices
from tasks.keepa.decode.replies import decode_products
from tasks.simulator.api import unknown as of_tomorrow
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tasks.store.products import products as store
from tests.fakes.api.keepa_package import Judge

EPOCH = datetime(2011, 1, 1)  # noqa: DTZ001 - the package's times are naive, and UTC
UNKNOWN = "B00NEVER00"
# Sent with recorded products, and not in the official client's structs, from which the models are made.
NOT_IN_THE_MODELS = {
    "Product": {"g", "isB2B", "launchpad", "primeDealEndTime", "salesRankDisplayGroup"},
    "Stats": {
        "buyBoxShippingTime",
        *("buyBoxCondition", "buyBoxIsWarehouseDeal", "outOfStockPercentage180", "outOfStockPercentage365"),
        "tradeInPrice",
    },
    "FBAFeesObject": {"lastUpdate"},
    "Offer": {"isAddonItem", "isScam", "lastStockUpdate"},
}
MONEY = frozenset(index for index, name, is_scaled in csv_indices if is_scaled and name != "RATING")
RATING = 16
BY_TYPE = (
    *("current", "avg", "avg30", "avg90", "avg180", "avg365", "at_interval_start"),
    *("out_of_stock_percentage30", "out_of_stock_percentage90", "out_of_stock_percentage180"),
    *("out_of_stock_percentage365", "out_of_stock_percentage_in_interval"),
)
MADE_BY_THE_PACKAGE = {"data", "stats_parsed"}
EXTREMES = ("min", "max", "min_in_interval", "max_in_interval")


@pytest.fixture(scope="module")
def judge():
    """The judge before a market that stands still."""
    settings = {"market_minute": 8_300_000, "deals": 300, "rate": 1_000, "start_balance": 50_000}
    with SimulatorServer(SimulatorConfig(closed_share=0.02, **settings)) as simulator:
        yield Judge(simulator.url)


@pytest.fixture(scope="module")
def asins(judge):
    """Products of several kinds and one that is none, in the order in which the package asks for them."""
    theirs, _, _ = judge.deals()
    return [*sorted({deal["asin"] for deal in theirs["dr"]} - {UNKNOWN})[:24], UNKNOWN]


@pytest.fixture(scope="module")
def everything(judge, asins):
    """All there is of them."""
    return judge.products(asins, stats=90, offers=20, rating=True, buybox=True)


def money(value):
    return float(value) / 100


def sent_back(model):
    """A model under the names and in the forms of the API; categories are numbers in it and texts in JSON."""
    return json.loads(model.model_dump_json(by_alias=True, exclude_unset=True, exclude=MADE_BY_THE_PACKAGE))


def unknown(model):
    """The fields no struct of the official client has, and no recorded body either."""
    for part in (model, model.stats, model.fbaFees, *(model.offers or ()), *(model.categoryTree or ())):
        if part is not None:
            yield from part.model_extra.keys() - NOT_IN_THE_MODELS.get(type(part).__name__, set())


def made_up(model):
    """The same in a body of the simulator, which sends fields that nobody can know."""
    return set(unknown(model)) - of_tomorrow.NAMES


def shown(price_type, value):
    """A number as the package shows it, or None for what it leaves out."""
    if value < 0:
        return None
    return money(value) if price_type in MONEY else money(value) * 10 if price_type == RATING else value


def named(values):
    """Numbers by price type as the package names and shows them."""
    shown_values = ((prices.NAMES[at], shown(at, value)) for at, value in enumerate(values))
    return {name: value for name, value in shown_values if value is not None}


def extremes(values):
    """The same of pairs of minute and value."""
    found = {}
    for price_type, pair in enumerate(values):
        value = None if pair is None else shown(price_type, pair[1])
        if value is not None:
            found[prices.NAMES[price_type]] = (EPOCH + timedelta(minutes=pair[0]), value)
    return found


def test_names_places_and_kinds_of_price_types_are_the_same():
    assert [name for _, name, _ in csv_indices] == list(prices.NAMES)
    assert [index for index, _, _ in csv_indices] == list(range(36))
    assert {index for index, name, _ in csv_indices if "SHIPPING" in name} == prices.TRIPLES


def test_every_field_is_read_alike(everything, without_nulls, as_sent):
    theirs, models, ours = everything
    for dictionary, model, product in zip(theirs, models, ours, strict=True):
        sent = {name: value for name, value in dictionary.items() if name not in MADE_BY_THE_PACKAGE}
        read = without_nulls(as_sent(product))
        assert read == without_nulls(sent)
        assert read == without_nulls(sent_back(model))


def test_its_models_know_every_field_but_those_the_official_client_leaves_out(everything):
    theirs, _, _ = everything
    for dictionary in theirs:
        sent = {name: value for name, value in dictionary.items() if name not in MADE_BY_THE_PACKAGE}
        model = backend.Product.model_validate_json(json.dumps(sent), strict=True)
        assert not made_up(model)


def test_minutes_are_the_same_moments():
    moment = keepa.keepa_minutes_to_time([prices.minute_of_ms(1_757_873_538_842)])[0]
    assert moment == datetime(2025, 9, 14, 18, 12)  # noqa: DTZ001 - naive, and UTC


@pytest.mark.parametrize("wishes", [{"history": False}, {"stats": 30, "history": False}, {"days": 90}, {"offers": 100}])
def test_with_less_or_more_asked_for_every_field_is_read_alike_too(judge, asins, without_nulls, as_sent, wishes):
    _, models, ours = judge.products(asins[:5] + asins[-1:], **wishes)
    for model, product in zip(models, ours, strict=True):
        assert without_nulls(as_sent(product)) == without_nulls(sent_back(model))


def test_every_history_has_the_same_times_and_values(everything):
    theirs, _, ours = everything
    seen = set()
    for dictionary, product in zip(theirs, ours, strict=True):
        histories = prices.decode(product.csv)
        assert {prices.NAMES[series.price_type] for series in histories} == {
            name for name in dictionary.get("data", {}) if not name.startswith("df_") and not name.endswith("_time")
        }
        for series in histories:
            seen.add(series.price_type)
            agrees(series, dictionary["data"])
    assert seen >= {0, 1, 2, 3, 4, 7, 10, 11, 16, 17, 18, 20, 21, 32, 34, 35}


def agrees(series, data):
    name = prices.NAMES[series.price_type]
    assert list(data[f"{name}_time"]) == [EPOCH + timedelta(minutes=minute) for minute in series.minutes]
    shipping = series.shipping or [0] * len(series.prices)
    totals = np.array(series.prices) + np.array(shipping)
    if series.price_type in MONEY:
        totals = np.where(totals < 0, np.nan, totals / 100)
    elif series.price_type == RATING:
        totals = np.where(totals < 0, np.nan, totals / 100 * 10)
    np.testing.assert_array_equal(data[name], totals)


def test_a_history_in_the_database_is_the_same_point_by_point(everything, conn):
    theirs, _, ours = everything
    at = datetime.fromisoformat("2026-10-12T20:00:00+00:00")
    store.write(conn, 1, ours, fetched_at=at, has_history=True)
    theirs_by_asin = {dictionary["asin"]: dictionary["data"] for dictionary in theirs if "data" in dictionary}
    rows = conn.execute(
        "SELECT asin, price_type_id, price_type, at AT TIME ZONE 'UTC', value + coalesce(shipping_value, 0),"
        " is_available FROM price_history WHERE asin = ANY(%s) AND price_type_id < %s"
        " ORDER BY asin, price_type_id, at",
        (list(theirs_by_asin)[:3], len(prices.NAMES)),  # the package decodes the others no further
    ).fetchall()
    stored = {}
    for asin, price_type, name, moment, total, is_available in rows:
        value = shown(price_type, total) if is_available else (np.nan if price_type in {*MONEY, RATING} else -1)
        stored.setdefault((asin, name), []).append((moment, value))
    assert len(stored) > 20
    for (asin, name), points in stored.items():
        data = theirs_by_asin[asin]
        assert [moment for moment, _ in points] == list(data[f"{name}_time"])
        # A look that told nothing is -2 in the reply, and no value in the table.
        np.testing.assert_array_equal([value for _, value in points], np.where(data[name] == -2, -1, data[name]))


def test_the_counts_of_a_variation_in_the_database_are_those_the_package_was_sent(everything, conn):
    theirs, _, ours = everything
    at = datetime.fromisoformat("2026-10-12T20:00:00+00:00")
    store.write(conn, 1, ours, fetched_at=at, has_history=True)
    sent = {dictionary["asin"]: dictionary["reviews"] for dictionary in theirs if dictionary.get("reviews")}
    found = conn.execute(
        "SELECT asin, price_type, minutes, prices FROM price_series WHERE price_type >= %s",
        (prices.VARIATION_RATINGS,),
    ).fetchall()
    names = {prices.VARIATION_RATINGS: "ratingCount", prices.VARIATION_REVIEWS: "reviewCount"}
    assert {(asin, names[kind]): (minutes, values) for asin, kind, minutes, values in found} == {
        (asin, name): (counts[::2], counts[1::2])
        for asin, reviews in sent.items()
        for name in names.values()
        if (counts := reviews[name])
    }
    assert sent


def test_every_figure_is_read_alike(everything):
    theirs, _, ours = everything
    compared = 0
    for dictionary, product in zip(theirs, ours, strict=True):
        if product.stats is None:
            assert "stats_parsed" not in dictionary
            continue
        parsed = dictionary["stats_parsed"]
        for field in msgspec.structs.fields(product.stats):
            value = getattr(product.stats, field.name)
            if field.name in BY_TYPE:
                assert parsed.get(field.encode_name, {}) == named(value)
            elif field.name in EXTREMES:
                assert parsed.get(field.encode_name, {}) == extremes(value)
            compared += field.name in {*BY_TYPE, *EXTREMES}
    assert compared >= 20 * 16


def test_single_figures_are_the_same_but_those_that_mean_nothing(everything):
    """The package leaves out what is below 0 and a few texts, and takes flags by price type for prices: 0.01 is yes."""
    theirs, _, ours = everything
    for dictionary, product in zip(theirs, ours, strict=True):
        for field in msgspec.structs.fields(type(product.stats)) if product.stats else ():
            value, parsed = getattr(product.stats, field.name), dictionary["stats_parsed"].get(field.encode_name)
            if parsed is None or field.name in {*BY_TYPE, *EXTREMES}:
                continue
            if field.name in {"is_lowest", "is_lowest90"}:
                assert {name: bool(flag) for name, flag in parsed.items()} == dict(
                    zip(prices.NAMES, value, strict=True)
                )
            elif isinstance(value, list) and field.name not in {"seller_ids_lowest_fba", "seller_ids_lowest_fbm"}:
                assert parsed == named(value)  # so it takes any list for one by price type
            elif field.name == "last_offers_update":
                assert parsed == EPOCH + timedelta(minutes=value)
            else:
                assert parsed == value


def test_every_offers_history_has_the_same_times_and_values(everything):
    _, models, ours = everything
    offers = [pair for model, product in zip(models, ours, strict=True) for pair in pairs(model, product)]
    assert len(offers) > 50
    for model, offer in offers:
        times, values = keepa.convert_offer_history(model.offerCSV)
        minutes, items, shipping = (offer.offer_csv[at::3] for at in range(3))
        assert list(times) == [EPOCH + timedelta(minutes=minute) for minute in minutes]
        assert list(values) == [(item + extra) / 100 for item, extra in zip(items, shipping, strict=True)]


def pairs(model, product):
    return zip(model.offers or (), product.offers or (), strict=True)


def test_the_used_buy_boxs_history_is_one_the_package_can_read(everything):
    _, _, ours = everything
    histories = [product.buy_box_used_history for product in ours if product.buy_box_used_history]
    assert histories
    for history in histories:
        frame = keepa.process_used_buybox(history)
        assert list(frame["datetime"]) == [EPOCH + timedelta(minutes=int(minute)) for minute in history[::4]]
        assert list(frame["user_id"]) == history[1::4]


def test_what_is_no_product_is_none_to_both(everything):
    theirs, models, ours = everything
    assert [product.asin for product in ours if not product.is_found][-1] == UNKNOWN
    assert (theirs[-1]["asin"], models[-1].asin) == (UNKNOWN, UNKNOWN)
    assert not [
        1 for dictionary, product in zip(theirs, ours, strict=True) if product.is_found != ("data" in dictionary)
    ]


def test_with_34_price_types_the_package_fails_where_we_read():
    """It looks for all 36 in every list. The recorded bodies of 2025 have 34, and the values in them are real."""
    settings = {"market_minute": 8_300_000, "deals": 100, "rate": 1_000, "slots": 34}
    with SimulatorServer(SimulatorConfig(**settings)) as simulator:
        judge = Judge(simulator.url)
        theirs, _, _ = judge.deals()
        with pytest.raises(IndexError):
            judge.ask("query", [theirs["dr"][0]["asin"]], progress_bar=False)
        (product,) = decode_products(judge.bodies[-1]).products
    data = keepa.parse_csv([*product.csv, None, None])
    for series in prices.decode(product.csv):
        agrees(series, data)


def test_recorded_products_are_read_alike_too(product_bodies, without_nulls):
    for body in product_bodies.values():
        sent = json.loads(body)["products"]
        for dictionary, product in zip(sent, decode_products(body).products, strict=True):
            model = backend.Product.model_validate(dictionary)
            assert not set(unknown(model))
            assert msgspec.to_builtins(product) == without_nulls(sent_back(model))
            csv = product.csv or []
            data = keepa.parse_csv([*csv, *[None] * (36 - len(csv))])
            for series in prices.decode(product.csv):
                agrees(series, data)
