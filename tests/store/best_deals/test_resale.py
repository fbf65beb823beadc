"""What is left of a deal that is sold again: the formula against one of our own, and all that is made of it."""

import csv
import io
import json
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from supervisor.queries import later_price
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.market import attributes
from tasks.simulator.market.market import Market, Scope
from tasks.store.best_deals import best_deals
from tasks.store.best_deals.conditions import Conditions, ResaleTerms
from tasks.store.connection import connect
from tests.fixtures.database.best_deals import SORTS, which

PERCENTS = [0.0, 3.0, 5.0, 8.0, 8.25, 12.0, 15.0, 15.01, 17.5, 45.0, 50.0]
amounts = st.integers(0, 5_000_000)
sales = st.tuples(
    amounts, st.integers(1, 5_000_000), st.sampled_from(PERCENTS), st.integers(0, 5_000),
    st.none() | st.integers(-1, 500), st.sampled_from([1, 2, 3, 5]),
)  # fmt: skip
BOTH = """
SELECT m.referral_fee, m.fees, m.profit, m.roi_percent, break_even(g.cost, g.percent, g.fba, g.closing, g.domain)
FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::bigint[], %s::bigint[], %s::smallint[])
    WITH ORDINALITY AS g (cost, sell, percent, fba, closing, domain, nth)
CROSS JOIN LATERAL resale(g.cost, g.sell, g.percent, g.fba, g.closing, g.domain) AS m ORDER BY g.nth
"""


def kept(sell, percent, fba, closing, domain):
    """What Amazon leaves of a price: it takes the greater of its part and the least amount, and its fees."""
    part = Fraction(str(percent)) / 100
    rounded = int((Decimal(sell) * Decimal(str(percent)) / 100).quantize(Decimal(1), ROUND_HALF_UP))
    assert abs(rounded - sell * part) <= Fraction(1, 2)
    return sell - max(rounded, 30 if domain == 1 else 0) - fba - max(closing or 0, 0)


@pytest.fixture(scope="module")
def formula(pg_server, market_template):
    with pg_server.copy(market_template) as url, connect(url, application_name="test", autocommit=True) as connection:
        yield lambda rows: connection.execute(BOTH, [list(column) for column in zip(*rows, strict=True)]).fetchall()


@settings(max_examples=40)
@example([(0, 1, 0.0, 0, None, 1), (100, 1, 50.0, 0, -1, 1), (5_000_000, 1, 50.0, 5_000, 500, 3)])
@given(st.lists(sales, min_size=1, max_size=60))
def test_the_formula_is_that_of_amazons_fee_schedule(formula, rows):
    for given_, (referral, fees, profit, roi, even) in zip(rows, formula(rows), strict=True):
        cost, sell, percent, fba, closing, domain = given_
        left = kept(sell, percent, fba, closing, domain)
        assert (profit, fees) == (left - cost, sell - left)
        assert fees - referral == fba + max(closing or 0, 0)
        assert roi == (None if cost == 0 else (Decimal(100 * profit) / cost).quantize(Decimal("0.1"), ROUND_HALF_UP))
        assert kept(even, percent, fba, closing, domain) >= cost, "at this price nothing is lost"
        assert even == 1 or kept(even - 1, percent, fba, closing, domain) < cost, "and at any lower one something is"


@pytest.mark.parametrize(
    "row",
    [
        (None, 100, 15.0, 300, 0, 1),
        (100, None, 15.0, 300, 0, 1),
        (100, 0, 15.0, 300, 0, 1),
        (100, -1, 15.0, 300, 0, 1),
        (100, 200, None, 300, 0, 1),
        (100, 200, 15.0, None, 0, 1),
        (100, 200, 15.0, -1, 0, 1),
        (100, 200, -1.0, 300, 0, 1),
        (100, 200, 51.0, 300, 0, 1),
    ],
)
def test_what_is_not_known_gives_no_profit(formula, row):
    ((_, _, profit, roi, _),) = formula([row])
    assert (profit, roi) == (None, None)


def test_money_goes_into_the_smallest_unit_and_back(gathered):
    statement = "SELECT keepa_amount(%s, %s::smallint), keepa_units(keepa_amount(%s, %s::smallint), %s::smallint)"
    for units, domain, money in ((1234, 1, Decimal("12.34")), (-5, 3, Decimal("-0.05")), (1234, 5, Decimal(1234))):
        assert gathered.execute(statement, (units, domain, units, domain, domain)).fetchone() == (money, units)


@pytest.fixture(scope="module")
def truth():
    """What the simulator itself makes a product of, by its ASIN."""
    config = SimulatorConfig(deals=160)
    market = Market(Scope(seed=config.seed, products=config.products))

    def find(asin):
        found = market.find(asin)
        return attributes.plain(found, market.code(found))

    return find


@pytest.fixture(scope="module")
def deals_of(gathered_url):
    """Each deal as it was received: prices by type, and how often its rank fell."""
    statement = """
        SELECT d.asin, d.current, d.sales_rank_drops30, p.stats IS NOT NULL, (p.stats -> 'current' ->> 18)::int
        FROM deals AS d LEFT JOIN products AS p USING (domain, asin)
    """
    with connect(gathered_url, application_name="test") as connection:
        return {asin: rest for asin, *rest in connection.execute(statement)}


def shown(ask, url, *arguments):
    code, out = ask(url, "deals", "--top", "1000", *arguments, "--json")
    assert code == 0
    return json.loads(out, parse_float=Decimal)["deals"]


def expected(deal, product, sell, more=0):
    """The profit and the return, in cents and percent."""
    cost = round(deal["price"] * 100) + more
    fees = product["fbaFees"]["pickAndPackFee"], product["variableClosingFee"]
    profit = kept(sell, product["referralFeePercentage"], *fees, 1) - cost
    return profit, (Decimal(100 * profit) / cost).quantize(Decimal("0.1"), ROUND_HALF_UP)


def test_profit_and_return_of_each_deal_are_those_of_the_products_own_fees(ask, gathered_url, deals_of, truth):
    found = shown(ask, gathered_url, "--resale")
    known = 0
    for deal in found:
        current, _, is_fetched, buy_box = deals_of[deal["asin"]]
        sell = current[18] if current[18] > 0 else buy_box
        resale = deal["resale"]
        if not is_fetched or sell is None or sell <= 0:
            assert (resale["profit"], resale["roi_percent"]) == (None, None)
            continue
        profit, roi = expected(deal, truth(deal["asin"]), sell)
        assert (round(resale["profit"] * 100), resale["roi_percent"]) == (profit, roi)
        assert round(resale["sell_at"] * 100) == sell
        assert resale["sell_at"] - resale["fees"] - resale["cost"] == resale["profit"]
        assert deal["url"] == f"https://www.amazon.com/dp/{deal['asin']}"
        known += 1
    assert known > 5


def test_which_of_the_deals_leave_twenty_percent_after_fees(ask, gathered_url, truth):
    everything = shown(ask, gathered_url, "--resale", "--sell-at", "mean")
    found = shown(ask, gathered_url, "--min-roi", "20", "--sell-at", "mean", "--sort", "roi")
    rois = [deal["resale"]["roi_percent"] for deal in found]
    wanted = {deal["asin"] for deal in everything if (deal["resale"]["roi_percent"] or -1) >= 20}
    assert {deal["asin"] for deal in found} == wanted
    assert len(wanted) > 3
    assert rois == sorted(rois, reverse=True)
    for deal in found:
        assert expected(deal, truth(deal["asin"]), round(deal["average"] * 100))[1] == deal["resale"]["roi_percent"]
    least = shown(ask, gathered_url, "--min-profit", "5", "--sell-at", "mean", "--sort", "profit")
    profits = [deal["resale"]["profit"] for deal in least]
    assert profits == sorted(profits, reverse=True)
    assert {deal["asin"] for deal in least} == {
        deal["asin"] for deal in everything if (deal["resale"]["profit"] or 0) >= 5
    }
    (best,) = shown(ask, gathered_url, "--top", "1", "--min-roi", "20", "--sell-at", "mean", "--sort", "roi")
    assert best["asin"] == found[0]["asin"]


AT_A_LOSS = Conditions(min_roi=Decimal(-50))
ASKED = st.builds(
    Conditions,
    terms=st.sampled_from([ResaleTerms(), ResaleTerms(sell_at="mean", per_kg=Decimal(1))]),
    min_roi=st.none() | st.sampled_from([Decimal(-50), Decimal(10)]),
    min_profit=st.none() | st.sampled_from([Decimal(-20), Decimal(1)]),
    has_amazon=st.none() | st.booleans(),
    max_fba_sellers=st.none() | st.just(9),
    min_rank_drops=st.none() | st.just(1),
    brand=st.none() | st.just("acme"),
    category=st.none() | st.just("e"),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(AT_A_LOSS, [], "discount")
@example(Conditions(min_profit=Decimal(-20), has_amazon=False), ["o"], "rank")
@given(ASKED, st.sampled_from([[], ["o"]]), st.sampled_from(SORTS))
def test_the_few_that_are_looked_at_first_meet_any_conditions_as_all_do(gathered, conditions, title, sort):
    asked = which(conditions=conditions, title=title, sort=sort, within=timedelta(days=9), top=5)
    few, everything = (best_deals.find(gathered, asked, first=n) for n in (2, best_deals.MOST_CANDIDATES + 1))
    assert few == everything
    assert few or conditions != AT_A_LOSS or title


def test_a_price_of_ones_choice_and_ones_own_costs_count(ask, gathered_url, deals_of, truth):
    own = ("--sell-at", "99.99", "--per-item", "0.75", "--per-kg", "2.50")
    for deal in shown(ask, gathered_url, *own)[:40]:
        if deals_of[deal["asin"]][2]:
            product = truth(deal["asin"])
            more = 75 + int((Decimal(250) * product["packageWeight"] / 1000).quantize(Decimal(1), ROUND_HALF_UP))
            profit, _ = expected(deal, product, 9_999, more)
            assert abs(round(deal["resale"]["profit"] * 100) - profit) <= 1, "two amounts are rounded, or their sum is"


@pytest.mark.parametrize(
    ("arguments", "is_meant"),
    [
        (("--amazon", "yes"), lambda it: it.current[0] >= 0),
        (("--amazon", "no"), lambda it: it.current[0] < 0),
        (("--max-fba-sellers", "2"), lambda it: 0 <= it.current[34] <= 2),
        (("--min-rank-drops", "30"), lambda it: it.drops >= 30),
        (("--title", "THE", "o"), lambda it: all(word in it.deal["title"].lower() for word in ("the", "o"))),
        (("--category", "oo"), lambda it: "oo" in (it.deal["category"] or "").lower()),
        (("--brand", "alderbrook"), lambda it: it.is_fetched and it.brand.lower() == "alderbrook"),
    ],
)
def test_each_condition_leaves_just_what_meets_it(ask, gathered_url, deals_of, truth, arguments, is_meant):
    everything = shown(ask, gathered_url)
    wanted = []
    for deal in everything:
        current, drops, is_fetched, _ = deals_of[deal["asin"]]
        brand = truth(deal["asin"])["brand"]
        it = SimpleNamespace(deal=deal, current=current, drops=drops, is_fetched=is_fetched, brand=brand)
        wanted += [deal["asin"]] if is_meant(it) else []
    assert [deal["asin"] for deal in shown(ask, gathered_url, *arguments)] == wanted
    assert len(wanted) < len(everything)


def test_the_view_and_the_command_say_the_same(ask, gathered_url, gathered):
    rows = gathered.execute(
        "SELECT asin, fees, break_even, profit, roi_percent, url FROM deal_resale WHERE price_type = 'NEW'"
    ).fetchall()
    by_view = {asin: rest for asin, *rest in rows}
    for deal in shown(ask, gathered_url, "--resale"):
        resale = deal["resale"]
        said = [resale[name] for name in ("fees", "break_even", "profit", "roi_percent")] + [deal["url"]]
        assert said == by_view[deal["asin"]]


def test_csv_and_table_have_it_too(ask, gathered_url):
    by_json = {deal["asin"]: deal for deal in shown(ask, gathered_url, "--resale")}
    rows = list(csv.DictReader(io.StringIO(ask(gathered_url, "deals", "--top", "1000", "--resale", "--csv")[1])))
    assert len(rows) == len(by_json)
    for row in rows:
        assert row["url"] == by_json[row["asin"]]["url"]
        assert (row["profit"] or None) == (
            None if by_json[row["asin"]]["resale"]["profit"] is None else str(by_json[row["asin"]]["resale"]["profit"])
        )
    plain = list(csv.DictReader(io.StringIO(ask(gathered_url, "deals", "--csv")[1])))
    assert plain[0]["url"].endswith(plain[0]["asin"])
    code, table = ask(gathered_url, "deals", "--resale", "--top", "5")
    lines = table.removesuffix(f"{later_price.NOTE}\n").splitlines()  # it stands under a table that has such a price
    assert (code, len(lines)) == (0, 6)
    assert "break-even" in lines[0]
