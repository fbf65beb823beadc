"""Bars of characters: how full, and where the marks are."""

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from ledger.bar import draw_bar, draw_bucket


@pytest.mark.parametrize(
    ("part", "filled"), [(-1, 0), (0, 0), (0.001, 1), (0.5, 5), (0.94, 9), (0.999, 9), (1, 10), (7, 10)]
)
def test_a_bar_is_empty_only_at_nothing_and_full_only_when_whole(part, filled):
    assert draw_bar(part, 10) == "#" * filled + "." * (10 - filled)


def test_a_mark_stands_at_its_part_and_within_the_bar():
    assert draw_bar(0.5, 10, [0.0, 0.7, 1.0], ("█", "░", "┃")) == "┃████░░┃░┃"


def test_the_bucket_has_a_mark_at_each_floor_above_0():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**12))
    assert draw_bucket(ledger.snapshot(), 6) == "......"
    ledger.observe(Reading(100, 5, 60_000, 1_700_000_000_000))
    assert draw_bucket(ledger.snapshot(), 6) == "#|.|.."
