from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa.selection.rules import LAST_PAGE, PAGE_ROWS
from tasks.planning.walk_end import (
    FIRST_WALK_MIN,
    FIRST_WALK_PAGES,
    OVERLAP_MIN,
    PageFacts,
    PageVerdict,
    disorder,
    high_minute,
    is_past,
    known_mark,
    moved_mark,
    stop_minute,
    upsert_verdict,
    vouched_minute,
)

NOW = 7_000_000
MINUTES = st.integers(NOW - 5_000, NOW + 1)


def page(minutes, *, number=0, rows=PAGE_ROWS):
    return PageFacts(number=number, minutes=minutes, rows=rows, server_minute=NOW)


def test_a_full_page_of_new_rows_leads_to_the_next_page():
    assert upsert_verdict(page([NOW, NOW - 5]), mark=NOW - 60) is PageVerdict.NEXT_PAGE


def test_a_page_wholly_at_the_watermark_less_the_overlap_ends_the_walk():
    below = NOW - 60 - OVERLAP_MIN
    assert upsert_verdict(page([below, below]), mark=NOW - 60) is PageVerdict.SEEN_BEFORE


def test_a_sorted_page_whose_tail_is_old_ends_the_walk_without_paying_for_the_next():
    assert upsert_verdict(page([NOW, NOW - 5, NOW - 300]), mark=NOW - 60) is PageVerdict.SEEN_BEFORE


def test_an_old_row_in_an_unsorted_page_does_not_end_the_walk():
    assert upsert_verdict(page([NOW - 300, NOW, NOW - 300]), mark=NOW - 60) is PageVerdict.NEXT_PAGE


def test_a_page_that_is_not_full_ends_every_walk():
    short = page([NOW], rows=PAGE_ROWS - 1)
    assert upsert_verdict(short, mark=NOW - 60) is PageVerdict.END_OF_LIST
    assert upsert_verdict(page([], rows=0), mark=NOW - 60) is PageVerdict.END_OF_LIST


def test_a_page_on_which_nothing_could_be_read_proves_nothing():
    assert upsert_verdict(page([]), mark=NOW - 60) is PageVerdict.NEXT_PAGE


def test_the_first_walk_is_bounded_in_time_and_pages():
    day_old = page([NOW - 3, NOW - 24 * 60 - 1])
    assert upsert_verdict(day_old, mark=None) is PageVerdict.SEEN_BEFORE
    assert upsert_verdict(page([NOW], number=FIRST_WALK_PAGES - 1), mark=None) is PageVerdict.LIMIT
    assert upsert_verdict(page([NOW], number=FIRST_WALK_PAGES - 2), mark=None) is PageVerdict.NEXT_PAGE


def test_no_walk_asks_for_a_row_beyond_the_api_limit():
    assert upsert_verdict(page([NOW], number=LAST_PAGE), mark=NOW - 60) is PageVerdict.LIMIT
    assert LAST_PAGE * PAGE_ROWS < 10_000 <= (LAST_PAGE + 1) * PAGE_ROWS


def test_a_watermark_from_the_future_does_not_hide_what_is_new():
    assert upsert_verdict(page([NOW - 1, NOW - 2]), mark=NOW + 10_000) is PageVerdict.NEXT_PAGE


@given(st.one_of(st.none(), st.integers(-(10**12), 10**12)))
def test_a_page_tells_the_time_while_it_is_within_a_day_of_what_others_said(told):
    minute = vouched_minute(told, NOW)
    assert abs(minute - NOW) <= 24 * 60
    assert minute in {NOW, told}
    assert vouched_minute(NOW + 14 * 60, NOW) == NOW + 14 * 60


@given(st.integers(NOW - 10_000, NOW + 50_000_000), st.integers(0, 10_000))
def test_whatever_the_watermark_says_a_complete_walk_leaves_it_in_the_past(mark, age):
    known = known_mark(mark, NOW)
    assert known in {mark, None}
    moved = moved_mark(known, NOW - age, NOW)
    assert moved <= NOW
    assert stop_minute(known, NOW) <= NOW - OVERLAP_MIN
    if mark > NOW + OVERLAP_MIN:
        assert moved == NOW - age
        assert stop_minute(known, NOW) == NOW - FIRST_WALK_MIN


def test_the_watermark_comes_from_the_first_page_and_never_lies_in_the_future():
    assert high_minute(page([NOW + 1, NOW - 9]), None) == NOW
    assert high_minute(page([NOW - 3, NOW - 9]), None) == NOW - 3
    assert high_minute(page([NOW], number=4), NOW - 3) == NOW - 3
    assert high_minute(page([]), None) is None


def test_the_watermark_only_moves_forward_and_is_clamped_when_it_was_ahead():
    assert moved_mark(NOW - 10, NOW - 30, NOW) == NOW - 10
    assert moved_mark(NOW - 10, NOW - 3, NOW) == NOW - 3
    assert moved_mark(NOW + 500, NOW - 3, NOW) == NOW
    assert moved_mark(None, None, NOW) is None


@given(st.lists(MINUTES, min_size=1, max_size=30))
def test_disorder_is_what_sorting_would_have_to_mend(minutes):
    worst = disorder(minutes)
    assert (worst == 0) == (minutes == sorted(minutes, reverse=True))
    for index, minute in enumerate(minutes):
        assert minute - min(minutes[: index + 1]) <= worst


@given(st.lists(MINUTES, min_size=1, max_size=400), MINUTES, st.integers(1, 50))
def test_stopping_on_a_sorted_list_never_leaves_a_newer_row_unread(minutes, below, size):
    rows = sorted(minutes, reverse=True)
    for start in range(0, len(rows), size):
        if is_past(rows[start : start + size], below):
            assert all(minute <= below for minute in rows[start + size :])
            return


def test_a_page_that_ends_with_the_last_row_the_api_shows_is_not_taken_for_the_end_of_the_list():
    reachable = 10_000 - LAST_PAGE * PAGE_ROWS
    assert not page([NOW], number=LAST_PAGE, rows=reachable).is_last
    assert page([NOW], number=LAST_PAGE, rows=reachable - 1).is_last


def test_a_walk_rereads_ten_minutes_before_the_watermark():
    assert upsert_verdict(page([NOW - 70]), mark=NOW - 60) is PageVerdict.SEEN_BEFORE
    assert upsert_verdict(page([NOW - 69]), mark=NOW - 60) is PageVerdict.NEXT_PAGE
    assert (known_mark(NOW + 10, NOW), known_mark(NOW + 11, NOW), known_mark(None, NOW)) == (NOW + 10, None, None)


def test_the_first_walk_reads_twenty_pages_and_a_day_at_most():
    assert [upsert_verdict(page([NOW], number=number), mark=None).is_complete for number in (0, 18, 19)] == [
        False,
        False,
        True,
    ]
    assert stop_minute(None, NOW) == NOW - 1_440


def test_only_the_next_page_leaves_a_walk_incomplete():
    assert {verdict for verdict in PageVerdict if not verdict.is_complete} == {PageVerdict.NEXT_PAGE}


def test_a_page_is_believed_to_the_minute_of_a_day():
    for off in (-1_440, 1_440):
        assert vouched_minute(NOW + off, NOW) == NOW + off
    for told in (NOW - 1_441, NOW + 1_441, None):
        assert vouched_minute(told, NOW) == NOW


def test_later_pages_and_those_without_a_row_prove_nothing_newer():
    assert high_minute(page([NOW], number=1), NOW - 3) == NOW - 3
    assert high_minute(page([]), NOW - 3) == NOW - 3
    assert high_minute(page([NOW - 1]), NOW - 3) == NOW - 1
    assert high_minute(page([NOW - 5]), NOW - 3) == NOW - 3


def test_disorder_is_counted_in_minutes_from_the_lowest_row_before():
    assert disorder([NOW, NOW - 9, NOW - 5, NOW - 7, NOW - 2]) == 7
    assert is_past([NOW, NOW - 9, NOW - 5], NOW - 5)
    assert not is_past([NOW, NOW - 9, NOW - 5], NOW - 6)


def test_one_side_of_the_watermark_is_enough():
    assert moved_mark(None, NOW - 3, NOW) == NOW - 3
    assert moved_mark(NOW - 3, None, NOW) == NOW - 3


def test_a_walk_with_a_watermark_reads_on_beyond_twenty_pages():
    assert upsert_verdict(page([NOW], number=20), mark=NOW - 60) is PageVerdict.NEXT_PAGE
    assert upsert_verdict(page([NOW], number=LAST_PAGE - 1), mark=NOW - 60) is PageVerdict.NEXT_PAGE
