"""The floor of a tier on a plan, in milli-tokens."""

import pytest

from ledger.model.entries import TierState
from ledger.model.floors import floor_mt


@pytest.mark.parametrize(
    ("rate_mt", "expected_mt"),
    [
        (5_000, 50_000),  # the tokens
        (60_000, 90_000),  # the refill of a tick and a half
        (1_000, 15_000),  # a quarter of the capacity of 60 ticks
        (0, 0),
    ],
)
def test_the_floor_is_tokens_or_ticks_whichever_is_more_and_at_most_a_part_of_the_capacity(rate_mt, expected_mt):
    tier = TierState(floor_mt=50_000, floor_ticks_ppm=1_500_000, floor_ppm=250_000)
    assert floor_mt(tier, rate_mt) == expected_mt
