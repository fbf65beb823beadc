"""A search for words in titles: by the index or not, the same deals."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.store import deals
from tasks.store.best_deals import best_deals, titles
from tasks.store.duties import title_index
from tests.fixtures.database.best_deals import COM, DE, SORTS, random_deal, which

NOW = datetime.now(UTC)
SCAN = best_deals.MOST_CANDIDATES + 1
WORDS = ("wool", "Socks", "Straße", "ISTANBUL", "日本", "本", "50%", "a_b", "\\", "cotton", "of")
ALL = {"top": 300, "within": timedelta(days=30)}


def index(conn, now=NOW, rows=40):
    """Do all that the background has to do; how many steps it took."""
    steps = 1
    while True:
        with conn.transaction():
            if not title_index.step(conn, now, rows=rows).has_more:
                return steps
        steps += 1


def title(chance):
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(0, 4)))


def list_titled(conn, numbers, chance, *, last_update=7_733_828, domain=COM):
    page = [msgspec.structs.replace(random_deal(chance, at), title=title(chance)) for at in numbers]
    page = [msgspec.structs.replace(deal, last_update=last_update) for deal in page]
    with conn.transaction():
        deals.write(conn, domain, page, seen_at=NOW)


@pytest.fixture
def titled(listed):
    chance = random.Random(7)
    for domain in (COM, DE):
        list_titled(listed, range(200, 300), chance, domain=domain)
    index(listed)
    return listed


def same(conn, asked):
    """What is found by the index, which is the same as what is found among all."""
    found = best_deals.find(conn, asked)
    assert found == best_deals.find(conn, asked, first=SCAN), asked
    return found


@pytest.mark.parametrize("sort", SORTS)
def test_the_index_finds_the_deals_that_a_look_at_all_finds(titled, sort):
    chance = random.Random(sort)
    found = 0
    for _ in range(12):
        word = chance.choice(WORDS)
        begin = chance.randint(0, len(word) - 1)
        words = [chance.choice((word, word[begin:], word.upper(), word.lower())), *chance.sample(WORDS, 1)]
        asked = which(**ALL, sort=sort, domain=chance.choice((COM, DE)), title=words[: chance.randint(1, 2)])
        found += len(same(titled, replace(asked, top=chance.choice((2, 300)))))
    assert found


def test_many_deals_with_a_word_are_narrowed_down_before_they_are_read(titled):
    chance = random.Random(8)
    page = [msgspec.structs.replace(random_deal(chance, at), title="Silk") for at in range(1000, 2100)]
    with titled.transaction():
        deals.write(titled, COM, page, seen_at=NOW)
    index(titled, rows=400)
    titled.execute("UPDATE pg_class SET reltuples = 20000 WHERE oid = 'deal_titles'::regclass")  # as of a large table
    assert len(titles.holding(titled, ["silk"], COM, most=2000).asins) == len(page)
    for sort in SORTS:
        assert len(same(titled, which(top=2, sort=sort, title=["silk"], within=timedelta(days=30)))) == 2


def test_a_title_that_stays_is_not_noted_and_one_that_goes_is_forgotten(titled):
    noted = "SELECT asin FROM new_titles"
    deal = random_deal(random.Random(1), 500)
    for update, title, are_noted in ((1, "Silk", True), (2, "Silk", False), (3, "Linen", True), (3, "Wool", False)):
        with titled.transaction():
            changed = msgspec.structs.replace(deal, title=title, last_update=update)
            deals.write(titled, COM, [changed], seen_at=NOW)
        assert bool(titled.execute(noted).fetchall()) is are_noted
        index(titled)
        assert titled.execute(noted).fetchall() == []
    with titled.transaction():
        deals.lock(titled, COM)
        deals.remove(titled, COM, [deal.asin])
    index(titled)
    assert titled.execute("SELECT FROM deal_titles WHERE asin = %s", (deal.asin,)).rowcount == 0


def test_titles_that_were_written_by_other_means_are_found_a_day_later(titled):
    titled.execute("UPDATE deal_rows SET title = 'Silk' WHERE asin IN ('B000000001', 'B000000099')")
    index(titled, NOW + timedelta(hours=23))
    assert titles.holding(titled, ["silk"], COM, most=10) == ([], [])
    assert index(titled, NOW + timedelta(hours=25), rows=100) > 3
    assert sorted(titles.holding(titled, ["silk"], COM, most=10).asins) == ["B000000001", "B000000099"]


def test_the_index_says_when_it_cannot_tell(titled):
    count = len(titles.holding(titled, ["wool"], None, most=300).asins)
    assert len(titles.holding(titled, ["wool"], None, most=count).asins) == count > 10
    assert titles.holding(titled, ["wool"], None, most=count - 1) is None
    assert titles.holding(titled, ["of"], None, most=300) is None
    assert titles.holding(titled, [], None, most=300) is None
    titled.execute("DELETE FROM background_duties WHERE name = %s", (titles.DUTY,))
    assert titles.holding(titled, ["wool"], None, most=300) is None


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 5), st.sampled_from(("Wool socks", "Silk", "wool", ""))),
            st.tuples(st.just("remove"), st.integers(0, 5), st.none()),
            st.tuples(st.just("step"), st.integers(1, 3), st.none()),
        ),
        max_size=12,
    )
)
def test_whatever_is_written_and_however_far_the_background_is_the_words_are_found(titled, steps):
    template = msgspec.structs.replace(random_deal(random.Random(1), 0))
    for update, (step, number, title) in enumerate(steps):
        asin = f"B00000090{number}"
        with titled.transaction():
            if step == "write":
                changed = msgspec.structs.replace(template, asin=asin, title=title, last_update=8_000_000 + update)
                deals.write(titled, COM, [changed], seen_at=NOW)
            elif step == "remove":
                deals.lock(titled, COM)
                deals.remove(titled, COM, [asin])
            else:
                title_index.step(titled, NOW, rows=number)
        there = titled.execute("SELECT asin FROM deal_rows WHERE title ILIKE %s AND domain = %s", ("%wool%", COM))
        assert {asin for (asin,) in there} <= set(titles.holding(titled, ["wool"], COM, most=1000).asins)
    with titled.transaction():
        deals.lock(titled, COM)
        deals.remove(titled, COM, [f"B00000090{number}" for number in range(6)])
