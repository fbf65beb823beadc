"""The market keeps the laws of recorded deals, and is the same whenever it is asked again."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from tasks.simulator.api import products
from tasks.simulator.api.deal import Sheet, row
from tasks.simulator.api.product_query import ProductQuery, StatsSpan
from tasks.simulator.market import identity
from tasks.simulator.market import price_types as pt
from tasks.simulator.market.item import Item
from tasks.simulator.market.market import Market, Parent, Scope
from tasks.simulator.market.price_timeline import EPOCH_MINUTE, minute_of

NOW_MINUTE = 8_300_000
NOW_MS = (NOW_MINUTE + EPOCH_MINUTE) * 60_000
SIZE = 250
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def market():
    return Market(Scope(seed=7, products=SIZE, closed_share=0.0))


def deal_row(market, index, now_ms=NOW_MS, kind=pt.NEW):
    found = market.item(index)
    return row(market, Sheet(market.timeline(found, 1), market.state(found, 1, now_ms)), kind)


@pytest.fixture(scope="module")
def rows(market):
    return [deal_row(market, index) for index in range(SIZE)]


def full(market, index, now_ms=NOW_MS, **options):
    query = ProductQuery(domain=1, offers=20, stats=StatsSpan(90), **options)
    return products.answer(market, market.item(index).asin, query, now_ms).body


def test_delta_is_mean_minus_current_in_every_cell_with_prices(rows):
    cells = 0
    for deal in rows:
        for kind in set(range(36)) - pt.REFERENCED:
            for span in range(4):
                mean, current = deal["avg"][span][kind], deal["current"][kind]
                if mean > 0 and current > 0:
                    cells += 1
                    assert deal["delta"][span][kind] == mean - current
                    assert deal["deltaPercent"][span][kind] == max(
                        -1000, math.floor(100 * (mean - current) / mean + 0.5)
                    )
    assert cells > 5_000


def test_warehouse_deltas_are_taken_against_amazon_or_new(rows):
    seen = 0
    for deal in rows:
        current = deal["current"]
        if current[pt.WAREHOUSE] > 0:
            reference = pt.AMAZON if current[pt.AMAZON] > 0 else pt.NEW
            if current[reference] > 0:
                seen += 1
                for span in range(4):
                    expected = deal["avg"][span][reference] - current[pt.WAREHOUSE]
                    assert deal["delta"][span][pt.WAREHOUSE] == expected
    assert seen


def test_types_without_data_look_as_they_do_in_recorded_deals(rows):
    for deal in rows:
        for kind in range(36):
            if deal["currentSince"][kind] == -1:
                assert deal["current"][kind] == -1
                assert [deal["avg"][span][kind] for span in range(4)] == [-2] * 4
                assert [deal["delta"][span][kind] for span in range(4)] == [0] * 4


def test_creation_date_is_since_when_the_price_asked_for_holds(market):
    for index in range(SIZE):
        for kind in (pt.NEW, pt.SALES):
            deal = deal_row(market, index, kind=kind)
            assert deal["creationDate"] == deal["currentSince"][kind]


def test_every_list_has_an_entry_per_price_type(rows):
    narrow = Market(Scope(seed=7, products=SIZE, slots=34))
    for slots, deal in ((36, rows[0]), (34, deal_row(narrow, 0))):
        for name in ("current", "currentSince", "deltaLast", "backInStock"):
            assert len(deal[name]) == slots
        for name in ("avg", "delta", "deltaPercent"):
            assert [len(line) for line in deal[name]] == [slots] * 4


def test_updates_are_hours_old_and_here_and_there_a_little_ahead(market):
    ages = [NOW_MS / MINUTE_MS - EPOCH_MINUTE - deal_row(market, i)["lastUpdate"] for i in range(SIZE)]
    assert max(ages) < 1_340
    assert 20 < sorted(ages)[SIZE // 2] < 250
    early = [index for index in range(SIZE) if market.item(index).is_early]
    assert early
    futures = []
    for index in early:
        changes_ms = market.state(market.item(index), 1, NOW_MS).changes_ms
        futures.append(
            market.state(market.item(index), 1, changes_ms).last_update - changes_ms / MINUTE_MS + EPOCH_MINUTE
        )
    assert 0.6 < max(futures) <= 0.7


def test_a_state_holds_until_the_moment_it_names(market):
    for index in range(SIZE):
        found = market.item(index)
        state = market.state(found, 1, NOW_MS)
        assert state.changes_ms > NOW_MS
        assert market.state(found, 1, state.changes_ms - 1) == state
        assert market.state(found, 1, state.changes_ms) != state


def test_the_csv_moves_strictly_forward_and_keeps_only_changes(market):
    for index in range(60):
        for kind, series in enumerate(full(market, index)["csv"]):
            if series is None:
                continue
            step = 3 if kind in pt.TRIPLES else 2
            assert len(series) % step == 0
            minutes = series[::step]
            values = list(zip(*(series[at::step] for at in range(1, step)), strict=True))
            assert all(a < b for a, b in pairwise(minutes))
            assert kind in pt.REPEATING or all(a != b for a, b in pairwise(values))
            assert minutes[-1] <= NOW_MINUTE + 1


def last_value(series, kind):
    if kind not in pt.TRIPLES:
        return series[-1]
    return series[-2] + series[-1] if series[-2] >= 0 else -1


def test_stats_current_is_the_last_of_the_csv_and_equals_the_deal(market, rows):
    for index in range(60):
        body, deal = full(market, index), rows[index]
        for kind, series in enumerate(body["csv"]):
            if kind == pt.RENT:  # not asked for
                assert series is None
                continue
            if series is None:
                assert body["stats"]["current"][kind] == -1
                assert deal["current"][kind] == -1
                continue
            assert body["stats"]["current"][kind] == last_value(series, kind) == deal["current"][kind]
            if kind != pt.LIGHTNING:
                assert series[-3 if kind in pt.TRIPLES else -2] == deal["currentSince"][kind]


def test_product_and_deal_of_one_minute_tell_the_same_story(market, rows):
    for index in range(60):
        body, deal = full(market, index), rows[index]
        assert body["lastUpdate"] == deal["lastUpdate"]
        assert body["title"] == deal["title"]
        assert body["images"][0]["m"] == bytes(deal["image"]).decode()
        assert body["categories"] == deal["categories"]
        assert body["rootCategory"] == deal["rootCat"]
        assert body["parentAsin"] == deal.get("parentAsin")
        for days in (30, 90, 180, 365):
            assert body["stats"][f"salesRankDrops{days}"] == deal[f"salesRankDrops{days}"]
        for kind in range(36):
            if body["csv"][kind] is not None:
                assert body["stats"]["avg90"][kind] == deal["avg"][3][kind]


def mean_by_hand(series, kind, begin, end):
    step = 3 if kind in pt.TRIPLES else 2
    groups = [series[at : at + step] for at in range(0, len(series), step)]
    total = weight = 0
    for group, following in zip(groups, [*groups[1:], [end]], strict=True):
        low, high = max(begin, group[0]), min(end, following[0])
        if group[1] >= 0 and high > low:
            total += sum(group[1:]) * (high - low)
            weight += high - low
    return total // weight if weight else -1


def test_means_in_deals_are_those_of_the_csv(market, rows):
    for index in range(20):
        body, deal = full(market, index), rows[index]
        anchor = market.state(market.item(index), 1, NOW_MS).anchor
        for kind, series in enumerate(body["csv"]):
            if series is None or kind in {pt.EXTRA_INFO, pt.LIGHTNING}:
                continue
            for span, days in enumerate((2, 7, 31, 90)):
                begin = anchor - days * 1440
                if series[0] < begin:
                    assert deal["avg"][span][kind] == mean_by_hand(series, kind, begin, anchor), (index, kind, span)


def test_extremes_come_from_the_history(market):
    for index in range(40):
        body = full(market, index)
        for kind, series in enumerate(body["csv"]):
            if series is None or kind == pt.EXTRA_INFO:
                continue
            step = 3 if kind in pt.TRIPLES else 2
            totals = [sum(series[at + 1 : at + step]) for at in range(0, len(series), step) if series[at + 1] > 0]
            low, high = body["stats"]["min"][kind], body["stats"]["max"][kind]
            assert (low is None) == (not totals)
            if totals:
                assert (low[1], high[1]) == (min(totals), max(totals))
                assert body["stats"]["isLowest"][kind] == (body["stats"]["current"][kind] == min(totals))


def test_the_same_seed_gives_the_same_market_in_whatever_order_it_is_asked(rows):
    other = Market(Scope(seed=7, products=SIZE, closed_share=0.0))
    for index in reversed(range(0, SIZE, 5)):
        deal_row(other, index, NOW_MS - 86_400_000)
        assert deal_row(other, index) == rows[index]


def test_another_seed_gives_other_products(rows):
    other = Market(Scope(seed=8, products=SIZE))
    assert not {other.item(i).asin for i in range(SIZE)} & {deal["asin"] for deal in rows}


def test_domains_differ_in_prices_but_not_in_products(market):
    found = market.item(3)
    here, there = (market.timeline(found, domain) for domain in (1, 2))
    state = market.state(found, 1, NOW_MS)
    series = found.series[0]
    assert here.values(series, 0, state.slot) != there.values(series, 0, state.slot)


def test_prices_move_from_day_to_day(market):
    changed = sum(
        deal_row(market, i)["current"][pt.NEW] != deal_row(market, i, NOW_MS + 7 * 86_400_000)["current"][pt.NEW]
        for i in range(50)
    )
    assert changed > 20


def test_an_asin_leads_back_to_its_product_and_a_strange_one_to_nothing(market):
    for index in range(SIZE):
        found = market.find(market.item(index).asin)
        assert isinstance(found, Item)
        assert found.index == index
        code = identity.ean(7, index, is_book=found.is_book)
        assert market.code(found) == code or index % 100 < 12
        assert found in market.find_code(market.code(found))
        assert all(market.code(one) == market.code(found) for one in market.find_code(market.code(found)))
    assert market.find("B000000000") is None
    assert market.find("0000000000") is None
    assert market.find("not-an-asin") is None


def test_a_parent_lists_its_children_and_they_name_it(market):
    child = next(item for item in map(market.item, range(SIZE)) if market.parent_asin(item))
    parent = market.find(market.parent_asin(child))
    assert isinstance(parent, Parent)
    assert child.asin in parent.children


def test_history_is_the_same_part_by_part_as_whole(market):
    timeline = market.timeline(market.item(11), 1)
    slot = timeline.slot_at(NOW_MINUTE)
    for series in market.item(11).series:
        if series.type == pt.COUNT_REVIEWS:
            continue
        whole = timeline.values(series, slot - 300, slot)
        assert timeline.values(series, slot - 70, slot) == whole[-len(timeline.values(series, slot - 70, slot)) :]


def test_the_minute_of_the_epoch_is_zero():
    assert minute_of(1_293_840_000_000) == 0
