"""A selection of any size and any prices, walked part by part: every row that can be reached is, and the walk ends."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa.selection.rules import LAST_PAGE, MAX_ROWS, PAGE_ROWS
from tasks.planning import crawl_steps
from tasks.planning.crawl_steps import HIGHEST, Divisions, Partition
from tasks.planning.walk_end import PageFacts

GROUPS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9_000), st.integers(0, 50_000)), max_size=8)


class Market:
    """Rows of a category and a price, in an order that has nothing to do with the price; the server shows a part."""

    def __init__(self, groups, seed):
        """Each group is a category, a number of rows, and the price at the middle of which they lie."""
        dice = random.Random(seed)
        self.rows = [(category, price + dice.randrange(200)) for category, count, price in groups for _ in range(count)]
        dice.shuffle(self.rows)
        self.counts = Counter(category for category, _ in self.rows)

    def show(self, part):
        return [
            number
            for number, (category, price) in enumerate(self.rows)
            if part.root_cat in {None, category}
            and (part.price_low is None or part.price_low <= price <= part.price_high)
        ][:MAX_ROWS]

    def page(self, shown, number):
        numbers = shown[number * PAGE_ROWS : (number + 1) * PAGE_ROWS]
        prices = [self.rows[row][1] for row in numbers]
        return numbers, PageFacts(number=number, minutes=[7], rows=len(numbers), server_minute=7, prices=prices)


def walked(market, division):
    """The rows met, the parts walked, and whether some rows were said to be out of reach."""
    part, number, met, walked_parts, is_cut = Partition(), 0, set(), [Partition()], False
    shown = market.show(part)
    for _ in range(100_000):
        rows, page = market.page(shown, number)
        assert number <= LAST_PAGE
        met.update(rows)
        following = crawl_steps.next_step(part, page, division)
        is_cut = is_cut or following.is_cut
        if following.is_over:
            return met, walked_parts, is_cut
        if following.partition != part:
            walked_parts.append(following.partition)
            shown = market.show(following.partition)
        part, number = following.partition, following.page
    raise AssertionError("the walk does not end")


@given(GROUPS, st.integers(0, 9), st.booleans())
def test_every_row_is_met_unless_more_than_the_api_shows_have_one_price_and_then_it_is_said(groups, seed, is_named):
    market = Market(groups, seed)
    categories = sorted(market.counts)
    met, _parts, is_cut = walked(market, Divisions(categories=categories, counts={} if is_named else market.counts))
    most = max(Counter(market.rows).values(), default=0)
    assert is_cut == (len(met) < len(market.rows))
    assert not is_cut or most > MAX_ROWS


@given(GROUPS, st.integers(0, 9))
def test_the_parts_of_a_category_follow_each_other_without_gap_or_overlap(groups, seed):
    market = Market(groups, seed)
    _met, walked_parts, _cut = walked(market, Divisions(categories=sorted(market.counts), counts=market.counts))
    ranges = [part for part in walked_parts if part.price_low is not None]
    for category in {part.root_cat for part in ranges}:
        below = 0
        mine = [part for part in ranges if part.root_cat == category]
        for part in mine:
            assert part.price_low == below
            if part is mine[-1] or mine[mine.index(part) + 1].price_low != part.price_low:
                below = part.price_high + 1
        assert below == HIGHEST + 1


def test_rows_of_one_price_beyond_what_the_api_shows_are_said_to_be_out_of_reach():
    market = Market([], 0)
    market.rows = [(1, 500)] * (MAX_ROWS + 1)
    market.counts = Counter({1: MAX_ROWS + 1})
    met, _parts, is_cut = walked(market, Divisions(categories=[1], counts=market.counts))
    assert is_cut
    assert len(met) == MAX_ROWS
