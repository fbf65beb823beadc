"""The page Deals over a real database: the same deals as the command's, page by page, as JSON and as CSV."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from tasks.store.connection import connect


def of_the_command(ask, url, *arguments):
    code, out = ask(url, "deals", "--json", "--top", "100000", *arguments)
    assert code == 0
    return json.loads(out)["deals"]


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ({}, ()),
        (
            {"min_discount": "25", "over": "month", "type": "USED"},
            ("--min-discount", "25", "--over", "month", "--type", "USED"),
        ),
        ({"sort": "price", "domain": "com", "within": "7d"}, ("--sort", "price", "--domain", "com", "--within", "7d")),
        ({"sort": "newest", "selection": "default"}, ("--sort", "newest", "--selection", "default")),
        ({"amazon": "no", "max_fba_sellers": "9"}, ("--amazon", "no", "--max-fba-sellers", "9")),
        ({"min_rank_drops": "1", "category": "o"}, ("--min-rank-drops", "1", "--category", "o")),
        ({"resale": "yes", "per_item": "1.50"}, ("--resale", "--per-item", "1.50")),
        ({"sort": "roi", "min_roi": "-500"}, ("--sort", "roi", "--min-roi", "-500")),
        ({"sort": "roi"}, ("--sort", "roi")),
        (
            {"sort": "profit", "sell_at": "mean", "type": ["NEW", "USED"], "min_profit": "-100"},
            ("--sort", "profit", "--sell-at", "mean", "--type", "NEW", "--type", "USED", "--min-profit", "-100"),
        ),
    ],
)
def test_the_page_has_the_deals_of_the_command(visit, ask, gathered_url, query, arguments):
    site = visit(gathered_url)
    expected = of_the_command(ask, gathered_url, *arguments)
    assert expected
    as_json = site.json(f"/deals.json?{urlencode(query, doseq=True)}")["deals"]
    assert as_json == expected
    as_csv = site.csv(f"/deals.csv?{urlencode(query, doseq=True)}")
    assert [row["asin"] for row in as_csv] == [deal["asin"] for deal in expected]
    assert as_csv[0]["selections"] == " ".join(expected[0]["selections"])
    read, path = [], f"/deals?{urlencode({**query, 'top': 7}, doseq=True)}"
    while path is not None:
        page = site.page(path)
        read += [link.rpartition("/")[2] for link in page.links if link.startswith("/product/")]
        path = next((link for link in page.links if "after=" in link and "since=" not in link), None)
    assert read == [deal["asin"] for deal in expected]


def test_words_of_a_title_and_several_types(visit, gathered_url):
    site = visit(gathered_url)
    title = site.json("/deals.json")["deals"][0]["title"]
    words = " ".join(title.split()[:2]).upper()
    found = site.json(f"/deals.json?{urlencode({'title': words})}")["deals"]
    assert title in [deal["title"] for deal in found]
    assert all(word in deal["title"].upper() for deal in found for word in words.split())
    several = site.json("/deals.json?type=NEW&type=USED")["deals"]
    assert {deal["price_type"] for deal in several} == {"NEW", "USED"}


@pytest.mark.parametrize(
    "query",
    [
        *("sort=best", "min_discount=0", "within=soon", "type=SALES", "domain=xx", "selection=none", "after=1~2"),
        *("over=year", "top=0", "title=" + "+a" * 11, "amazon=maybe", "max_fba_sellers=few", "min_roi=high"),
        *("sell_at=dear", "per_kg=-1", "after=1~2&sort=roi", "resale=perhaps"),
    ],
)
def test_what_there_is_not_is_refused_with_a_sentence(visit, gathered_url, query):
    site = visit(gathered_url)
    name = query.partition("=")[0]
    assert f"{name}: " in site.page(f"/deals?{query}", 400).text
    assert name in site.get(f"/deals.json?{query}", 400).json()["error"]


def test_amounts_in_several_currencies_are_not_compared(visit, market, market_url):
    site = visit(market_url)
    some = "asin IN (SELECT asin FROM deal_rows ORDER BY asin LIMIT 9)"
    market.execute(f"UPDATE deal_sightings SET domain = 3 WHERE {some}")
    market.execute(f"UPDATE deal_rows SET domain = 3 WHERE {some}")
    assert "choose a shop" in site.page("/deals?sort=price").text
    assert "name a domain" in site.get("/deals.json?sort=drop", 400).json()["error"]
    assert "choose a shop" not in site.page("/deals?sort=price&domain=de").text
    assert {deal["domain"] for deal in site.json("/deals.json")["deals"]} == {1, 3}


def test_what_has_come_since_a_page_was_shown_is_told(visit, market, market_url):
    site = visit(market_url)
    address = next(link for link in site.page("/deals?min_discount=5").links if link.startswith("/deals/new?"))
    assert "No new deal" in site.page(address).text
    path, _, query = address.partition("?")
    assert site.json(f"{path}.json?{query}")["arrivals"][0]["count"] == 0
    asins = [deal["asin"] for deal in site.json("/deals.json?min_discount=5")["deals"][:3]]
    market.execute("UPDATE deal_rows SET creation_date = creation_date + 1000000 WHERE asin = ANY(%s)", (asins,))
    told = site.json(f"{path}.json?{query}")["arrivals"][0]
    assert (told["count"], told["address"]) == (3, "/deals?min_discount=5")
    assert "3 new deals match" in site.page(address).text


def test_a_search_that_takes_too_long_says_how_to_narrow_it(visit, market_url):
    site = visit(market_url)
    with connect(market_url, application_name="test") as other, other.transaction():
        other.execute("LOCK TABLE deal_rows IN ACCESS EXCLUSIVE MODE")
        assert "or use `sluicegate deals --title`" in site.page("/deals?title=atlas", 400).text
        assert site.get("/deals", 503)


def test_without_any_deal_the_page_says_so(visit, database_url, gathered_url):
    assert "No deal has been listed yet" in visit(database_url).page("/deals").text
    assert "No deal matches" in visit(gathered_url).page("/deals?min_discount=99").text
