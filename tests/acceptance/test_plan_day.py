"""What `plan` says a day will cost, against what the day costs: selections, lists, sources, the simulator's market."""

from __future__ import annotations

from contextlib import closing

import msgspec
import pytest

from supervisor.selections import plan_inputs
from supervisor.selections.scene import others_of
from tasks.planning.cost_plan import cost_plan
from tasks.planning.streams import list_keys, streams
from tasks.settings import SelectionSettings, SourceSettings
from tasks.simulator.market.catalog import ROOTS
from tests.fixtures.days import Days
from tests.fixtures.lists import asins_of, list_file

HOUR_S = 3_600
BASE = {"domainId": 1, "priceTypes": [1], "isFilterEnabled": True, "isRangeEnabled": True, "dateRange": 1}
PRICES = {"cheap": [0, 2_500], "dear": [2_501, 2**31 - 1]}
TEN = {
    f"{words} {root.name}": BASE | {"includeCategories": [root.id], "currentRange": prices}
    for root in ROOTS
    for words, prices in PRICES.items()
}
SOURCES = {
    "best": {"source": "bestsellers", "domainId": 1, "categoryId": 283_155, "refresh": "12h"},
    "shop": {"source": "seller", "domainId": 1, "sellerId": "A2L77EE7U53NWQ", "refresh": "8h"},
    "toys": {"source": "category", "domainId": 1, "categoryId": 165_793_011, "most": 60, "refresh": "6h"},
}
CHOSEN = tuple(SelectionSettings(name=name, query=query) for name, query in TEN.items())


@pytest.fixture
def days(tmp_path, database_url):
    with closing(Days(tmp_path, database_url, CHOSEN, rate=5, deals=600)) as made:
        made.start()
        yield made


@pytest.fixture
def days_of_more(tmp_path, database_url):
    """Days of the ten, of two lists and of three sources."""
    with closing(Days(tmp_path, database_url, CHOSEN, rate=10, deals=600)) as made:
        asins = asins_of(made.town.simulator, 1_500)
        lists = (
            list_file(tmp_path, "daily", asins[-300:]),
            list_file(tmp_path, "often", asins[-500:-300], detail="stats", refresh_s=6 * HOUR_S),
        )
        sources = tuple(SourceSettings(name=name, query=query) for name, query in SOURCES.items())
        made.start(watch_lists=lists, sources=sources)
        yield made


def planned(days):
    """The plan of the next day, made of what there is now."""
    settings, snapshot = days.settings, days.town.ledger.snapshot()
    targets = streams(settings.selections, settings.keepa_domains)
    lists = [one.key for one in settings.watch_lists]
    with days.town.connected() as conn, conn.transaction():
        gathered = plan_inputs.read(conn, targets, days.now(), others=list_keys(settings), list_keys=lists)
    chosen = msgspec.structs.replace(
        days.program_settings, loaded_lists=settings.watch_lists, loaded_sources=settings.sources
    )
    rules = plan_inputs.rules_of(chosen, snapshot, gathered.call_s)
    allowance, _ = plan_inputs.allowance_of(days.program_plan, snapshot, None)
    assert gathered.unknown == ()
    others = others_of(chosen, gathered, snapshot)
    return cost_plan(plan_inputs.loads(gathered, rules, allowance), rules, allowance, others)


def spent(days):
    """What each selection has cost, by its label."""
    rows = days.town.rows(
        "SELECT s.domain, s.asin, array_agg(n.selection_key) FROM deal_sightings s, unnest(s.selections) u "
        "JOIN selections n ON n.number = u GROUP BY 1, 2"
    )
    asked_by = {(domain, asin): keys for domain, asin, keys in rows}
    costs = {}
    for one in streams(days.settings.selections, days.settings.keepa_domains):
        products = sum(
            tokens / len(asked_by[product])
            for product, tokens in days.products.items()
            if one.key in asked_by[product] and one.domain == product[0]
        )
        costs[one.label] = days.spent[f"pages of {one.selection.name}"] + products
    return costs


@pytest.mark.kill
@pytest.mark.timeout(3_600)
def test_a_plan_is_within_15_percent_of_the_day_that_follows_for_ten_selections(days):
    days.run(5 * HOUR_S)
    plan = planned(days)
    days.forget()
    days.run(24 * HOUR_S)
    costs = spent(days)
    assert sum(costs.values()) == pytest.approx(days.charged, rel=0.01)
    off = {one.name: one.total / costs[one.name] - 1 for one in plan.spent}
    assert len(off) == 10
    assert {name: round(part, 2) for name, part in off.items() if abs(part) > 0.15} == {}
    assert plan.total == pytest.approx(days.charged, rel=0.15)


@pytest.mark.kill
@pytest.mark.timeout(3_600)
def test_a_plan_is_within_15_percent_of_the_day_with_lists_and_sources_beside_the_selections(days_of_more):
    days = days_of_more
    days.run(8 * HOUR_S)
    plan = planned(days)
    days.forget()
    days.run(24 * HOUR_S)
    assert plan.total == pytest.approx(days.charged, rel=0.15)
    assert plan.total < 0.9 * plan.income, "where all is spent, any plan would be right"
    asking = {one.name.partition(",")[0]: one.asking for one in plan.others if one.kind == "source"}
    told = {name: days.spent[f"asking {name}"] for name in SOURCES}
    assert asking == {name: pytest.approx(tokens, rel=0.15) for name, tokens in told.items()}
    listed = {asin for (asin,) in days.town.rows("SELECT asin FROM watched_products")}
    of_lists = sum(tokens for (_, asin), tokens in days.products.items() if asin in listed)
    assert plan.of_others("list") == pytest.approx(of_lists, rel=0.15)
