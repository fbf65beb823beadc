"""How often the same request goes out."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.retry_schedule import (
    AGAIN_S,
    LONGEST_S,
    LONGEST_SOON_S,
    RetrySchedule,
    charged_pause_s,
    free_pause_s,
)

NS = 10**9


class Shortest:
    """A chance that always gives the shortest pause."""

    def uniform(self, low, _high):
        return low


class Longest:
    """A chance that always gives the longest pause."""

    def uniform(self, _low, high):
        return high


@given(st.integers(0, 1 << 32), st.integers(2, 40))
def test_the_same_request_goes_out_twice_in_half_a_minute_and_then_ever_more_rarely(seed, times):
    schedule, now_ns, sent_ns = RetrySchedule(random.Random(seed)), 10**12, []
    for _ in range(times):
        sent_ns.append(now_ns)
        now_ns = schedule.failed("it", "cut", now_ns, may_be_charged=True)
        assert schedule.until_ns("it", now_ns - 1) == now_ns
        assert schedule.until_ns("it", now_ns) is None
    assert len([at for at in sent_ns if at < sent_ns[0] + 30 * NS]) == 2
    pauses = [later - at for at, later in itertools.pairwise(sent_ns)]
    assert pauses[0] >= AGAIN_S[0] * NS
    assert all(later > at for at, later in itertools.pairwise(pauses[:5]))
    assert all(LONGEST_S * NS <= pause <= 1.25 * LONGEST_S * NS + 1 for pause in pauses[7:])


@given(st.integers(0, 1 << 32), st.lists(st.sampled_from(["sent", "free", "back"]), max_size=60))
def test_whatever_else_comes_between_what_may_be_charged_keeps_its_pause(seed, events):
    """Nobody's return and no free failure lets a request out within half a minute of the second time it was sent."""
    schedule, now_ns, sent_ns = RetrySchedule(random.Random(seed)), 10**12, []
    for event in events:
        if event == "back":
            schedule.returned(now_ns)
        else:
            now_ns = schedule.until_ns("it", now_ns) or now_ns
            if event == "sent":
                sent_ns.append(now_ns)
            schedule.failed("it", event, now_ns, may_be_charged=event == "sent")
    for first, _second, third in zip(sent_ns, sent_ns[1:], sent_ns[2:], strict=False):
        assert third - first >= 30 * NS


@given(st.integers(0, 1 << 32))
def test_what_costs_nothing_is_tried_every_few_seconds(seed):
    schedule, now_ns = RetrySchedule(random.Random(seed)), 10**12
    for _ in range(50):
        until_ns = schedule.failed("it", "refused", now_ns, may_be_charged=False)
        assert 0 < until_ns - now_ns <= LONGEST_SOON_S * NS
        now_ns = until_ns


def test_a_free_failure_does_not_shorten_the_pause_of_what_may_be_charged():
    schedule = RetrySchedule(random.Random(1))
    until_ns = 0
    for _ in range(4):
        until_ns = schedule.failed("it", "cut", until_ns, may_be_charged=True)
    assert schedule.failed("it", "refused", until_ns - 60 * NS, may_be_charged=False) == until_ns


def test_one_request_that_fails_says_nothing_about_another():
    schedule = RetrySchedule(random.Random(1))
    schedule.failed("it", "cut", 0, may_be_charged=True)
    assert schedule.until_ns("other", 0) is None
    schedule.answered("it")
    assert schedule.until_ns("it", 0) is None


def test_what_nobody_asks_for_any_more_is_no_trouble():
    schedule = RetrySchedule(random.Random(1))
    until_ns = 0
    for _ in range(3):
        until_ns = schedule.failed("page 3", "cut", until_ns, may_be_charged=True)
    assert schedule.problem(until_ns) == "cut"
    assert schedule.problem(until_ns + 121 * NS) is None


def test_the_pauses_after_what_may_be_charged_are_those_documented():
    assert [charged_pause_s(sent, Shortest()) for sent in range(1, 10)] == [3, 30, 60, 120, 240, 480, 900, 900, 900]
    assert [charged_pause_s(sent, Longest()) for sent in range(1, 4)] == [6, 37.5, 75]
    assert charged_pause_s(5_000, Longest()) == 1_125


def test_the_pauses_after_what_costs_nothing_are_those_documented():
    assert [free_pause_s(tried, Longest()) for tried in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert [free_pause_s(tried, Shortest()) for tried in range(1, 4)] == [0.25, 0.5, 1]
    assert free_pause_s(5_000, Shortest()) == 5


def test_what_was_sent_makes_the_pauses_of_what_costs_nothing_begin_anew_and_goes_on_itself():
    schedule = RetrySchedule(Shortest())
    for _ in range(5):
        schedule.failed("it", "refused", 0, may_be_charged=False)
    assert schedule.failed("it", "cut", 100 * NS, may_be_charged=True) == 103 * NS
    assert schedule.failed("it", "refused", 200 * NS, may_be_charged=False) == 200.25 * NS
    assert schedule.failed("it", "cut", 300 * NS, may_be_charged=True) == 330 * NS


def test_the_return_of_the_server_frees_what_was_sent_long_enough_ago():
    schedule = RetrySchedule(Shortest())
    for sent_s in (0, 3, 33):
        until_ns = schedule.failed("it", "cut", sent_s * NS, may_be_charged=True)
    assert until_ns == 93 * NS
    schedule.returned(40 * NS)
    assert schedule.until_ns("it", 40 * NS) == 63 * NS
    schedule.failed("it", "cut", 63 * NS, may_be_charged=True)
    schedule.returned(100 * NS)
    assert schedule.until_ns("it", 100 * NS - 1) == 100 * NS
    assert schedule.until_ns("it", 100 * NS) is None


def test_the_return_of_the_server_frees_at_once_what_cost_nothing_and_shortens_no_first_pause():
    schedule = RetrySchedule(Longest())
    schedule.failed("sent", "cut", 10 * NS, may_be_charged=True)
    schedule.failed("free", "refused", 10 * NS, may_be_charged=False)
    schedule.failed("due", "refused", 5 * NS, may_be_charged=False)
    schedule.returned(10 * NS + 1)
    assert schedule.until_ns("sent", 10 * NS + 1) == 16 * NS
    assert schedule.until_ns("free", 10 * NS) == 10 * NS + 1
    assert schedule.until_ns("free", 10 * NS + 1) is None
    assert schedule.until_ns("due", 5 * NS) == 5.5 * NS, "a return puts nothing off"


def test_one_failure_is_no_trouble_and_two_are_whoever_they_are_of():
    schedule = RetrySchedule(Shortest())
    schedule.failed("page 3", "cut", 0, may_be_charged=True)
    assert schedule.problem(0) is None
    schedule.failed("page 4", "refused", 0, may_be_charged=False)
    assert schedule.problem(0) == "refused", "the last to begin"
    schedule.returned(1)
    assert schedule.problem(1) is None
    schedule.failed("page 3", "cut", 2, may_be_charged=True)
    assert schedule.problem(2) is None


def test_a_failure_is_known_with_its_last_reason_until_nobody_has_asked_for_two_minutes():
    schedule = RetrySchedule(Shortest())
    assert (schedule.why("it"), schedule.knows("it")) == ("", False)
    schedule.failed("it", "refused", 0, may_be_charged=False)
    schedule.failed("it", "cut", 0, may_be_charged=True)
    schedule.problem(123 * NS)
    assert (schedule.why("it"), schedule.knows("it")) == ("cut", True)
    schedule.problem(123 * NS + 1)
    assert (schedule.why("it"), schedule.knows("it")) == ("", False)


def test_a_request_that_is_held_waits_for_its_reason_and_is_no_trouble():
    schedule = RetrySchedule(Shortest())
    schedule.failed("it", "cut", 0, may_be_charged=True)
    schedule.hold("it", "the disk is full", 40 * NS)
    schedule.hold("other", "the disk is full", 40 * NS)
    assert (schedule.until_ns("it", 39 * NS), schedule.why("it")) == (40 * NS, "the disk is full")
    assert schedule.problem(39 * NS) is None
    assert schedule.failed("it", "cut", 40 * NS, may_be_charged=True) == 43 * NS, "what it was held for is no failure"


def test_each_failure_that_cost_nothing_doubles_the_pause():
    schedule = RetrySchedule(Longest())
    assert [schedule.failed("it", "away", 0, may_be_charged=False) / NS for _ in range(4)] == [0.5, 1, 2, 4]
