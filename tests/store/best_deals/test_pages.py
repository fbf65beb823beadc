"""The best deals page by page: all of them, each once, however far on."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.store.best_deals import best_deals, candidates, pages, position
from tests.fixtures.database.best_deals import COM, SORTS, which


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("domain", [COM, None])
def test_page_after_page_is_the_whole_list(shown, sort, domain):
    asked = which(sort=sort, top=7, domain=domain, price_types=["NEW", "USED"])
    whole = best_deals.find(shown, replace(asked, top=1000))
    read, after = [], None
    while True:
        page = pages.read_page(shown, replace(asked, after=after))
        read += page.deals
        if page.after is None:
            break
        after = position.read(page.after.text(), sort)
        assert after == page.after
    assert (read, len(read) > 50) == (whole, True)


def test_the_next_page_begins_behind_the_last_one_whatever_has_come_before_it(listed):
    asked = which(sort="newest", top=5)
    first = pages.read_page(listed, asked)
    second = pages.read_page(listed, replace(asked, after=first.after)).deals
    listed.execute("UPDATE deal_rows SET creation_date = 8000000 WHERE asin = %s", (first.deals[-1].asin,))
    listed.execute("UPDATE deal_sightings SET creation_date = 8000000 WHERE asin = %s", (first.deals[-1].asin,))
    listed.execute("DELETE FROM deal_rows WHERE asin = %s", (first.deals[0].asin,))
    assert pages.read_page(listed, replace(asked, after=first.after)).deals == second


@pytest.mark.parametrize("sort", ["discount", "rank", "newest"])
def test_what_comes_before_a_page_is_not_read_again_for_it(shown, sort):
    asked = which(sort=sort, top=20)
    whole = best_deals.find(shown, replace(asked, top=1000))
    after = pages.read_page(shown, asked).after
    values = replace(asked, after=after).values()
    looked = candidates.CandidateFilter(values=values, price_types=["NEW"], over="week", sort=sort, is_continued=True)
    read = set(candidates.find(shown, looked, most=10_000).asins)
    key = {"discount": "discount_percent", "rank": "sales_rank", "newest": "deal_since"}[sort]
    last = getattr(whole[19], key)
    before = {deal.asin for deal in whole[:19] if getattr(deal, key) != last}
    assert before
    assert not before & read
    assert {deal.asin for deal in whole[20:]} <= read


@given(
    st.text(max_size=130) | st.lists(st.sampled_from(["-5", "USD", "1", "NaN", "1e99", "B000000001", ""])).map("~".join)
)
def test_a_place_that_somebody_made_up_is_refused_or_can_be_used(text):
    for sort in position.KEYS:
        with contextlib.suppress(ValueError):
            found = position.read(text, sort)
            assert position.read(found.text(), sort) == found


def test_deals_that_came_since_are_counted_from_the_end_of_an_index(listed):
    asked = which(min_discount=30)
    since = pages.latest(listed, asked)
    assert pages.arrivals(listed, asked, since) == 0
    template = best_deals.find(listed, asked)[0]
    listed.execute("UPDATE deal_rows SET creation_date = %s WHERE asin = %s", (since + 1, template.asin))
    assert pages.arrivals(listed, asked, since) == 1
    assert pages.arrivals(listed, replace(asked, min_discount=255), since) == 0
    assert pages.arrivals(listed, replace(asked, domain=5), since) == 0
    assert pages.latest(listed, which(domain=5)) is None
    plan = "\n".join(row[0] for row in listed.execute(f"EXPLAIN {pages._LATEST}", asked.values()))
    assert re.search(r"deal_rows_newest|deal_rows_p\d+_domain_creation_date_idx", plan)


def test_words_of_a_title_are_looked_for_as_they_are(listed):
    asins = [deal.asin for deal in best_deals.find(listed, which())]
    for asin, title in zip(asins, ("100% Wool_Sock \\ black", "1000 wool socks", None), strict=True):
        listed.execute("UPDATE deal_rows SET title = %s WHERE asin = %s", (title, asin))
    for words, found in (
        (["wool"], 2),
        (["WOOL", "black"], 1),
        (["100%"], 1),
        (["l_s"], 1),
        (["\\"], 1),
        (["none"], 0),
    ):
        assert len(best_deals.find(listed, which(title=words))) == found, words
