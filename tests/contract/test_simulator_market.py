"""The simulator's market against recorded deals: the selection of which we have recordings, and what its rows show."""

from __future__ import annotations

import json
import statistics

import pytest

from tasks.simulator.api import deal_query
from tasks.simulator.api.deals import Deals
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.market.market import Market, Scope
from tasks.simulator.market.price_timeline import EPOCH_MINUTE

NOW_MINUTE = 8_300_000
NOW_MS = (NOW_MINUTE + EPOCH_MINUTE) * 60_000
BOOKS, USED = 283_155, 2
RECORDED_SELECTION = {
    "domainId": 1,
    "priceTypes": [USED],
    "dateRange": 3,
    "sortType": 4,
    "includeCategories": [BOOKS],
    "isRangeEnabled": True,
    "currentRange": [2_000, -1],
    "deltaPercentRange": [50, 100],
    "salesRankRange": [50_000, 1_500_000],
}
# What a row shows, and by how much the part of the rows that show it may differ from the recorded part.
SHARES = {
    "changed at the last look": (lambda row: row["creationDate"] == row["lastUpdate"], 0.06),
    "no change at the last look": (lambda row: row["deltaLast"][USED] == 0, 0.06),
    "rose at the last look": (lambda row: row["deltaLast"][USED] < 0, 0.04),
    "back in stock": (lambda row: any(row["backInStock"]), 0.03),
    "a new offer": (lambda row: row["current"][1] > 0, 0.08),
    "Amazon's offer": (lambda row: row["current"][0] > 0, 0.08),
    "a rank that changed at the last look": (lambda row: row["currentSince"][3] == row["lastUpdate"], 0.2),
    "a title beyond ASCII": (lambda row: not row["title"].isascii(), 0.03),
    "a warehouse offer": (lambda row: row["warehouseCondition"] > 0, 0.04),
}
# What a row measures, and by which factor the median may differ from the recorded one.
MEDIANS = {
    "moments at which its types changed": (lambda row, _now: len(set(row["currentSince"])), 1.35),
    "types that changed last": (lambda row, _now: row["currentSince"].count(max(row["currentSince"])), 1.5),
    "minutes since the last look": (lambda row, now: now - row["lastUpdate"], 2),
    "minutes since the deal began": (lambda row, now: now - row["creationDate"], 2.5),
    "drops of rank in 90 days": (lambda row, _now: row["salesRankDrops90"], 2.5),
    "letters of the title": (lambda row, _now: len(row["title"]), 1.3),
    "the price": (lambda row, _now: row["current"][USED], 2),
    "percent of the drop": (lambda row, _now: row["deltaPercent"][3][USED], 1.3),
    "the rank": (lambda row, _now: row["current"][3], 3),
}


@pytest.fixture(scope="module")
def deals():
    """The deal pages of a market of the usual size."""
    return Deals(Market(Scope(products=SimulatorConfig().products)))


@pytest.fixture(scope="module")
def rows(deals):
    """All rows of the selection of which there are recordings."""
    found = []
    for page in range(20):
        query = deal_query.parse(json.dumps(RECORDED_SELECTION | {"page": page}))
        batch = json.loads(deals.page(query, NOW_MS))["dr"]
        found += batch
        if len(batch) < 150:
            break
    return found


@pytest.fixture(scope="module")
def recorded_rows(deal_bodies):
    """Recorded rows with the minute at which each was sent."""
    bodies = map(json.loads, deal_bodies.values())
    return [(row, body["timestamp"] // 60_000 - EPOCH_MINUTE) for body in bodies for row in body["deals"]["dr"]]


def test_the_recorded_selection_finds_several_hundred_rows(rows):
    assert 250 < len(rows) < 1_000


@pytest.mark.parametrize("what", SHARES)
def test_as_many_rows_show_it_as_recorded_ones(rows, recorded_rows, what):
    shows, spread = SHARES[what]
    recorded = sum(shows(row) for row, _ in recorded_rows) / len(recorded_rows)
    simulated = sum(shows(row) for row in rows) / len(rows)
    assert abs(recorded - simulated) < spread, (recorded, simulated)


@pytest.mark.parametrize("what", MEDIANS)
def test_the_median_is_near_the_recorded_one(rows, recorded_rows, what):
    measure, factor = MEDIANS[what]
    recorded = statistics.median(measure(row, now) for row, now in recorded_rows)
    simulated = statistics.median(measure(row, NOW_MINUTE) for row in rows)
    assert recorded / factor <= simulated <= recorded * factor, (recorded, simulated)


def test_ages_reach_as_far_as_recorded_ones_and_no_further(rows):
    assert 700 < max(NOW_MINUTE - row["lastUpdate"] for row in rows) < 1_360
    assert max(NOW_MINUTE - row["creationDate"] for row in rows) > 20 * 1_440


def test_each_recorded_range_is_met_by_rows(rows):
    for row in rows:
        assert row["current"][USED] >= 2_000
        assert row["deltaPercent"][3][USED] >= 50
        assert 50_000 <= row["current"][3] <= 1_500_000
        assert row["rootCat"] == BOOKS


def test_a_rank_can_fall_by_four_fifths(deals):
    selection = {"domainId": 1, "priceTypes": [3], "isRangeEnabled": True, "deltaPercentRange": [80, 100]}
    query = deal_query.parse(json.dumps(selection | {"dateRange": 3}))
    assert deals.select(query, NOW_MS).indexes


def test_what_is_out_of_stock_went_within_a_day(deals):
    query = deal_query.parse(
        json.dumps({"domainId": 1, "isFilterEnabled": True, "isOutOfStock": True, "priceTypes": [1]})
    )
    rows = json.loads(deals.page(query, NOW_MS))["dr"]
    assert rows
    assert all(row["current"][1] == -1 and row["currentSince"][1] >= NOW_MINUTE - 1_440 for row in rows)


@pytest.mark.parametrize(
    "filters",
    [
        {"languages": ["german"]},
        {"material": ["Steel"]},
        {"size": ["large"]},
        {"edition": ["2nd"]},
        {"scent": ["Lavender"]},
    ],
)
def test_each_text_that_some_products_have_finds_rows(deals, filters):
    selection = {"domainId": 1, "priceTypes": [1], "dateRange": 3, "isFilterEnabled": True, "isRangeEnabled": False}
    assert deals.select(deal_query.parse(json.dumps(selection | filters)), NOW_MS).indexes
