"""The jobs of a process take turns, and it sleeps no longer than each of them can wait."""

from types import SimpleNamespace

import pytest

from ledger import NS_PER_S, ManualClock
from ledger.model import waiters
from tasks.jobs import run_loop
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.job import Idle, StepDone

NOW_NS = 10**15
HOUR_NS = 3600 * NS_PER_S


def idle(phase, until_ns):
    return Idle(until_ns=until_ns, phase=phase, why="because")


class Flag:
    """A stop that is asked for after so many looks; it notes how long was slept."""

    def __init__(self, looks=10**6):
        self.looks, self.slept_s = looks, []

    def is_set(self):
        self.looks -= 1
        return self.looks < 0

    def wait(self, timeout_s):
        self.slept_s.append(timeout_s)
        return False


class Listed:
    """A job that has its outcomes in a list, and says in `steps` whose step it was."""

    def __init__(self, name, outcomes, steps, clock):
        self.name, self.outcomes, self.steps, self.messages = name, list(outcomes), steps, []
        self.context = SimpleNamespace(beat=HeartbeatWriter(self.messages.append, clock), blocking=True)

    def step(self):
        self.steps.append(self.name)
        return self.outcomes.pop(0)


@pytest.fixture
def clock():
    return ManualClock(NOW_NS)


def test_a_job_that_waits_for_tokens_is_asked_before_its_place_in_the_queue_is_lost():
    nap_s = run_loop.nap_s(idle("waiting_tokens", NOW_NS + HOUR_NS), NOW_NS, blocking=False)
    assert 0 < nap_s * NS_PER_S < waiters.LAPSE_NS
    blocking_s = run_loop.nap_s(idle("waiting_tokens", NOW_NS + HOUR_NS), NOW_NS, blocking=True)
    assert blocking_s == run_loop.LONGEST_NAP_S, "its place was kept inside the step"


def test_a_nap_ends_when_the_job_is_due_and_is_never_long():
    assert run_loop.nap_s(idle("calling", NOW_NS + 7 * NS_PER_S), NOW_NS, blocking=False) == pytest.approx(7)
    assert run_loop.nap_s(idle("waiting_poll", NOW_NS + HOUR_NS), NOW_NS, blocking=False) == run_loop.LONGEST_NAP_S
    assert run_loop.nap_s(idle("waiting_work", None), NOW_NS, blocking=False) == run_loop.NAP_WITHOUT_TIME_S
    assert run_loop.nap_s(idle("waiting_tokens", NOW_NS - 1), NOW_NS, blocking=False) == 0


def test_jobs_take_turns_and_sleep_until_the_first_is_due_when_all_are_idle(clock):
    steps, stop = [], Flag(looks=6)
    due_ns = (NOW_NS + 20 * NS_PER_S, NOW_NS + 9 * NS_PER_S)
    done = StepDone(completes=False)
    one = Listed("one", [done, idle("waiting_poll", due_ns[0]), done], steps, clock)
    other = Listed("other", [idle("waiting_work", due_ns[1]), idle("waiting_work", due_ns[1]), done], steps, clock)
    assert not run_loop.run([one, other], stop, clock, once=False)
    assert steps == ["one", "other"] * 3
    assert stop.slept_s == [pytest.approx(9)], "not after a round in which one had something to do"
    assert (one.context.beat.progress, other.context.beat.progress) == (2, 1)
    said = next(one for one in other.messages if one["phase"] == "waiting_work")
    assert (said["detail"], said["until_ns"]) == ("because", due_ns[1])


def test_once_ends_each_job_after_one_poll_or_batch(clock):
    steps, stop = [], Flag()
    one = Listed("one", [StepDone(completes=False), StepDone(completes=True)], steps, clock)
    other = Listed(
        "other", [idle("waiting_tokens", NOW_NS), StepDone(completes=False), idle("waiting_work", None)], steps, clock
    )
    assert run_loop.run([one, other], stop, clock, once=True)
    assert steps == ["one", "other", "one", "other", "other"]
    assert stop.slept_s == [], "there is nothing to wait for once all are done"
    assert one.context.beat.progress == 2


def test_a_stop_is_heard_between_two_jobs_and_is_no_end_of_the_work(clock):
    steps, stop = [], Flag(looks=1)
    jobs = [Listed(name, [StepDone(completes=True)], steps, clock) for name in ("one", "other")]
    assert not run_loop.run(jobs, stop, clock, once=True)
    assert steps == ["one"]
