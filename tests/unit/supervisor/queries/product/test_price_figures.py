"""What a history comes to, against the same told minute by minute."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import example, given
from hypothesis import strategies as st

from supervisor.queries.product import price_figures


@st.composite
def histories(draw, most=30):
    """Rising minutes, and a value beside each: -1 where nothing was offered."""
    gaps = draw(st.lists(st.integers(1, 9), min_size=1, max_size=most))
    values = st.lists(st.integers(-1, 12), min_size=len(gaps), max_size=len(gaps))
    return list(accumulate(gaps)), draw(values)


def held_at(minute, minutes, values):
    """The value that held in a minute; -1 before the first."""
    return next((value for at, value in zip(minutes[::-1], values[::-1], strict=True) if at <= minute), -1)


@given(histories(), st.integers(-5, 120), st.integers(0, 120))
@example(([1], [5]), 1, 0)
@example(([1, 3], [5, -1]), 0, 9)
def test_figures_are_those_of_each_minute(history, since, span):
    until = since + span
    found = price_figures.figures(*history, since, until)
    each = [held_at(minute, *history) for minute in range(since, until)]
    offered = [value for value in each if value >= 0]
    now = held_at(until, *history)
    with_the_end = [value for value in (*each, now) if value >= 0]
    assert found.now == (None if now < 0 else now)
    assert found.lowest == min(with_the_end, default=None)
    assert found.highest == max(with_the_end, default=None)
    if offered:
        assert abs(found.mean - sum(offered) / len(offered)) < 1e-9
    else:
        assert found.mean is None
    if found.now is not None and offered:
        above = 100 * sum(value > now for value in offered) / len(offered)
        assert abs(found.above_percent - above) < 1e-9
    else:
        assert found.above_percent is None
    for value, at in ((found.lowest, found.lowest_at), (found.highest, found.highest_at)):
        assert (value is None) == (at is None)
        assert at is None or (held_at(at, *history) == value and since <= at <= until)
    assert found.changes == sum(since <= at <= until for at in history[0])


@given(histories(most=200), st.integers(4, 60))
def test_few_points_keep_the_ends_and_the_extremes(history, most):
    minutes, values = history
    few, beside = price_figures.reduce(minutes, values, most)
    every = dict(zip(minutes, values, strict=True))
    assert len(few) <= most
    assert few == sorted(set(few))
    assert [every[minute] for minute in few] == beside
    assert (few[0], few[-1]) == (minutes[0], minutes[-1])
    offered = [value for value in values if value >= 0]
    shown = [value for value in beside if value >= 0]
    assert (min(shown, default=None), max(shown, default=None)) == (
        min(offered, default=None),
        max(offered, default=None),
    )
    if len(minutes) <= most:
        assert few == minutes


@given(st.lists(histories(), min_size=1, max_size=4))
def test_lines_on_one_axis_hold_what_they_held_before(lines):
    axis, columns = price_figures.join(lines)
    assert axis == sorted({minute for minutes, _ in lines for minute in minutes})
    for line, column in zip(lines, columns, strict=True):
        held = [held_at(minute, *line) for minute in axis]
        assert column == [None if value < 0 else value for value in held]


@given(histories(), st.integers(-5, 200), st.integers(0, 200))
def test_a_cut_history_holds_what_the_whole_one_holds(history, since, span):
    minutes, values = price_figures.clip(*history, since, since + span)
    assert all(minute <= since + span for minute in minutes)
    for minute in range(since, since + span + 1):
        assert held_at(minute, list(minutes), list(values)) == held_at(minute, *history)
