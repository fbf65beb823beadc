"""A watermark moved by a walk that was cut short, frozen by walks that never end, or set into the future.

Rows 10, 26, 45, 50: the whole catalogue bought again from an old mark; a gap behind a mark that an aborted run had
moved; the same deals again and again under the rule that an incomplete run moves nothing; a mark ahead of the clock.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.walk_end import OVERLAP_MIN, PageFacts, high_minute, moved_mark, stop_minute, upsert_verdict
from tasks.runtime import job
from tests.fixtures.server import START_MIN, WIDE

NOW = 7_000_000
OF_2014 = 1_700_000


def pages_paid(here):
    return [
        call["page"]
        for call in here.simulator.control()["log"]
        if call["endpoint"] == "/deal" and call["status"] == 200
    ]


def one_page(here):
    """A worker that lives for one page."""
    before = len(pages_paid(here))
    work = here.job(upsert_detail="none")
    while len(pages_paid(here)) == before:
        if isinstance(work.step(), job.Idle):
            here.clock.advance_s(1)
    work.close()


def has_what_the_market_shows(here, since):
    kept = dict(here.rows("select asin, creation_date from deals"))
    new = {asin: deal.creation_date for asin, deal in here.market().items() if deal.creation_date > since}
    assert {asin: kept.get(asin) for asin in new} == new


def test_a_walk_cut_after_every_page_loses_no_deal_pays_each_page_once_and_ends(town):
    here = town(WIDE, start_balance=300)
    while not here.events("walk_complete"):
        assert here.rows("select minute from watermarks") == []
        one_page(here)
    (walk,) = here.events("walk_complete")
    assert pages_paid(here) == list(range(walk["pages"]))
    assert walk["pages"] > 1
    (mark,) = here.rows("select minute from watermarks")[0]
    has_what_the_market_shows(here, mark - 24 * 60)


@pytest.mark.kill
def test_a_mark_moved_by_the_first_page_of_a_cut_walk_fails_there(town):
    here = town(WIDE, start_balance=300)
    one_page(here)
    newest = here.rows("select max(creation_date) from deals")[0][0]
    here.execute(
        f"insert into watermarks (selection_key, domain, minute) select selection_key, domain, {newest} from crawls"
    )
    here.execute("update crawls set state = 'done', finished_at = now() - interval '1 day'")
    work = here.job(upsert_detail="none")
    while not here.events("walk_complete"):
        here.run(work, 1)
    with pytest.raises(AssertionError):
        has_what_the_market_shows(here, newest - 24 * 60)


def test_an_old_mark_lists_the_selection_once_and_buys_nothing_twice(town):
    here = town(WIDE, rate=60, start_balance=3_600, deals=300, market_minute=START_MIN)
    work = here.job(upsert_detail="stats")
    here.run(work, 600)
    here.execute(f"update watermarks set minute = {OF_2014}")
    walks, pages = len(here.events("walk_complete")), len(pages_paid(here))
    while len(here.events("walk_complete")) == walks:
        here.run(work, 1)
    assert len(pages_paid(here)) - pages == len(here.market()) // 150 + 1
    assert here.rows("select minute from watermarks")[0][0] > OF_2014
    here.run(work, 600)
    log = here.simulator.control()["log"]
    bought = [asin for call in log if call["endpoint"] == "/product" for asin in call["asins"]]
    assert len(bought) == len(set(bought)) > 50


minutes = st.lists(st.integers(NOW - 3_000, NOW + 600), min_size=1, max_size=150)


@given(minutes, st.none() | st.integers(OF_2014, NOW + 600))
def test_no_page_moves_the_mark_into_the_future_or_back_and_what_comes_now_is_seen_next_time(dates, mark):
    page = PageFacts(number=0, minutes=dates, rows=len(dates), server_minute=NOW)
    moved = moved_mark(mark, high_minute(page, None), NOW)
    assert moved <= NOW
    assert moved >= min(mark or 0, NOW)
    assert stop_minute(moved, NOW) <= NOW - OVERLAP_MIN
    full = PageFacts(number=0, minutes=[NOW + 1] * 150, rows=150, server_minute=NOW + 1)
    assert not upsert_verdict(full, mark=moved).is_complete


def test_a_mark_taken_from_the_rows_alone_fails_there():
    moved = max([NOW + 30, NOW - 5])
    full = PageFacts(number=0, minutes=[NOW + 1] * 150, rows=150, server_minute=NOW + 1)
    assert max(full.minutes) <= moved, "what comes now lies below the mark: it looks like something seen before"
