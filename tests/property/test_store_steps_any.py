"""Histories as steps: whatever they hold comes out again, and never takes more room than it did."""

from array import array
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from tasks.store.bulk import steps

LOW, HIGH = -(2**31), 2**31 - 1
NEAR = st.integers(-3, 40_000)
VALUE = st.one_of(st.just(-1), NEAR, st.integers(LOW, HIGH), st.sampled_from([LOW, HIGH, 32_767, 32_768, -32_768]))
COLUMNS = st.integers(1, 2)
GAP = st.one_of(st.integers(1, 40_000), st.sampled_from([32_767, 32_768, 65_536, 2**31]))


@st.composite
def histories(draw, columns=COLUMNS):
    """Minutes that rise, and columns beside them."""
    found = [draw(st.one_of(st.integers(0, 8_000_000), st.sampled_from([LOW, -1, 0, HIGH])))]
    for gap in draw(st.lists(GAP, max_size=12)):
        if found[-1] + gap <= HIGH:
            found.append(found[-1] + gap)
    lists = st.lists(VALUE, min_size=len(found), max_size=len(found))
    return found, [draw(lists) for _ in range(draw(columns))]


def undone(first, minute_steps, *columns):
    """What `undo_steps` does in SQL."""
    minute, values, points = first, [0] * len(columns), []
    for minute_step, *value_steps in zip(minute_steps, *columns, strict=True):
        unit = 32_768 if minute_step < 0 else 1
        minute += (-1 - minute_step) * unit if minute_step < 0 else minute_step
        moves = [0 if step == steps.NONE else step * unit for step in value_steps]
        values = [value + move for value, move in zip(values, moves, strict=True)]
        if minute_step >= 0:
            shown = [-1 if step == steps.NONE else value for value, step in zip(values, value_steps, strict=True)]
            points.append((minute, *shown))
    return [list(column) for column in zip(*points, strict=True)]


def encoded(minutes, columns):
    return steps.encode(array("i", minutes), [array("i", column) for column in columns])


@given(histories())
@example(([LOW, HIGH], [[HIGH, LOW], [-1, -1]]))
@example(([0, 1, 2], [[-1, 32_767, -1], [0, -32_768, 0]]))
@example(([7_000_000, 7_000_001], [[0, 32_768]]))
def test_what_was_put_into_steps_comes_out_again(history):
    minutes, columns = history
    coded = encoded(minutes, columns)
    assert undone(minutes[0], *coded) == [minutes, *columns]
    assert {one.typecode for one in coded} == {"h"}


@given(histories())
def test_an_entry_that_is_no_point_stands_only_before_one_that_is_far_away(history):
    minutes, columns = history
    held = [[0, *(value for value in column if value != -1)] for column in columns]
    far = sum(abs(b - a) > 32_767 for column in (minutes, *held) for a, b in pairwise(column))
    entries = encoded(minutes, columns)[0]
    assert len(entries) <= len(minutes) + 5 * far


def test_nothing_has_no_steps():
    assert encoded([], [[]]) == [array("h"), array("h")]
