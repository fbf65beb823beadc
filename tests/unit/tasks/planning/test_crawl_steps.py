"""What is walked after a page: the next page, a smaller part, the part beside it, or nothing."""

import pytest

from tasks.keepa.selection.rules import LAST_PAGE, MAX_ROWS, PAGE_ROWS
from tasks.planning.crawl_steps import HIGHEST, Divisions, NextStep, Partition, next_category, next_step
from tasks.planning.walk_end import PageFacts

FEW = Divisions(categories=(3, 5, 9), counts={3: 10, 5: 20, 9: 30})


def page(number=0, *, rows=PAGE_ROWS, prices=()):
    return PageFacts(number=number, minutes=[7], rows=rows, server_minute=7, prices=prices)


def page_at_limit(prices=()):
    return page(LAST_PAGE, rows=MAX_ROWS - LAST_PAGE * PAGE_ROWS, prices=prices)


def test_a_full_page_leads_to_the_next_one_of_the_same_part():
    assert next_step(Partition(), page(), FEW) == NextStep(Partition(), 1)
    assert next_step(Partition(5, 10, 20), page(7), FEW) == NextStep(Partition(5, 10, 20), 8)


def test_the_last_page_of_the_whole_ends_the_walk():
    assert next_step(Partition(), page(2, rows=3), FEW) == NextStep(Partition(), 3, is_over=True)


def test_the_last_page_of_a_category_leads_to_the_next_category_and_of_the_last_to_the_end():
    assert next_step(Partition(5), page(2, rows=3), FEW) == NextStep(Partition(9), 0)
    assert next_step(Partition(9), page(2, rows=3), FEW) == NextStep(Partition(9), 3, is_over=True)


def test_categories_follow_each_other_by_number_whatever_their_order():
    assert next_category(Partition(3), [9, 5, 3]) == Partition(5)
    assert next_category(Partition(4), [9, 5, 3]) == Partition(5)
    assert next_category(Partition(9), [9, 5, 3]) is None
    assert next_category(Partition(), [9, 5, 3]) is None


@pytest.mark.parametrize(("rows", "is_divided"), [(MAX_ROWS, False), (MAX_ROWS + 1, True)])
def test_what_is_counted_to_be_longer_than_the_api_shows_is_divided_at_its_first_page(rows, is_divided):
    whole = Divisions(categories=(3, 5), counts={3: 1, 5: rows - 1})
    assert next_step(Partition(), page(), whole) == (
        NextStep(Partition(3), 0) if is_divided else NextStep(Partition(), 1)
    )
    category = Divisions(categories=(3, 5), counts={5: rows})
    expected = NextStep(Partition(5, 0, 40), 0) if is_divided else NextStep(Partition(5), 1)
    assert next_step(Partition(5), page(prices=[10, 40, 90]), category) == expected
    assert next_step(Partition(3), page(prices=[10, 40, 90]), category) == NextStep(Partition(3), 1)


def test_what_was_begun_is_not_divided_by_its_count_before_it_comes_to_the_limit():
    long = Divisions(categories=(3, 5), counts={3: MAX_ROWS + 1, 5: 1})
    assert next_step(Partition(), page(1, prices=[10]), long) == NextStep(Partition(), 2)
    assert next_step(Partition(3, 0, 50), page(prices=[10]), long) == NextStep(Partition(3, 0, 50), 1)


def test_at_the_limit_the_whole_is_divided_by_category_if_there_are_several_and_else_by_price():
    prices = [30, 10, 20]
    assert next_step(Partition(), page_at_limit(prices), FEW) == NextStep(Partition(3), 0)
    one = Divisions(categories=(3,), counts={})
    assert next_step(Partition(), page_at_limit(prices), one) == NextStep(Partition(None, 0, 20), 0)


def test_a_part_by_price_that_comes_to_the_limit_is_divided_by_price_once_more():
    prices = [30, 10, 20, 40, 99]
    found = next_step(Partition(None, 10, 40), page_at_limit(prices), FEW)
    assert found == NextStep(Partition(None, 10, 20), 0), "half of the prices from 10 to 39, the upper end left out"


def test_the_range_of_prices_of_the_selection_bounds_that_of_its_parts():
    priced = Divisions(categories=(3,), counts={}, price_low=15, price_high=60)
    assert next_step(Partition(3), page_at_limit([10, 20, 60, 70]), priced) == NextStep(Partition(3, 15, 20), 0)
    assert next_step(Partition(3, 15, 20), page(rows=1), priced) == NextStep(Partition(3, 21, 60), 0)
    assert next_step(Partition(3, 21, 60), page(rows=1), priced) == NextStep(Partition(3, 21, 60), 1, is_over=True)
    assert next_step(Partition(3, 0, 20), page(rows=1), FEW) == NextStep(Partition(3, 21, HIGHEST), 0)
    assert HIGHEST == 2_147_483_647


def test_rows_of_one_price_that_come_to_the_limit_are_cut_and_the_walk_goes_on_above_it():
    cut = next_step(Partition(3, 20, 20), page_at_limit([20, 20]), FEW)
    assert cut == NextStep(Partition(3, 21, HIGHEST), 0, is_cut=True)
    last = next_step(Partition(9, 20, HIGHEST), page_at_limit([HIGHEST]), FEW)
    assert last == NextStep(Partition(9, 20, HIGHEST), LAST_PAGE + 1, is_over=True, is_cut=True)


def test_a_part_is_called_by_its_category_and_its_prices():
    assert str(Partition()) == "all categories"
    assert str(Partition(5)) == "category 5"
    assert str(Partition(5, 10, 20)) == "category 5, prices 10 to 20"
