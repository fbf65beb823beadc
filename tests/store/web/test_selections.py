"""What names products besides selections, on the page: sources and people's own lists, as the tables have them."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from supervisor.selections import given
from tasks.errors import ConfigError, plain
from tasks.keepa.locales import shop
from tasks.keepa.source.explanation import explain, products
from tasks.keepa.source.source import KINDS
from tasks.planning import streams
from tasks.settings import SourceSettings, WatchListSettings
from tasks.store import refused_sources
from tasks.store.watch import lists
from tests.fixtures.jobs import QUERY

BEST = SourceSettings(name="best", query={"source": "bestsellers", "categoryId": 3010075031, "domainId": 1})
SELLER = SourceSettings(name="shop", query={"source": "bestsellers", "categoryId": 7, "domainId": 3})
TOYS = WatchListSettings(name="toys", domain=1, path="toys.txt", detail="history", refresh_s=43_200.0)
GONE = WatchListSettings(name="gone", domain=1, path="gone.txt", detail="history", refresh_s=43_200.0)


def test_sources_and_lists_are_told_with_how_they_stand(conn, visit, database_url):
    _, refused = streams.sources_of([BEST, SELLER])
    refused_sources.refuse(conn, refused.key, 3, name="shop", reason="HTTP 400: <no such category>")
    for watch, asins in ((TOYS, ["B000000001", "B000000002"]), (GONE, ["B000000003"])):
        lists.take_over(conn, watch, "digest", asins)
    conn.commit()
    site = visit(database_url, sources=(BEST, SELLER), watch_keys=(TOYS.key,))
    words = site.page("/selections").text
    for expected in ("not asked yet", "HTTP 400: <no such category>", "toys", "no longer in WATCH", "12 h 0 min"):
        assert expected in words, expected
    best, shop = site.json("/selections/sources.json")["sources"]
    assert (best["name"], best["kind"], best["state"], best["reason"]) == ("best", "bestsellers", None, None)
    assert "best, amazon.com, asks for" in words
    assert f"Backfill {products(streams.sources_of([BEST])[0], 1, 'history')}." in words
    assert (best["tokens_each"], best["tokens_once"], best["asks_for"] in words) == (1.0, None, True)
    assert (shop["shop"], shop["reason"]) == ("amazon.de", "HTTP 400: <no such category>")
    told = {one["name"]: one for one in site.json("/selections/lists.json")["lists"]}
    stored = {one.name: one for one in lists.all_lists(conn)}
    assert {name: (one["products"], one["overdue"]) for name, one in told.items()} == {
        name: (one.products, one.overdue) for name, one in stored.items()
    }
    assert {name: one["is_chosen"] for name, one in told.items()} == {"toys": True, "gone": False}
    assert [row["name"] for row in site.csv("/selections/lists.csv")] == [one["name"] for one in told.values()]
    assert site.page("/selections/lists").text == site.page("/selections").text


def test_without_them_nothing_is_said_of_them(visit, database_url):
    words = visit(database_url).page("/selections").text
    assert "Sources" not in words
    assert "kept fresh" not in words


SOURCES = (
    {"source": "bestsellers", "categoryId": 172282, "domainId": 1},
    {"source": "seller", "sellerId": "A2L77EE7U53NWQ", "domainId": 3},
    {"source": "product-finder", "query": {"brand": ["atlas"]}, "most": 200, "domainId": 1},
    {"source": "category", "categoryId": 172282, "domainId": 1},
    {"source": "lightning-deals", "domainId": 1},
)


def test_a_pasted_text_is_taken_and_refused_as_the_command_takes_it(visit, database_url):
    site = visit(database_url)
    assert sorted(one["source"] for one in SOURCES) == sorted(KINDS), "there is an example of each kind"
    for one in SOURCES:
        words = site.page(f"/selections?check={quote(json.dumps(one))}").text
        (found,) = given.in_text("pasted", json.dumps(one), (1,)).sources
        assert f"a valid source of products, for {shop(found.domain)}" in words
        assert f"{explain(found)}. Backfill {products(found, 1, 'history')}." in words
    for one in (*({**source, "refresh": "1s", "colour": 3} for source in SOURCES), {"source": "everything"}):
        words = site.page(f"/selections?check={quote(json.dumps(one))}").text
        with pytest.raises(ConfigError) as refused:
            given.in_text("pasted", json.dumps(one), (1,))
        assert " ".join(plain(refused.value).split()) in words
        assert "valid" not in words


def test_a_pasted_key_is_told(visit, database_url):
    site = visit(database_url)
    address = f"https://api.keepa.com/deal?key={'k' * 64}&selection={quote(json.dumps(QUERY))}"
    assert "has an API key in it" in site.page(f"/selections?check={quote(address)}").text
