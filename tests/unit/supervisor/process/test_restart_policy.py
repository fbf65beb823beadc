"""What a death means, how long the pause is, and when a child has failed."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.logs.phrases import describe_exit
from supervisor.process.restart_policy import (
    Cause,
    ExitReason,
    Policy,
    RestartDecision,
    RestartHistory,
    RestartType,
    judge,
    pause_s,
    restart_decision,
)
from supervisor.process.states import Event

S = 1_000_000_000
POLICY = Policy()


def ended(code, *, was_ready=True):
    return ExitReason(cause=Cause.EXIT, code=code, was_ready=was_ready)


@pytest.mark.parametrize(
    ("ending", "restart_type", "expected"),
    [
        (ended(0), RestartType.PERMANENT, RestartDecision.RESTART),
        (ended(0), RestartType.TRANSIENT, RestartDecision.FINISH),
        (ended(0, was_ready=False), RestartType.TRANSIENT, RestartDecision.RESTART),
        (ended(1), RestartType.TRANSIENT, RestartDecision.RESTART),
        (ended(2), RestartType.PERMANENT, RestartDecision.RESTART),
        (ended(70), RestartType.PERMANENT, RestartDecision.RESTART),
        (ended(75), RestartType.PERMANENT, RestartDecision.KEEP_TRYING),
        (ended(75, was_ready=False), RestartType.TRANSIENT, RestartDecision.KEEP_TRYING),
        (ended(77), RestartType.TRANSIENT, RestartDecision.FAIL),
        (ended(78, was_ready=False), RestartType.PERMANENT, RestartDecision.FAIL),
        (ExitReason(cause=Cause.SIGNAL, signal=9, was_ready=True), RestartType.TRANSIENT, RestartDecision.RESTART),
        (ExitReason(cause=Cause.HUNG, signal=6, was_ready=True), RestartType.PERMANENT, RestartDecision.RESTART),
        (ExitReason(cause=Cause.NOT_READY, code=0), RestartType.TRANSIENT, RestartDecision.RESTART),
        (ExitReason(cause=Cause.NOT_STARTED), RestartType.PERMANENT, RestartDecision.RESTART),
        (ExitReason(cause=Cause.STOPPED, code=75, was_ready=True), RestartType.PERMANENT, RestartDecision.FINISH),
        (ExitReason(cause=Cause.STOPPED, signal=9), RestartType.PERMANENT, RestartDecision.FINISH),
    ],
)
def test_an_ending_means_what_the_table_says(ending, restart_type, expected):
    assert restart_decision(ending, restart_type) is expected


def deaths_at(*seconds, policy=POLICY, what=RestartDecision.RESTART, ran_s=0.0):
    history, events = RestartHistory(), []
    for at in seconds:
        judged = judge(history, policy, what, now_ns=round(at * S), ran_s=ran_s)
        history = judged.history
        events.append(judged.event)
    return history, events


def test_an_instant_crasher_has_failed_after_31_seconds_with_the_defaults():
    _, events = deaths_at(0, 1, 3, 7, 15, 31)
    assert events == [Event.DIED_RETRY] * 5 + [Event.DIED_FAILED]


def test_a_death_at_exactly_the_edge_of_the_period_is_not_counted():
    at_edge, events = deaths_at(0, 10, 20, 30, 40, 60)
    assert events[-1] is Event.DIED_RETRY
    assert len(at_edge.counted_ns) == 5
    _, events = deaths_at(0, 10, 20, 30, 40, 59.999)
    assert events[-1] is Event.DIED_FAILED


def test_a_slow_crasher_is_retried_for_ever():
    _, events = deaths_at(*range(0, 6000, 61))
    assert set(events) == {Event.DIED_RETRY}


@given(st.lists(st.floats(0, 600), max_size=40))
def test_what_passes_never_counts_and_a_planned_death_changes_nothing(seconds):
    history, events = deaths_at(*sorted(seconds), what=RestartDecision.KEEP_TRYING)
    assert Event.DIED_FAILED not in events
    assert history.counted_ns == ()
    assert deaths_at(*sorted(seconds), what=RestartDecision.FINISH)[0] == RestartHistory()


def test_what_is_hopeless_fails_at_once():
    assert deaths_at(0, what=RestartDecision.FAIL)[1] == [Event.DIED_FAILED]


@given(st.lists(st.floats(0, 200), min_size=1, max_size=60), st.integers(1, 5))
def test_failed_means_more_exits_than_allowed_in_one_period(gaps, allowed):
    policy = Policy(max_restarts=allowed, period_s=60)
    at, times, history = 0.0, [], RestartHistory()
    for gap in gaps:
        at += gap
        times.append(round(at * S))
        judged = judge(history, policy, RestartDecision.RESTART, now_ns=times[-1], ran_s=0)
        history = judged.history
        recent = [time for time in times if times[-1] - time < 60 * S]
        assert (judged.event is Event.DIED_FAILED) == (len(recent) > allowed)


def test_the_pause_doubles_to_its_cap():
    assert [pause_s(n, POLICY, 0) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(1, 10_000), st.floats(-1, 1))
def test_the_pause_stays_within_the_jitter_of_its_bounds(in_a_row, chance):
    assert 0.9 <= pause_s(in_a_row, POLICY, chance) <= 66


@given(st.floats(-1, 1))
def test_after_a_long_service_a_start_follows_at_once_but_not_in_step_with_others(chance):
    assert 0 <= pause_s(0, POLICY, chance) <= 0.1
    assert pause_s(0, POLICY, 1) > pause_s(0, POLICY, -1)


def test_the_pauses_begin_anew_after_a_minute_in_service_and_the_death_that_ended_it_has_none():
    history, _ = deaths_at(0, 1, 2)
    judged = judge(history, POLICY, RestartDecision.RESTART, now_ns=100 * S, ran_s=60.0)
    assert judged.history.in_a_row == 0
    judged = judge(judged.history, POLICY, RestartDecision.RESTART, now_ns=101 * S, ran_s=0.5)
    assert (judged.history.in_a_row, pause_s(judged.history.in_a_row, POLICY, 0)) == (1, 1)
    judged = judge(history, POLICY, RestartDecision.RESTART, now_ns=100 * S, ran_s=59.9)
    assert judged.history.in_a_row == 4


@pytest.mark.parametrize("what", [RestartDecision.RESTART, RestartDecision.KEEP_TRYING])
def test_a_worker_that_keeps_dying_after_a_minute_is_started_once_a_minute_and_no_more(what):
    history, events = deaths_at(*range(0, 6000, 60), what=what, ran_s=60.0)
    assert (set(events), history.in_a_row) == ({Event.DIED_RETRY}, 0)


def test_half_of_the_jitter_of_the_first_pause_follows_a_long_service_on_average():
    policy = Policy(first_s=4.0, jitter=0.5)
    assert [pause_s(0, policy, chance) for chance in (-1, 0, 0.5, 1)] == [0, 1, 1.5, 2]


def test_chance_spreads_a_pause_by_the_jitter_at_its_cap_too():
    policy = Policy(first_s=2.0, cap_s=60.0, jitter=0.25)
    assert [pause_s(2, policy, chance) for chance in (-1, 0, 1)] == [3, 4, 5]
    assert [pause_s(9, policy, chance) for chance in (-1, 0, 1)] == [45, 60, 75]


def test_all_deaths_that_led_to_a_restart_are_remembered_and_a_reset_forgets_the_others():
    history, _ = deaths_at(0, 1, 2)
    assert (history.in_a_row, history.total, len(history.counted_ns)) == (3, 3, 3)
    assert history.reset() == RestartHistory(in_a_row=0, counted_ns=(), total=3)


def test_a_death_is_planned_when_it_was_asked_for():
    planned = {cause for cause in Cause if cause.is_planned}
    assert planned == {Cause.STOPPED, Cause.RESTARTED, Cause.RECYCLED}


def test_a_child_that_is_not_said_to_have_been_ready_was_not():
    assert not ExitReason(cause=Cause.EXIT, code=0).was_ready


def test_an_ending_is_told_in_words_and_a_kill_nobody_asked_for_claims_no_cause():
    by_whom = "sent by somebody or by a system short of memory"
    texts = {
        ExitReason(cause=Cause.SIGNAL, signal=signal.SIGKILL): f"killed by SIGKILL, {by_whom}",
        ExitReason(cause=Cause.HUNG, signal=signal.SIGKILL): "sent no heartbeat and was ended, by SIGKILL",
        ExitReason(cause=Cause.SIGNAL, signal=signal.SIGSEGV): "killed by SIGSEGV",
        ExitReason(cause=Cause.NOT_STARTED): "could not be started",
        ExitReason(cause=Cause.EXIT, code=3): "ended with exit code 3",
        ExitReason(cause=Cause.EXIT, code=75): "ended because something it needs is unavailable",
        ExitReason(cause=Cause.RESTARTED, code=75): "ended as asked, to be replaced",
        ExitReason(cause=Cause.STOPPED, code=75): "ended as asked",
        ExitReason(cause=Cause.STOPPED, signal=signal.SIGKILL): "ended as asked, by SIGKILL",
    }
    assert {ending: describe_exit(ending) for ending in texts} == texts
