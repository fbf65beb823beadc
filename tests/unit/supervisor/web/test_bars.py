"""Bars that stand on each other: as high as their numbers, none beside the picture."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supervisor.web.views import bars

NAMES = ("upsert", "backfill", "")
COLUMNS = st.lists(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10**7)), max_size=40)


@given(COLUMNS)
def test_each_part_is_as_high_as_its_number_and_stands_on_the_one_below(columns):
    found = bars.bars([(str(number), column) for number, column in enumerate(columns)], NAMES)
    top = max(mark.value for mark in found.marks)
    for number, column in enumerate(columns):
        parts = [one for one in found.rects if one.title.startswith(f"{number}: ")]
        assert [one.name for one in parts] == [name for name in NAMES if column.get(name, 0)]
        foot = bars.HEIGHT
        for one in parts:
            assert abs(one.y + one.height - foot) < 0.03
            assert one.y >= -0.01
            assert 0 <= one.x < one.x + one.width <= bars.WIDTH
            foot = one.y
            assert abs(one.height - bars.HEIGHT * column[one.name] / top) <= 0.005 + 1e-9  # hundredths are written


@given(st.integers(0, 10**9))
def test_the_highest_mark_is_a_round_number_at_least_as_high(number):
    marks = bars.bars([("", {"a": number})], ["a"]).marks
    highest = max(one.value for one in marks)
    assert number <= highest <= max(2, 5 * number)
    assert set(str(highest)[1:]) <= {"0"}
    assert str(highest)[0] in "125"
