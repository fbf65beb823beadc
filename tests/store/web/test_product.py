"""The page of a product over a real database: its numbers are those of the command and of the tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest

from supervisor.control.protocol import Answer
from supervisor.report import OrderRecord, Report, RunRecord, SupervisorRecord, write
from supervisor.web.views import product_view
from tasks.errors import EXIT_FAILED, EXIT_TRY_LATER
from tasks.store import deals
from tasks.store.products import products
from tests.fixtures.site import Text
from tests.store.conftest import a_deal

SHARE = ("AMAZON", "NEW", "USED", "SALES", "BUY_BOX_SHIPPING")


@pytest.fixture
def fetched(gathered):
    """A product with a long history: its ASIN."""
    return gathered.execute("SELECT asin FROM price_series_rows ORDER BY points DESC LIMIT 1").fetchone()[0]


def chart_of(html):
    return json.loads(html.partition('id="price-data">')[2].partition("</script>")[0])


def of_the_command(ask, url, asin):
    code, out = ask(url, "history", asin, "--json")
    assert code == 0
    return json.loads(out)["points"]


def test_the_changes_are_those_of_the_command(visit, ask, gathered_url, fetched):
    site = visit(gathered_url)
    points = [one for one in of_the_command(ask, gathered_url, fetched) if one["price_type"] in SHARE]
    expected = [
        (
            one["price_type"],
            one["at"],
            one["value"] if one["price"] is None else round(one["price"] + (one["shipping"] or 0), 2),
        )
        for one in points
    ]
    found = site.json(f"/product/1/{fetched}.json?range=all")["changes"]
    assert [(one["price_type"], one["at"], one["value"]) for one in found] == expected
    as_csv = site.csv(f"/product/1/{fetched}.csv?range=all&type=NEW")
    assert len(as_csv) == sum(one[0] == "NEW" for one in expected)
    assert {(row["shop"], row["currency"]) for row in as_csv} == {("amazon.com", "USD")}


def test_the_figures_are_those_of_the_tables(visit, gathered, gathered_url, fetched):
    site = visit(gathered_url)
    lowest, highest, now = gathered.execute(
        "SELECT min(price), max(price), (array_agg(price ORDER BY at DESC))[1] FROM price_history"
        " WHERE asin = %s AND price_type = 'NEW'",
        (fetched,),
    ).fetchone()
    words = site.page(f"/product/1/{fetched}?range=all&type=NEW").text
    for number in (lowest, highest, now):
        assert f"{number:,}" in words
    title, queued = gathered.execute(
        "SELECT p.title, p.history_fetched_at FROM products AS p WHERE asin = %s", (fetched,)
    ).fetchone()
    assert title.split()[0] in words
    assert "The history was fetched" in words
    assert queued is not None


def test_a_chart_has_few_points_and_keeps_the_extremes(visit, gathered_url, fetched):
    site = visit(gathered_url)
    chart = chart_of(site.get(f"/product/1/{fetched}?range=all").text)
    changes = site.json(f"/product/1/{fetched}.json?range=all")["changes"]
    drawn = sum(value is not None for line in chart["lines"] for value in line["values"])
    assert len(chart["axis"]) <= product_view.MOST_POINTS
    assert drawn < 6 * product_view.MOST_POINTS
    assert len(changes) > product_view.MOST_POINTS
    for line in chart["lines"]:
        received = [one["value"] for one in changes if one["price_type"] == line["name"] and one["value"] is not None]
        shown = [value for value in line["values"] if value is not None]
        unit = 100 if line["scale"] == "money" else 1
        ends = (min(received, default=0), max(received, default=0))
        assert (min(shown, default=0), max(shown, default=0)) == tuple(round(one * unit) for one in ends)


def test_a_range_begins_with_what_held_then(visit, gathered_url, fetched):
    site = visit(gathered_url)
    every = site.json(f"/product/1/{fetched}.json?range=all&type=NEW")["changes"]
    of_a_day = site.json(f"/product/1/{fetched}.json?range=day&type=NEW")["changes"]
    held = [one["value"] for one in every if one["at"] <= of_a_day[0]["at"]][-1]
    assert of_a_day[0]["value"] == held


def test_offers_rating_and_reviews_are_shown(visit, conn, database_url, make_product):
    csv = [None] * 18
    csv[1], csv[16], csv[17] = [7_800_000, 1999], [7_800_000, 44], [7_800_000, 1234]
    offer = {"offerId": 1, "sellerId": "A1SELLER", "condition": 1, "offerCSV": [7_800_000, 1899, 100], "isFBA": True}
    with conn.transaction():
        product = make_product(csv=csv, title="Tea &amp; pot")
        products.write(conn, 1, [product], fetched_at=datetime.now(UTC), has_history=True)
    conn.execute(
        "INSERT INTO offers (domain, asin, place, live_place, seller_id, condition, is_fba, minutes, prices, shipping,"
        " last_seen) VALUES (1, 'B000000001', 0, 0, %s, 1, true, '{7800000}', '{1899}', '{100}', 7800000)",
        (offer["sellerId"],),
    )
    conn.execute("UPDATE products SET offers_fetched_at = now()")
    words = visit(database_url).page("/product/1/B000000001").text
    for expected in ("Tea & pot", "4.4 of 5 stars", "1,234 ratings", "A1SELLER", "18.99", "by Amazon", "19.99 USD now"):
        assert expected in words, expected
    assert visit(database_url).page("/product/amazon.com/b000000001").text == words
    conn.execute("UPDATE offers SET is_fba = NULL")
    words = visit(database_url).page("/product/1/B000000001").text
    assert "A1SELLER" in words
    assert not any(who in words for who in ("by Amazon", "by the seller")), "nobody has said who ships it"


def test_a_product_is_put_before_all_others_in_the_queue(visit, market, market_url):
    site = visit(market_url)
    asin = market.execute("SELECT asin FROM products WHERE history_fetched_at IS NOT NULL").fetchone()[0]
    reply = site.post(f"/product/1/{asin}/queue", {})
    assert (reply.status_code, reply.headers["location"]) == (303, f"/product/1/{asin}?queued=yes")
    assert "the next one that backfill fetches" in site.page(reply.headers["location"]).text
    first = "SELECT asin FROM fetch_queue WHERE state = 'pending' ORDER BY priority DESC, place LIMIT 1"
    assert market.execute(first).fetchone() == (asin,)
    assert site.post("/product/1/B0NOTHERE0/queue", {}).status_code == 404
    assert "no selection is for amazon.de" in site.post(f"/product/3/{asin}/queue", {}).text
    off = visit(market_url, has_control=False)
    assert "etch it" not in off.page(f"/product/1/{asin}").text
    for verb in ("refresh", "cancel", "queue"):
        assert off.post(f"/product/1/{asin}/{verb}", {}).status_code == 403


def test_a_product_of_which_only_a_deal_is_known_says_what_is_missing(visit, conn, database_url):
    with conn.transaction():
        deals.write(conn, 1, [a_deal("B000000001")], seen_at=datetime.now(UTC))
    page = visit(database_url).page("/product/1/B000000001")
    assert "Its prices are not known here yet: its history was not fetched." in page.text
    assert "There is no history yet." in page.text
    assert "Show these" not in page.text, "there is no line to choose"
    assert "in the chart" not in page.text


def report_of(*orders):
    return Report(
        written_at="2026-11-30T00:00:00Z",
        supervisor=SupervisorRecord(pid=1, state="running"),
        run=RunRecord(
            server="simulator", synthetic=True, base_url=None, database=None, database_url=None, spool="s",
            rows_into="a database", words="",
        ),
        workers=(),
        services=(),
        rows_written={},
        deaths=(),
        orders=orders,
    )  # fmt: skip


MARK, OTHER = "0123456789abcdef", "fedcba9876543210"
EARLIER = {"code": 0, "words": "of an earlier order"}


def order_to_fetch(asin, mark, **answer):
    order = f"fetch {asin} --domain amazon.com"
    return OrderRecord(at="2026-11-30T00:00:00Z", by="web", order=order, mark=mark, **answer)


UNDER_WAY = ({}, "wait", "is not there yet")
FETCHED = ({"code": 0, "words": "written; charged 1 token"}, "good", "Written; charged 1 token.")
GIVEN_UP = ({"code": EXIT_TRY_LATER, "words": "cancelled before its turn"}, "off", "Cancelled before its turn.")
FAILED = ({"code": EXIT_FAILED, "words": "HTTP 500"}, "bad", "HTTP 500.")


@pytest.mark.parametrize(("answer", "state", "words"), [UNDER_WAY, FETCHED, GIVEN_UP, FAILED])
def test_what_comes_of_an_order_to_fetch_is_told_and_it_can_be_cancelled_until_then(
    visit, gathered_url, fetched, answer, state, words
):
    site = visit(gathered_url)
    path = f"/product/1/{fetched}"
    write(
        report_of(order_to_fetch(fetched, OTHER, **EARLIER), order_to_fetch(fetched, MARK, **answer)), site.state.status
    )
    assert words in site.page(f"{path}?fetched={MARK}").text
    assert ("Cancel it" in site.get(f"{path}?fetched={MARK}").text) is (state == "wait")
    assert "Cancel it" not in site.get(path).text
    (told,) = site.json(f"{path}/fetch.json?fetched={MARK}")["fetches"]
    assert (told["state"], words in told["sentence"]) == (state, True)
    assert site.json(f"{path}/fetch.json")["fetches"] == []


@pytest.mark.parametrize("given", [OTHER, "yes", "", "' OR 1"])
def test_what_came_of_an_earlier_order_is_not_told_as_what_came_of_this_one(visit, gathered_url, fetched, given):
    site = visit(gathered_url)
    write(report_of(order_to_fetch(fetched, MARK, **EARLIER)), site.state.status)
    path = f"/product/1/{fetched}"
    assert "Of an earlier order" in site.page(f"{path}?fetched={MARK}").text
    assert "Of an earlier order" not in site.page(f"{path}?fetched={quote(given)}").text


def test_a_cancel_that_comes_too_late_leads_to_what_came_of_the_order(visit, gathered_url, fetched):
    refused = Answer(code=EXIT_FAILED, words=f"{fetched} is not being fetched")
    site = visit(gathered_url, deliver=lambda _order: refused)
    path = f"/product/1/{fetched}"
    answer, _, _ = FETCHED
    write(report_of(order_to_fetch(fetched, MARK, **answer)), site.state.status)
    reply = site.post(f"{path}/cancel", {"fetched": MARK})
    assert reply.status_code == 303
    told = site.page(reply.headers["location"]).text
    assert "There was nothing to cancel any more. Written; charged 1 token." in told


def test_after_an_order_the_run_is_looked_at_anew(visit, gathered_url, fetched):
    site = visit(gathered_url)
    path = f"/product/1/{fetched}"
    write(report_of(), site.state.status)
    assert "is not known" in site.page(f"{path}?fetched={MARK}").text
    write(report_of(order_to_fetch(fetched, MARK, **EARLIER)), site.state.status)
    site.post(f"{path}/cancel", {"fetched": MARK})
    assert "Of an earlier order" in site.page(f"{path}?fetched={MARK}").text, "and not what a look before it found"


def test_a_refused_order_leads_back_to_its_product(visit, gathered_url, fetched):
    site = visit(gathered_url)
    reply = site.post(f"/product/1/{fetched}/cancel", {})
    assert reply.status_code == 409, "no supervisor is there to do it"
    assert f"/product/1/{fetched}" in Text(reply.text).links


def test_what_is_not_known_is_said(visit, gathered_url, fetched):
    site = visit(gathered_url)
    assert "is known in amazon.com" in site.page(f"/product/3/{fetched}", 404).text
    assert "no selection has listed it" in site.page("/product/1/B0NOTHERE0", 404).text
    assert "is no ASIN" in site.page("/product/1/B0", 400).text
    assert "is no Amazon shop" in site.page(f"/product/7/{fetched}", 400).text
    assert "range: " in site.page(f"/product/1/{fetched}?range=ever", 400).text
    assert "type: " in site.page(f"/product/1/{fetched}?type=ever", 400).text
    assert "There is no such history" in site.page(f"/product/1/{fetched}?type=RENT").text


def test_amounts_are_in_the_unit_of_the_shop():
    from array import array

    from tasks.store.histories.price_lines import Line

    yen, stars, rank = (Line(price_type=number, minutes=array("i"), values=array("i")) for number in (1, 16, 3))
    assert product_view.amount(yen, 1999, 0) == Decimal(1999)
    assert product_view.amount(yen, 1999, 2) == Decimal("19.99")
    assert product_view.amount(stars, 44, 2) == Decimal("4.4")
    assert product_view.amount(rank, 44.4, 2) == 44
    assert product_view.amount(rank, None, 2) is None


def test_the_moments_of_its_deal_are_marked_and_told(visit, gathered, gathered_url):
    asin, since = gathered.execute(
        "SELECT d.asin, d.creation_date FROM deal_rows AS d JOIN price_series_rows USING (domain, asin)"
        " ORDER BY d.asin LIMIT 1"
    ).fetchone()
    site = visit(gathered_url)
    marks = chart_of(site.get(f"/product/1/{asin}?range=all").text)["marks"]
    assert [(since + 21_564_000) * 60, "a deal"] in marks
    assert marks == sorted(marks)
    assert "A deal since" in site.page(f"/product/1/{asin}?range=all").text
    begin = chart_of(site.get(f"/product/1/{asin}?range=day").text)["since"]
    assert all(at >= begin for at, _ in chart_of(site.get(f"/product/1/{asin}?range=day").text)["marks"])
