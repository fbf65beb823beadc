"""Bytes become lines whole, within bounds, and floods become numbers."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.process.child_pipes import FloodLimiter, Lines

S = 1_000_000_000


@given(st.text(alphabet="ab\nß€\r", max_size=200), st.data())
def test_lines_do_not_depend_on_how_the_bytes_arrive(text, data):
    raw = text.encode()
    lines, found, at = Lines(), [], 0
    while at < len(raw):
        size = data.draw(st.integers(1, len(raw) - at))
        found += lines.feed(raw[at : at + size])
        at += size
    found += lines.end()
    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    assert found == [line.rstrip("\r") for line in expected]


@given(st.lists(st.binary(max_size=50), max_size=30))
def test_any_bytes_at_all_are_taken(parts):
    lines = Lines()
    for part in parts:
        lines.feed(part)
    lines.end()


def test_a_line_that_is_too_long_is_cut_and_says_so():
    lines = Lines(limit=10)
    assert lines.feed(b"x" * 8) == []
    assert lines.feed(b"x" * 8 + b"\nshort\n") == ["xxxxxxxxxx [6 bytes cut]", "short"]


def test_a_flood_is_held_back_and_counted_and_a_later_line_passes():
    limiter = FloodLimiter(burst=10, rate_per_s=1)
    passed = sum(limiter.lets_through(0) for _ in range(100))
    assert passed == 10
    assert limiter.take_held_back() == 90
    assert limiter.take_held_back() == 0
    assert limiter.lets_through(2 * S)
