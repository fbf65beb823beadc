"""Each price type has a clock of its own, which fits the stretches that chance comes in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.simulator.market import clocks, curves
from tasks.simulator.market import price_types as pt

DRAWS = st.binary(min_size=clocks.BYTES, max_size=clocks.BYTES)
KINDS = st.integers(0, 35)


@given(DRAWS, KINDS, st.booleans())
def test_a_clock_divides_a_stretch_and_begins_within_its_first_round(draws, kind, is_book):
    hold, offset = clocks.clock(draws, kind, is_book=is_book)
    assert curves.SLOTS % hold == 0
    assert 0 <= offset < hold <= clocks.LONGEST


@given(DRAWS, st.booleans())
def test_a_count_changes_only_when_its_price_may(draws, is_book):
    for follower, leader in ((pt.COUNT_NEW, pt.NEW), (pt.COUNT_USED, pt.USED), (pt.NEW_FBM, pt.NEW)):
        hold, offset = clocks.clock(draws, follower, is_book=is_book)
        own, first = clocks.clock(draws, leader, is_book=is_book)
        assert hold % own == 0
        assert offset % own == first


def test_prices_of_a_product_change_at_moments_of_their_own():
    draws = bytes(range(clocks.BYTES))
    rhythms = {
        clocks.clock(draws, kind, is_book=True)
        for kind in (pt.AMAZON, pt.NEW, pt.USED, pt.SALES, pt.BUY_BOX, pt.EBAY_USED)
    }
    assert len(rhythms) >= 5


@given(st.integers(0, 10**9))
def test_the_time_between_sales_is_a_power_of_two_that_divides_a_stretch(index):
    period = clocks.sale_period(index)
    assert period > 1
    assert curves.SLOTS % period == 0
