"""The page Now as a person uses it: the balance moves, an order is given and seen, and a stopped supervisor is told."""

import itertools
import json
import os
import signal

import pytest

from tests.fakes.program.cli_program import freeze, web_pid
from tests.fakes.waiting import wait_until

TEXT = "([selector, before]) => document.querySelector(selector).textContent !== before"


def test_the_balance_changes_before_ones_eyes(visit):
    with visit() as visitor:
        balance = visitor.page.locator("[data-text=balance]")
        before = balance.text_content()
        visitor.until(TEXT, "[data-text=balance]", before)
        assert visitor.page.locator("#chart canvas").count() == 1
        assert "tokens" in visitor.page.locator("#chart").get_attribute("aria-label")


def test_backfill_is_paused_and_goes_on_by_two_clicks_each_and_events_say_so(visit, system):
    with visit() as visitor:
        page = visitor.page
        for verb, paused in (("pause", ["backfill"]), ("resume", [])):
            visitor.go("/")
            page.locator("[data-table=tiers] tr", has_text="backfill").get_by_role("link", name=verb).click()
            page.get_by_role("button", name=f"{verb} backfill").click()
            page.wait_for_url("**/events")
            system.until(lambda r, paused=paused: r["paused"] == paused, f"{verb} of backfill")
            assert page.get_by_role("cell", name=f"{verb} backfill", exact=True).count() >= 1
        system.until_working()


def test_a_form_about_what_is_not_so_any_more_does_nothing(visit, system):
    with visit(is_silent=False) as visitor:  # the browser itself says that the answer was 409
        page = visitor.page
        visitor.go("/orders/restart?worker=upsert-0")
        before = next(one for one in system.report()["workers"] if one["role"] == "upsert")["pid"]
        os.kill(before, signal.SIGKILL)
        system.until(
            lambda r: all(one["pid"] not in {None, before} for one in r["workers"] if one["role"] == "upsert"),
            "another process",
        )
        page.get_by_role("button", name="restart upsert-0").click()
        page.get_by_role("heading", name="Nothing was done").wait_for()
        system.until_working()


def test_twelve_tabs_are_all_live_and_a_hidden_one_asks_nothing(visit):
    with visit() as visitor:
        tabs = [visitor.page, *(visitor.page.context.new_page() for _ in range(11))]
        asked = [[] for _ in tabs]
        for tab, requests in zip(tabs, asked, strict=True):
            tab.on("request", lambda one, requests=requests: requests.append(one.url))
            tab.goto(visitor.address + "/events")
        for requests in asked:
            requests.clear()
        wait_until(
            lambda: tabs[0].wait_for_timeout(50) or all(any("live.json" in url for url in one) for one in asked),
            "a look of each tab",
        )
        tabs[0].evaluate(
            """() => { Object.defineProperty(document, "hidden", {get: () => true});
                       document.dispatchEvent(new Event("visibilitychange")); }"""
        )
        tabs[0].wait_for_timeout(100)  # what was under way
        asked[0].clear()
        asked[1].clear()
        wait_until(lambda: tabs[1].wait_for_timeout(50) or len(asked[1]) >= 3, "three looks of another tab")
        assert asked[0] == []


def test_a_supervisor_that_stands_still_is_told_and_so_is_its_return(visit, system):
    with visit() as visitor:
        visitor.until("() => document.getElementById('banner').hidden")
        freeze(system.process.pid)
        try:
            visitor.page.get_by_role("alert").filter(has_text="No word from the supervisor since").wait_for()
            assert "does not speak" in visitor.page.locator("#verdict").text_content()
        finally:
            system.signal(signal.SIGCONT)
        visitor.until("() => document.getElementById('banner').hidden")


def test_a_visitor_goes_on_when_the_process_of_the_page_is_killed(visit, system):
    with visit(is_silent=False) as visitor:  # the browser says which request was cut off
        pids = {one["pid"] for one in system.report()["deaths"] if one["role"] == "web"}
        os.kill(web_pid(system), signal.SIGKILL)
        system.until(lambda r: {o["pid"] for o in r["deaths"] if o["role"] == "web"} > pids, "its death")
        before = visitor.page.locator("[data-text=balance]").text_content()
        visitor.until(TEXT, "[data-text=balance]", before)
        visitor.until("() => document.getElementById('banner').hidden")


@pytest.mark.parametrize("floors", [[50, 150], [100, 110, 120, 130], [0.5, 1], [200, 200, 200], [5, 30, 60, 90, 120]])
def test_the_labels_of_floors_keep_their_distance(visit, address, floors):
    named = [[f"tier {number}", floor] for number, floor in enumerate(floors)]
    given = {"past": [[], []], "span_s": 900, "balance": 100, "capacity": 200, "floors": named}

    def with_floors(route):
        html = route.fetch().text()
        begin, _, rest = html.partition('id="chart-data">')
        route.fulfill(body=f'{begin}id="chart-data">{json.dumps(given)}{rest[rest.index("</script>") :]}')

    for width in (320, 1200):
        with visit(is_silent=False, viewport={"width": width, "height": 900}) as visitor:
            visitor.page.route("**/live.json*", lambda route: route.abort())
            visitor.page.route(f"{address}/", with_floors)
            visitor.go("/")
            visitor.page.locator("#chart .floor").first.wait_for()
            boxes = [one.bounding_box() for one in visitor.page.locator("#chart .floor:visible").all()]
            assert boxes
            assert width == 320 or len(boxes) == len(floors)
            chart = visitor.page.locator("#chart").bounding_box()
            assert all(one["x"] + one["width"] <= chart["x"] + chart["width"] for one in boxes)
            for one, other in itertools.combinations(boxes, 2):
                assert are_apart(one, other, 4), (one, other)


def are_apart(one, other, pixels):
    return any(
        one[place] + one[size] + pixels <= other[place] or other[place] + other[size] + pixels <= one[place]
        for place, size in (("x", "width"), ("y", "height"))
    )


def test_a_chart_is_there_without_javascript(visit):
    with visit(java_script_enabled=False) as visitor:
        visitor.go("/")
        picture = visitor.page.locator("#chart svg")
        assert picture.locator("path").count() >= 3
        box, place = picture.bounding_box(), visitor.page.locator("#chart").bounding_box()
        assert box["height"] > 200
        assert box["y"] - place["y"] < 8
    with visit() as visitor:
        visitor.page.locator("#chart canvas").wait_for()
        assert visitor.page.locator("#chart svg").count() == 0
