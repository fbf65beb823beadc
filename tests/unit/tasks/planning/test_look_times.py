"""When a selection is looked at again follows the intervals of now, not those of the last look."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.look_times import MAX_PAUSE_NS, Intervals, LookTimes

DAY = Intervals(paid_ns=MAX_PAUSE_NS, free_ns=60)
MINUTE = Intervals(paid_ns=60, free_ns=60)

intervals_any = st.builds(Intervals, st.integers(1, 20 * MAX_PAUSE_NS), st.integers(1, MAX_PAUSE_NS))


@pytest.fixture
def looks():
    made: LookTimes[str] = LookTimes()
    made.begin(["one"], 1_000)
    return made


def test_the_first_look_is_due_at_once(looks):
    assert looks.next(DAY) == ("one", 1_000)
    assert LookTimes().next(DAY) is None


@given(intervals_any, intervals_any, st.integers(0, 10**18))
def test_a_look_that_waits_is_due_by_the_interval_of_now(before, now, at_ns):
    looks: LookTimes[str] = LookTimes()
    looks.ended("one", at_ns)
    assert looks.next(before) == ("one", at_ns + before.paid_ns)
    assert looks.next(now) == ("one", at_ns + now.paid_ns)


def test_the_turn_is_asked_for_as_if_there_were_no_budget(looks):
    looks.taken("one", 2_000)
    assert looks.next(DAY) == ("one", 2_060)


def test_a_moment_that_is_given_holds_whatever_the_intervals_are(looks):
    looks.rest("one", 7_000)
    assert looks.next(DAY) == looks.next(MINUTE) == ("one", 7_000)


@given(intervals_any, st.sampled_from([1, 2, 4, 8, 16]))
def test_pauses_multiply_an_interval_to_a_day_and_never_shorten_it(intervals, pauses):
    looks: LookTimes[str] = LookTimes()
    looks.ended("one", 0, pauses=pauses)
    found = looks.next(intervals)
    assert found is not None
    assert intervals.paid_ns <= found[1] <= max(intervals.paid_ns, MAX_PAUSE_NS)
    assert found[1] == intervals.paid_ns * pauses or pauses > 1


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 10**6), min_size=1), intervals_any)
def test_what_ended_first_is_next(ends, intervals):
    looks: LookTimes[str] = LookTimes()
    for key, at_ns in ends.items():
        looks.ended(key, at_ns)
    found = looks.next(intervals)
    assert found is not None
    assert ends[found[0]] == min(ends.values())
    assert len(looks) == len(ends)
