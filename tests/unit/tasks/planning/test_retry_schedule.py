"""How often the same request goes out, and whose fault a row of refusals is."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.planning.refusals import LONGEST_S as LONGEST_REST_S
from tasks.planning.refusals import RefusalStreak
from tasks.planning.retry_schedule import AGAIN_S, LONGEST_S, LONGEST_SOON_S, RetrySchedule

NS = 10**9


@given(st.integers(0, 1 << 32), st.integers(2, 40))
def test_the_same_request_goes_out_twice_in_half_a_minute_and_then_ever_more_rarely(seed, times):
    pacing, now_ns, sent_ns = RetrySchedule(random.Random(seed)), 10**12, []
    for _ in range(times):
        sent_ns.append(now_ns)
        now_ns = pacing.failed("it", "cut", now_ns, may_be_charged=True)
        assert pacing.until_ns("it", now_ns - 1) == now_ns
        assert pacing.until_ns("it", now_ns) is None
    assert len([at for at in sent_ns if at < sent_ns[0] + 30 * NS]) == 2
    pauses = [later - at for at, later in itertools.pairwise(sent_ns)]
    assert pauses[0] >= AGAIN_S[0] * NS
    assert all(later > at for at, later in itertools.pairwise(pauses[:5]))
    assert all(LONGEST_S * NS <= pause <= 1.25 * LONGEST_S * NS + 1 for pause in pauses[7:])


@given(st.integers(0, 1 << 32), st.lists(st.sampled_from(["sent", "free", "back"]), max_size=60))
def test_whatever_else_comes_between_what_may_be_charged_keeps_its_pause(seed, events):
    """Nobody's return and no free failure lets a request out within half a minute of the second time it was sent."""
    pacing, now_ns, sent_ns = RetrySchedule(random.Random(seed)), 10**12, []
    for event in events:
        if event == "back":
            pacing.returned(now_ns)
        else:
            now_ns = pacing.until_ns("it", now_ns) or now_ns
            if event == "sent":
                sent_ns.append(now_ns)
            pacing.failed("it", event, now_ns, may_be_charged=event == "sent")
    for first, _second, third in zip(sent_ns, sent_ns[1:], sent_ns[2:], strict=False):
        assert third - first >= 30 * NS


@given(st.integers(0, 1 << 32))
def test_what_costs_nothing_is_tried_every_few_seconds(seed):
    pacing, now_ns = RetrySchedule(random.Random(seed)), 10**12
    for _ in range(50):
        until_ns = pacing.failed("it", "refused", now_ns, may_be_charged=False)
        assert 0 < until_ns - now_ns <= LONGEST_SOON_S * NS
        now_ns = until_ns


def test_a_free_failure_does_not_shorten_the_pause_of_what_may_be_charged():
    pacing = RetrySchedule(random.Random(1))
    until_ns = 0
    for _ in range(4):
        until_ns = pacing.failed("it", "cut", until_ns, may_be_charged=True)
    assert pacing.failed("it", "refused", until_ns - 60 * NS, may_be_charged=False) == until_ns


def test_one_request_that_fails_says_nothing_about_another():
    pacing = RetrySchedule(random.Random(1))
    pacing.failed("it", "cut", 0, may_be_charged=True)
    assert pacing.until_ns("other", 0) is None
    pacing.answered("it")
    assert pacing.until_ns("it", 0) is None


def test_what_nobody_asks_for_any_more_is_no_trouble():
    pacing = RetrySchedule(random.Random(1))
    until_ns = 0
    for _ in range(3):
        until_ns = pacing.failed("page 3", "cut", until_ns, may_be_charged=True)
    assert pacing.trouble(until_ns) == "cut"
    assert pacing.trouble(until_ns + 121 * NS) is None


def test_an_item_that_is_refused_down_to_itself_is_to_blame_alone():
    refusals = RefusalStreak()
    hundred = [str(number) for number in range(100)]
    assert [refusals.refused(hundred[:size]) for size in (100, 12, 1, 1, 1)] == [0.0] * 5
    assert refusals.different == 1


def test_three_requests_in_a_row_with_nothing_in_common_make_it_rest_longer_each_time():
    refusals = RefusalStreak()
    rests = [refusals.refused([str(number)]) for number in range(12)]
    assert rests[:5] == [0, 0, 30, 60, 120]
    assert max(rests) == LONGEST_REST_S
    assert refusals.is_general


@pytest.mark.parametrize("asked", [[["1"], ["2"], ["2"], ["1", "2"]], [["1", "2"], ["2", "3"], ["2"], ["2"]]])
def test_what_a_row_has_in_common_keeps_it_one(asked):
    refusals = RefusalStreak()
    assert [refusals.refused(one) for one in asked] == [0.0] * len(asked)
