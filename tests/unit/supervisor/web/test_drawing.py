"""The picture of a chart: every line is in it, within its edges, and keeps its extremes however many points it has."""

import re

from hypothesis import given
from hypothesis import strategies as st

from supervisor.web.views.drawing import HEIGHT, WIDTH, Steps, drawn

points = st.lists(st.tuples(st.floats(0, 1000), st.none() | st.floats(-1000, 1000)), max_size=2000)


def places(path):
    """Where a path has been, and where each of its pieces begins."""
    x = y = 0
    for verb, numbers in re.findall(r"([MHV])([\d ]+)", path):
        given_numbers = [int(one) for one in numbers.split()]
        x, y = given_numbers if verb == "M" else (given_numbers[0], y) if verb == "H" else (x, given_numbers[0])
        yield x, y


@given(points)
def test_a_line_stays_within_the_picture_and_reaches_its_extremes(found):
    found.sort(key=lambda one: one[0])
    line = Steps("new", [at for at, _ in found], [value for _, value in found])
    known = [value for value in line.values if value is not None]
    (path,) = drawn([line], 0, 1000) or [None]
    assert (path is None) is (not known)
    if path is None:
        return
    seen = list(places(path.path))
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in seen)
    if max(known) > min(known):
        assert {2, HEIGHT - 2} <= {y for _, y in seen}
    assert len(seen) <= 6 * (WIDTH + 1), "as long as the picture is wide, however many points there are"


def test_what_holds_is_drawn_until_the_next_value_and_nothing_where_nothing_holds():
    (path,) = drawn([Steps("new", [0, 50, 75, 100], [0, 10, None, 5])], 0, 100)
    assert path == ("new", "M0 198H300V2H450M600 100")


def test_lines_of_one_scale_share_a_range_and_others_have_their_own():
    lines = [Steps("new", [0, 1], [0, 100], "money"), Steps("used", [0, 1], [50, 50], "money")]
    lines.append(Steps("rank", [0, 1], [900, 800], "SALES"))
    first, second, third = drawn(lines, 0, 1)
    assert {y for _, y in places(first.path)} == {198, 2}
    assert {y for _, y in places(second.path)} == {100}
    assert {y for _, y in places(third.path)} == {198, 2}
    (lifted,) = drawn([Steps("a", [0, 1], [50, 100]), Steps("b", [], [])], 0, 1, from_zero=True)
    assert {y for _, y in places(lifted.path)} == {100, 2}
