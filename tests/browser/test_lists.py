"""Deals, a product and the quarantine as a person uses them, in a real browser."""

from __future__ import annotations

import json
import re

import pytest

from tasks.store import quarantine
from tasks.store.connection import connect
from tests.fakes.waiting import wait_until


@pytest.fixture
def rows(system):
    """A connection to the database of the run."""
    with connect(system.report()["run"]["database_url"], application_name="test", autocommit=True) as conn:
        yield conn


@pytest.fixture
def listed(rows):
    """Deals that the page lists when asked for a tenth off."""
    statement = "SELECT FROM current_deals WHERE price_type = 'NEW' AND discount_percent_week >= 10 LIMIT 3"
    return wait_until(lambda: rows.execute(statement).rowcount == 3, "deals")


@pytest.fixture
def product(rows):
    """The ASIN of a product with a history."""
    statement = "SELECT asin FROM price_series_rows ORDER BY points DESC LIMIT 1"
    return wait_until(lambda: rows.execute(statement).fetchone(), "a history")[0]


@pytest.mark.usefixtures("listed")
def test_deals_are_filtered_and_a_product_is_opened(visit):
    with visit() as visitor:
        page = visitor.page
        visitor.go("/deals?within=30d")
        page.get_by_label("At least").select_option("10")
        page.get_by_label("Sorted by").select_option("price")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(re.compile("min_discount=10"))
        discounts = [int(text.split()[0]) for text in page.locator(".deals tbody td:first-child").all_text_contents()]
        assert len(discounts) >= 3
        assert all(one >= 10 for one in discounts)
        first = page.locator(".deals tbody th a").first
        title = first.text_content()
        first.click()
        page.wait_for_url("**/product/**")
        assert page.locator("h1").text_content() == title
        page.go_back()
        assert page.get_by_label("At least").input_value() == "10"


def test_a_chart_is_drawn_and_other_lines_are_chosen(visit, product):
    with visit() as visitor:
        page = visitor.page
        visitor.go(f"/product/1/{product}?range=all")
        page.locator("#price-chart canvas").wait_for()
        page.get_by_role("checkbox", name="SALES", exact=True).uncheck()
        page.wait_for_url(re.compile("type="))
        page.locator("#price-chart canvas").wait_for()
        assert "type=SALES" not in page.url
        assert not page.get_by_role("checkbox", name="SALES", exact=True).is_checked()
        page.get_by_role("link", name="year", exact=True).click()
        page.wait_for_url(re.compile("range=year"))
        assert "type=SALES" not in page.url


@pytest.mark.parametrize(("scheme", "width"), [("light", 320), pytest.param("dark", 1200, marks=pytest.mark.kill)])
def test_a_product_and_a_fault_can_be_used_by_everybody(visit, rows, product, scheme, width):
    quarantine.add(rows, kind="deal", key="B000000009", reason="made for this look", raw=b'{"asin": 1}', domain=1)
    number = rows.execute("SELECT max(id) FROM quarantine").fetchone()[0]
    paths = (f"/product/1/{product}?range=all", f"/quarantine/{number}", f"/quarantine/drop?id={number}")
    looks = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "reduced_motion": "reduce"}
    with visit(**looks) as visitor:
        for path in paths:
            assert visitor.go(path).status == 200
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width, path
    with visit(**looks, bypass_csp=True) as visitor:
        for path in paths:
            visitor.go(path)
            assert visitor.look_closely() == [], path
    quarantine.delete_fault(rows, number)


def test_what_is_in_quarantine_is_retried_by_two_clicks(visit, rows):
    quarantine.add(rows, kind="product", key="B00RETRY01", reason="HTTP 500 for this test", raw=None, domain=1)
    with visit() as visitor:
        page = visitor.page
        visitor.go("/quarantine?reason=for+this+test")
        page.get_by_role("link", name="Retry all that match").click()
        page.get_by_role("button", name="Retry 1").click()
        page.get_by_text("1 queued again").wait_for()
        told = page.get_by_role("cell", name="quarantine retry reason=for this test", exact=True)
        wait_until(lambda: visitor.go("/events?kind=order") and told.count(), "the order among the events")
    assert not quarantine.find(rows, quarantine.FaultFilter(reason="for this test"), limit=1)


@pytest.mark.usefixtures("listed")
def test_new_deals_are_told_and_nothing_moves(visit):
    with visit() as visitor:
        page = visitor.page
        answer = {"format": 1, "arrivals": [{"count": 7, "most": 100, "address": "/deals?over=week"}]}
        page.clock.install()
        page.route("**/deals/new.json*", lambda route: route.fulfill(json=answer))
        visitor.go("/deals?within=30d&over=week")
        before = page.locator(".deals tbody").text_content()
        page.clock.fast_forward(16_000)
        link = page.get_by_role("link", name="7 new deals match: show")
        link.wait_for()
        assert link.get_attribute("href") == "/deals?over=week"
        assert page.locator(".deals tbody").text_content() == before


def order(visitor, verb, role):
    visitor.go(f"/orders/{verb}?role={role}")
    visitor.page.get_by_role("button", name=f"{verb} {role}").click()
    visitor.page.wait_for_url("**/events")


def at_rest(visitor, system):
    """Pause all workers while no reply waits to be written: it is charged for, and not yet among the calls."""

    def waiting():
        return list(system.state.glob("spool*/**/*.reply"))

    while True:
        for role in ("upsert", "backfill"):
            order(visitor, "pause", role)
        system.until(lambda report: sorted(report["paused"]) == ["backfill", "upsert"], "the pause of all")
        system.until(lambda report: not any(one["pid"] for one in report["workers"]), "no worker")
        if not waiting():
            return
        for role in ("upsert", "backfill"):
            order(visitor, "resume", role)
        wait_until(lambda: not waiting(), "what waits to be written")


def live(visitor):
    """What the page keeps up to date, as it is now; never from before the last half second."""
    return json.loads(visitor.page.request.get(f"{visitor.address}/live.json").text())


def same_as_the_ledger_and_the_status(visitor, system):
    before = system.ledger()
    visitor.page.wait_for_timeout(1000)  # a look is shared by all who ask within half a second
    shown, after = live(visitor), system.ledger()
    balance = int(shown["texts"]["balance"].replace(",", ""))
    assert round(before["bucket"]["balance"]) <= balance <= round(after["bucket"]["balance"])
    assert shown["texts"]["capacity"] == f"{after['bucket']['capacity']:,.0f}"
    tiers = {row[0]["t"]: [cell["t"] for cell in row] for row in shown["tables"]["tiers"]}
    assert list(tiers) == [one["name"] for one in after["tiers"]]
    for one in after["tiers"]:
        floor, waiting, spent = tiers[one["name"]][3:6]
        assert (floor, waiting) == (f"{one['floor']:,.0f}", f"{one['waiting']:,.0f}"), one
        assert spent.split()[0] == f"{one['spent']:,.0f}", one
    status, _ = system.status()
    told = {f"{one['role']}-{one['slot']}": one for one in [*status["services"], *status["workers"]]}
    children = {row[0]["t"]: (row[1]["t"], row[3]["t"]) for row in shown["tables"]["children"]}
    assert children == {name: (one["state"], f"{one['restarts']:,}") for name, one in told.items()}


def same_as_the_tables(visitor, system, rows):
    """What the supervisor has counted one by one, once it has done so again; all of the quarantine."""
    tables = {"deals": "deal_rows", "products": "products", "quarantine": "quarantine"}
    counted = {name: rows.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for name, table in tables.items()}

    def is_shown():
        text, estimates = live(visitor)["texts"]["rows"], system.report()["counted"]["estimates"]
        exact = {name: number for name, number in counted.items() if name not in estimates}
        return all(re.search(rf"\b{name} {number:,}(?!\d|,\d)", text) for name, number in exact.items())

    wait_until(is_shown, f"the numbers of rows, {counted}")
    faults = json.loads(visitor.page.request.get(f"{visitor.address}/quarantine.json").text())["faults"]
    assert len(faults) == counted["quarantine"]
    marks = rows.execute("SELECT selection_key, domain, keepa_time(minute) FROM watermarks").fetchall()
    known = json.loads(visitor.page.request.get(f"{visitor.address}/selections.json").text())["selections"]
    shown = {(one["key"], one["domain"]): one["known_until"] for one in known if one["known_until"]}
    assert shown == {(key, domain): at.strftime("%Y-%m-%dT%H:%M:%SZ") for key, domain, at in marks}


@pytest.mark.usefixtures("listed")
def test_the_numbers_of_the_page_are_those_of_the_commands_and_the_tables(visit, system, rows):
    """At one moment: the workers stand still while all is compared."""
    with visit() as visitor:
        at_rest(visitor, system)
        (lost,) = rows.execute("SELECT coalesce(sum(estimate), 0)::int FROM calls WHERE cost IS NULL").fetchone()
        charged = dict(rows.execute("SELECT endpoint, sum(cost)::int FROM calls GROUP BY 1 HAVING sum(cost) > 0"))
        spent = json.loads(visitor.page.request.get(f"{visitor.address}/tokens.json?by=endpoint").text())["spent"]
        by_endpoint = dict.fromkeys(charged, 0)
        for one in spent:
            by_endpoint[one["name"]] = by_endpoint.get(one["name"], 0) + one["tokens"]
        assert {name: tokens for name, tokens in by_endpoint.items() if tokens} == charged
        visitor.go("/tokens")
        words = " ".join(visitor.page.locator("main").inner_text().split())
        totals = system.ledger()["totals"]
        assert f"{totals['spent']:,.0f} spent" in words
        assert f"{totals['refused_429']:,} refused" in words
        assert sum(charged.values()) + lost == totals["spent"], "a call whose reply was lost counts as reserved"
        deals = json.loads(visitor.page.request.get(f"{visitor.address}/deals.json").text())["deals"]
        told = json.loads(system.command("deals", "--json", "--top", "100000").stdout)["deals"]
        assert deals == told
        same_as_the_ledger_and_the_status(visitor, system)
        same_as_the_tables(visitor, system, rows)
        for role in ("upsert", "backfill"):
            order(visitor, "resume", role)
        system.until_working()
