"""What `plan` says a day will cost, against what the day costs: ten selections, both jobs, the simulator's market."""

from __future__ import annotations

from contextlib import closing

import pytest

from supervisor.selections import plan_inputs
from tasks.planning.cost_plan import cost_plan
from tasks.planning.streams import streams
from tasks.settings import SelectionSettings
from tasks.simulator.market.catalog import ROOTS
from tests.fixtures.days import Days

HOUR_S = 3_600
BASE = {"domainId": 1, "priceTypes": [1], "isFilterEnabled": True, "isRangeEnabled": True, "dateRange": 1}
PRICES = {"cheap": [0, 2_500], "dear": [2_501, 2**31 - 1]}
TEN = {
    f"{words} {root.name}": BASE | {"includeCategories": [root.id], "currentRange": prices}
    for root in ROOTS
    for words, prices in PRICES.items()
}


@pytest.fixture
def days(tmp_path, database_url):
    chosen = tuple(SelectionSettings(name=name, query=query) for name, query in TEN.items())
    with closing(Days(tmp_path, database_url, chosen, rate=5, deals=600)) as made:
        made.start()
        yield made


def planned(days):
    """The plan of the next day, made of what there is now."""
    settings, snapshot = days.settings, days.town.ledger.snapshot()
    targets = streams(settings.selections, settings.keepa_domains)
    with days.town.connected() as conn, conn.transaction():
        gathered = plan_inputs.read(conn, targets, days.now())
    rules = plan_inputs.rules_of(days.program_settings, snapshot, gathered.call_s)
    allowance, _ = plan_inputs.allowance_of(days.program_plan, snapshot, None)
    assert gathered.unknown == ()
    return cost_plan(plan_inputs.loads(gathered, rules, allowance), rules, allowance)


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
