"""A page of which few deals are looked at: what it shows is right, and page after page leaves nothing out."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.store import deals
from tasks.store.best_deals import best_deals, brands, categories, pages, position, titles, walk
from tasks.store.best_deals.conditions import ANY, Conditions
from tasks.store.connection import connect
from tests.fixtures.database.best_deals import COM, DE, NOW, SORTS, list_some, which
from tests.fixtures.database.postgres import TEMPLATE
from tests.store.conftest import a_deal

FEW = 9
IN_ORDER = ("discount", "rank", "newest")
BRANDED = Conditions(brand="atlas")
SELLING = Conditions(min_rank_drops=2)
CONDITIONS = (ANY, Conditions(has_amazon=False), SELLING, BRANDED)
BRAND = """
INSERT INTO products (domain, asin, is_found, first_fetched_at, fetched_at, brand)
SELECT domain, asin, true, now(), now(), CASE WHEN asin LIKE '%3' THEN 'Atlas' ELSE 'Other' END FROM deal_rows
"""


@pytest.fixture(scope="module")
def branded(pg_server):
    """A connection to a database of this file: random deals, of which each tenth is of a brand or sells often."""
    with pg_server.copy(TEMPLATE) as url, connect(url, application_name="test", autocommit=True) as conn:
        list_some(conn)
        conn.execute("UPDATE deal_rows SET sales_rank_drops30 = 2 WHERE asin LIKE '%7'")
        conn.execute(BRAND)
        conn.read_only = True
        yield conn


def read_all(conn, asked):
    """All pages, one after the other, and how many were looked at for each."""
    read, looked_at = [], []
    while True:
        page = pages.read_page(conn, asked, most=FEW)
        read += page.deals
        looked_at.append(page.looked_at)
        if page.after is None:
            return read, looked_at
        after = position.read(page.after.text(), asked.sort)
        assert after == page.after
        assert after != asked.after, "the next page is another one"
        asked = replace(asked, after=after)


@pytest.mark.parametrize("sort", IN_ORDER)
@pytest.mark.parametrize("conditions", CONDITIONS)
def test_page_after_page_is_the_whole_list_however_few_are_looked_at(branded, sort, conditions):
    asked = which(sort=sort, top=4, domain=None, price_types=["NEW", "USED"], conditions=conditions)
    whole = best_deals.find(branded, replace(asked, top=1000))
    read, looked_at = read_all(branded, asked)
    assert read == whole
    assert conditions != ANY or len(whole) > 50
    assert conditions != SELLING or set(looked_at) != {None}


@pytest.mark.parametrize("sort", SORTS)
def test_a_page_that_says_nothing_of_how_many_were_looked_at_is_of_all(shown, sort):
    chance = random.Random(3)
    found = set()
    for _ in range(12):
        most, percent = chance.randint(1, 200), chance.choice((1, 30, 70))
        asked = which(sort=sort, top=5, min_discount=percent, price_types=["NEW", "USED"])
        page = pages.read_page(shown, asked, most=most)
        whole = best_deals.find(shown, asked)
        found.add(page.looked_at is None)
        if page.looked_at is None:
            assert page.deals == whole
        if sort in IN_ORDER:
            assert page.deals == whole[: len(page.deals)]
    assert True in found


def test_a_category_without_a_name_here_is_not_looked_for(conn):
    conn.execute("INSERT INTO categories (domain, id, name) VALUES (1, 5, 'Home & Kitchen')")
    unknown = {one: categories.is_unknown(conn, one) for one in (None, "kitchen", "KITCHEN", "garden", "7", "100%")}
    assert [one for one, is_unknown in unknown.items() if is_unknown] == ["garden", "100%"]


def test_the_products_of_a_brand_are_known_in_any_case_as_far_as_they_are_few(branded):
    all_of_it = brands.products_of(branded, "ATLAS", None, most=1_000)
    assert len(all_of_it.asins) > 10
    assert {asin[-1] for asin in all_of_it.asins} == {"3"}
    assert set(brands.products_of(branded, "atlas", COM, most=1_000).domains) == {COM}
    assert brands.products_of(branded, "atlas", None, most=10) is None
    assert brands.products_of(branded, "nobody", None, most=10) == ([], [])


def test_words_of_many_titles_are_told_from_those_of_few_by_a_sample(conn):
    conn.execute(
        "INSERT INTO deal_titles (domain, asin, parts) SELECT 1, 'B' || lpad(n::text, 9, '0'),"
        " CASE WHEN n %% 10 = 0 THEN %s::smallint[] ELSE %s::smallint[] END FROM generate_series(1, 2000) AS n",
        (titles.title_parts.of_title("wool atlas"), titles.title_parts.of_title("wool")),
    )
    assert not titles.are_common(conn, ["wool"], most=100), "nothing is known before a sample is taken"
    conn.execute("ANALYZE deal_titles")
    assert titles.are_common(conn, ["wool"], most=1_500)
    assert not titles.are_common(conn, ["wool"], most=2_500)
    assert titles.are_common(conn, ["wool", "atlas"], most=100)
    assert not titles.are_common(conn, ["wool", "atlas"], most=400)
    assert not titles.are_common(conn, ["nothing"], most=100)
    assert not titles.are_common(conn, ["a"], most=100), "of a word of one letter nothing is known"


def test_what_was_listed_long_ago_is_looked_at_neither(listed):
    asked = which(within=timedelta(days=1), top=300)
    assert len(pages.read_page(listed, asked).deals) == len(best_deals.find(listed, asked)) > 20


@pytest.mark.parametrize("sort", IN_ORDER)
@pytest.mark.parametrize("types", [["NEW"], ["NEW", "USED"]])
def test_a_page_looks_at_no_more_however_many_deals_are_equal_and_in_whatever_currencies(
    conn, monkeypatch, sort, types
):
    means, percents = [[20] * 36] * 4, [[50] * 36] * 4
    for domain in (COM, DE):
        alike = [
            a_deal(f"B{number:09d}", current=[10] * 36, avg=means, delta_percent=percents, creation_date=7_000_000)
            for number in range(60)
        ]
        with conn.transaction():
            deals.write(conn, domain, alike, seen_at=NOW)
    asked = which(sort=sort, top=4, domain=None, price_types=types)
    whole = best_deals.find(conn, replace(asked, top=1000))
    assert len(whole) == 120
    for name in ("MOST_CANDIDATES", "_FIRST"):
        monkeypatch.setattr(walk, name, FEW)
    monkeypatch.setattr(best_deals, "find", None)
    read, looked_at = read_all(conn, asked)
    assert read == whole
    assert set(looked_at) == {None}
    none = replace(asked, conditions=Conditions(min_rank_drops=2))
    assert read_all(conn, none) == ([], [*[FEW] * 13, None])
