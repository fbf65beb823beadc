"""Lengths of time as people type them, and as they are shown."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import durations


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("24h", 86400), ("7d", 604800), ("2W", 1209600), (" 1.5h ", 5400), ("30s", 30)]
)
def test_a_length_of_time_is_read(text, seconds):
    assert durations.parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "0h", "1 h", "1y", "٣d", "1d2h", "999999w", "1e3s", "nan"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(ValueError, match=r"such as 90m|hundred years"):
        durations.parse_duration(text)


@given(st.integers(100, 10**25), st.sampled_from("hdw"))
def test_a_length_that_is_too_long_is_told_to_be_one(number, unit):
    with pytest.raises(ValueError, match="is not between a second and a hundred years"):
        durations.parse_duration(f"{number}0000{unit}")


@pytest.mark.parametrize(
    ("text", "shown"), [("24h", "1d"), ("36h", "36h"), ("90m", "90m"), ("90s", "90s"), ("7d", "7d")]
)
def test_a_length_is_written_in_its_largest_whole_unit(text, shown):
    assert durations.format_exact(durations.parse_duration(text)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0s"), (59, "59s"), (60, "1m"), (7199, "119m"), (7200, "2h"), (180_000, "2d"), (1e8, "3y")],
)
def test_an_age_is_short(seconds, shown):
    assert durations.format_age(timedelta(seconds=seconds)) == shown
