"""Products as a real server sent them: nothing is lost in reading, and their histories obey the rules we rely on."""

import json
from itertools import pairwise

import msgspec
import pytest

from tasks.keepa import prices
from tasks.keepa.decode.replies import decode_products

EXTRA_INFO_UPDATES = 15  # how many offers a look found: no figure is made of it


@pytest.fixture(scope="session")
def products(product_bodies):
    batches = [decode_products(body) for body in product_bodies.values()]
    assert not [fault for batch in batches for fault in batch.faults]
    return {product.asin: product for batch in batches for product in batch.products}


@pytest.fixture(scope="session")
def histories(products):
    return [(product, series) for product in products.values() for series in prices.decode(product.csv)]


def test_all_three_are_found(products):
    assert set(products) == {"055299068X", "1886940606", "B0F7XPYCSJ"}
    assert all(product.is_found for product in products.values())


def test_every_field_that_was_sent_comes_out_again(products, product_bodies, without_nulls):
    for body in product_bodies.values():
        for sent in json.loads(body)["products"]:
            assert msgspec.to_builtins(products[sent["asin"]]) == without_nulls(sent)


def test_no_field_is_unknown(products):
    for product in products.values():
        assert product.extra is None
        assert product.stats.extra is None
        assert not [offer.extra for offer in product.offers or () if offer.extra]


def test_old_bodies_have_34_price_types_and_new_ones_36(products):
    assert {asin: len(product.stats.current) for asin, product in products.items()} == {
        "055299068X": 34,
        "1886940606": 34,
        "B0F7XPYCSJ": 36,
    }


def test_without_history_there_is_none_and_with_it_there_is(products):
    assert products["1886940606"].csv is None
    assert prices.decode(products["1886940606"].csv) == []
    assert {series.price_type for series in prices.decode(products["055299068X"].csv)} > {1, 2, 3, 7, 20, 21, 29, 32}


def test_minutes_strictly_increase_as_sent(products):
    for product in products.values():
        for price_type, flat in enumerate(product.csv or ()):
            minutes = (flat or [])[:: 3 if price_type in prices.TRIPLES else 2]
            assert not [pair for pair in pairwise(minutes) if pair[0] >= pair[1]]


def test_decoding_keeps_every_value(histories):
    for product, series in histories:
        columns = [series.minutes, series.prices] + ([] if series.shipping is None else [series.shipping])
        flat = [value for group in zip(*columns, strict=True) for value in group]
        assert flat == product.csv[series.price_type]


def test_the_last_group_with_shipping_is_the_current_figure(histories):
    assert histories
    for product, series in histories:
        last = series.prices[-1]
        if series.shipping is not None and last >= 0:
            last += series.shipping[-1]
        assert product.stats.current[series.price_type] == last


def totals(series):
    """Values with shipping, in order, with their minutes; only where there was one."""
    shipping = series.shipping or [0] * len(series.prices)
    columns = zip(series.minutes, series.prices, shipping, strict=True)
    return [(price + extra, minute) for minute, price, extra in columns if price >= 0]


def test_the_lowest_figure_is_the_lowest_point_and_when_it_was_first_reached(histories):
    compared = 0
    for product, series in histories:
        points, lowest = totals(series), product.stats.min[series.price_type]
        if not points or series.price_type == EXTRA_INFO_UPDATES:
            assert lowest is None
            continue
        value = min(point[0] for point in points)
        assert lowest == [next(minute for total, minute in points if total == value), value]
        compared += 1
    assert compared == 20


def test_the_highest_figure_is_a_point_and_the_highest_but_for_freak_prices(histories):
    freaks = []
    for product, series in histories:
        points, highest = totals(series), product.stats.max[series.price_type]
        if not points or series.price_type == EXTRA_INFO_UPDATES:
            assert highest is None
            continue
        assert (highest[1], highest[0]) in points
        value = max(point[0] for point in points)
        if value != highest[1]:
            freaks.append((product.asin, series.price_type, value))
        else:
            assert highest[0] == next(minute for total, minute in points if total == value)
    assert freaks == [("055299068X", 2, 199_900), ("055299068X", 21, 199_900)]  # five times the next highest


def test_what_is_lowest_now_says_so(histories):
    for product, series in histories:
        lowest = product.stats.min[series.price_type]
        current = product.stats.current[series.price_type]
        assert product.stats.is_lowest[series.price_type] == (lowest is not None and current == lowest[1])


def test_without_a_history_there_are_no_figures(products):
    for product in products.values():
        absent = [at for at, flat in enumerate(product.csv or ()) if not flat]
        assert not [at for at in absent if product.stats.current[at] >= 0 or product.stats.min[at] is not None]


def test_no_history_runs_beyond_the_last_update(histories):
    assert not [series.price_type for product, series in histories if series.minutes[-1] > product.last_update]


def test_offers_are_triples_newest_last_and_the_live_ones_exist(products):
    offers = [offer for product in products.values() for offer in product.offers or ()]
    assert len(offers) == 155
    for offer in offers:
        assert len(offer.offer_csv) % 3 == 0
        assert not [pair for pair in pairwise(offer.offer_csv[::3]) if pair[0] >= pair[1]]
    for product in products.values():
        assert all(0 <= index < len(product.offers) for index in product.live_offers_order or ())


def test_the_body_with_an_envelope_tells_the_bucket(product_bodies):
    name = next(name for name in product_bodies if "B0F7XPYCSJ" in name)
    reading = decode_products(product_bodies[name]).envelope.reading
    assert reading is not None
    assert reading.refill_rate == 60


def test_a_product_object_alone_has_no_reading(product_bodies):
    name = next(name for name in product_bodies if "055299068X" in name)
    assert decode_products(product_bodies[name]).envelope.reading is None
