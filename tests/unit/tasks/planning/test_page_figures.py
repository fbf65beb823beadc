"""What one page tells of a whole selection."""

import pytest

from tasks.keepa.selection.selection import parse
from tasks.planning.page_figures import DAY_MIN, page_figures

NOW = 7_800_000
OPEN = parse({"domainId": 1, "priceTypes": [1]}, name="s")
BOOKS = OPEN.with_(isFilterEnabled=True, includeCategories=[5])
NOT_BOOKS = OPEN.with_(isFilterEnabled=True, excludeCategories=[5])
COUNTS = {5: 700, 6: 300}


def figures(minutes, *, rows=None, selection=OPEN, counts=COUNTS):
    rows = len(minutes) if rows is None else rows
    return page_figures(selection, minutes, rows=rows, server_minute=NOW, counts=counts)


def test_a_page_that_is_not_full_is_all_there_is():
    seen = figures([NOW, NOW - 100, NOW - DAY_MIN, NOW - 5000])
    assert (seen.matches, seen.is_exact, seen.pages, seen.news_per_day) == (4, True, 1, 2.0)
    empty = figures([])
    assert (empty.matches, empty.is_exact, empty.pages, empty.news_per_day) == (0, True, 1, 0.0)


@pytest.mark.parametrize(("selection", "matches", "pages"), [(OPEN, 1000, 7), (BOOKS, 700, 5), (NOT_BOOKS, 300, 3)])
def test_a_full_page_tells_how_many_there_are_in_the_root_categories(selection, matches, pages):
    seen = figures([NOW - minute for minute in range(150)], selection=selection)
    assert (seen.matches, seen.is_exact, seen.pages) == (matches, False, pages)


def test_of_another_category_nobody_knows_and_all_that_can_be_reached_is_assumed():
    seen = figures([NOW] * 150, selection=OPEN.with_(isFilterEnabled=True, includeCategories=[77]))
    assert (seen.matches, seen.pages) == (None, 67)


def test_a_list_whose_last_page_is_full_takes_one_more_page_which_is_empty():
    assert figures([NOW] * 150, counts={5: 300}).pages == 3


@pytest.mark.parametrize(("span", "news"), [(60, 150 * 24), (720, 300), (DAY_MIN, 150), (2 * DAY_MIN, 75)])
def test_the_pace_is_that_of_the_time_that_the_page_covers_at_most_a_day(span, news):
    minutes = [NOW - round(number * span / 150) for number in range(151)][:150]
    assert figures(minutes).news_per_day == pytest.approx(news, rel=0.03)


def test_a_page_of_one_moment_and_one_that_cannot_be_read_do_no_harm():
    assert figures([NOW] * 150).news_per_day == 150 * DAY_MIN
    assert figures([], rows=150).news_per_day is None
