"""Pages of `/deal` as a real server sent them: nothing is lost in reading, and the facts we build on hold."""

import json
import math
from itertools import pairwise

import msgspec
import pytest

from tasks.keepa import prices
from tasks.keepa.decode.replies import decode_deals

USED = 2  # the price type of both recorded walks
QUARTER = 3  # their date range
OTHER_REFERENCE = {8, 9, 33}  # delta of these compares with the Amazon or the new price
LEAST_PERCENT = -1000


@pytest.fixture(scope="session")
def pages(deal_bodies):
    return {name: decode_deals(body) for name, body in deal_bodies.items()}


@pytest.fixture(scope="session")
def deals(pages):
    return [deal for page in pages.values() for deal in page.deals]


@pytest.fixture(scope="session")
def cells(deals):
    """Every (deal, date range, price type) in which both an average and a current value exist."""
    return [
        (deal, interval, slot)
        for deal in deals
        for interval, averages in enumerate(deal.avg)
        for slot in range(deal.slots)
        if averages[slot] > 0 and deal.current[slot] > 0 and slot not in OTHER_REFERENCE
    ]


def test_all_fourteen_pages_are_read_without_a_fault(pages):
    rows = {name.rpartition("_")[0]: len(page.deals) for name, page in pages.items()}
    full = dict.fromkeys((f"run{run}_page{page}" for run in (0, 2) for page in range(5)), 150)
    assert rows == {**full, "run0_page5": 28, "run0_page6": 0, "run2_page5": 5, "run2_page6": 0}
    assert not [fault for page in pages.values() for fault in page.faults]


def test_every_field_that_was_sent_comes_out_again(pages, deal_bodies, without_nulls):
    for name, page in pages.items():
        sent = json.loads(deal_bodies[name])["deals"]["dr"]
        assert [msgspec.to_builtins(deal) for deal in page.deals] == without_nulls(sent)


def test_no_field_is_unknown(deals):
    assert not [deal.extra for deal in deals if deal.extra]


def test_every_page_costs_five_tokens_the_empty_ones_too(pages):
    assert {page.envelope.tokens_consumed for page in pages.values()} == {5}
    assert {page.envelope.refill_rate for page in pages.values()} == {5}


def test_the_timestamp_is_the_one_in_the_file_name(pages):
    for name, page in pages.items():
        assert f"_{page.envelope.timestamp_ms}.json" in name


def test_delta_is_average_minus_current(cells):
    assert len(cells) == 88_243
    assert not [cell for cell in cells if cell[0].delta[cell[1]][cell[2]] != _difference(*cell)]


def test_delta_percent_is_that_rounded_and_not_below_minus_a_thousand(cells):
    off = [abs(deal.delta_percent[interval][slot] - _percent(deal, interval, slot)) for deal, interval, slot in cells]
    assert max(off) <= 1
    assert sum(off) <= 3  # halves that go the other way, in 88,243 cells


def _difference(deal, interval, slot):
    return deal.avg[interval][slot] - deal.current[slot]


def _percent(deal, interval, slot):
    exact = 100 * _difference(deal, interval, slot) / deal.avg[interval][slot]
    return max(LEAST_PERCENT, math.floor(exact + 0.5))


def test_a_deal_begins_when_its_price_type_changed(deals):
    assert not [deal for deal in deals if deal.creation_date != deal.current_since[USED]]


def test_every_list_has_one_entry_for_each_price_type(deals):
    assert {deal.slots for deal in deals} == {34}
    assert not [deal for deal in deals if deal.ragged()]
    assert {len(rows) for deal in deals for rows in (deal.avg, deal.delta, deal.delta_percent)} == {4}


def test_within_a_page_the_percentage_falls(pages):
    for page in pages.values():
        percent = [deal.delta_percent[QUARTER][USED] for deal in page.deals]
        assert not [pair for pair in pairwise(percent) if pair[0] < pair[1]]


def test_last_update_is_in_no_order_and_may_be_a_little_in_the_future(pages):
    for page in pages.values():
        now = prices.minute_of_ms(page.envelope.timestamp_ms)
        ages = [now - deal.last_update for deal in page.deals]
        assert ages == [] or (min(ages) >= -2 and max(ages) < 24 * 60)
        assert len(ages) < 2 or ages != sorted(ages)


def test_the_picture_is_a_file_name(deals):
    assert not [deal.image for deal in deals if not (deal.image.endswith(".jpg") and len(deal.image) == 15)]


def test_categories_come_with_the_unknown_one_first_and_books_near_what_the_walk_found(pages):
    walked = {
        run: sum(len(page.deals) for name, page in pages.items() if name.startswith(run)) for run in ("run0", "run2")
    }
    for name, page in pages.items():
        assert len(page.category_ids) == len(page.category_names) == len(page.category_counts) == 24
        assert (page.category_ids[0], page.category_names[0]) == (2**63 - 1, "?")
        counts = dict(zip(page.category_names, page.category_counts, strict=True))
        assert abs(counts["Books"] - walked[name[:4]]) <= 5


def test_a_walk_shows_few_products_twice(pages):
    for run in ("run0", "run2"):
        asins = [deal.asin for name, page in pages.items() if name.startswith(run) for deal in page.deals]
        assert len(asins) - len(set(asins)) <= 2
