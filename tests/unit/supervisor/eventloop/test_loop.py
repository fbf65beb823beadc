"""The loop notices what holds it up, and says which call that was."""

import os
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import ManualClock
from supervisor.eventloop.loop import LATE_S, STALL_S, STOPPED, Loop


@pytest.fixture
def clock():
    return ManualClock(10**12)


@pytest.fixture
def loop(clock):
    with Loop(clock) as one:
        one.told = []
        one.on_stall = lambda culprit, took_s: one.told.append((culprit, took_s))
        yield one


def dawdle(clock, seconds):
    clock.advance_s(seconds)


@pytest.mark.parametrize("how", ["call", "after", "watch"])
def test_line_19_a_call_that_takes_too_long_is_told_by_its_name(loop, clock, how):
    slow = partial(dawdle, clock, STALL_S + 1)
    if how == "call":
        loop.call(slow)
    elif how == "after":
        loop.after(0, slow)
    else:
        loop.forget(loop._wake_read)
        loop.watch(loop._wake_read, slow)
        loop.wake()
    loop.step()
    assert loop.told == [(f"{__name__}.dawdle", STALL_S + 1)]


def test_line_19_a_call_within_the_limit_is_not(loop, clock):
    loop.call(partial(dawdle, clock, STALL_S))
    loop.step()
    assert loop.told == []


def test_line_19_a_process_that_was_stopped_while_it_waited_is_told_too(loop, clock):
    class Late:
        """Comes back from a wait of half a second seven seconds late."""

        def __init__(self, selector):
            self.selector = selector

        def select(self, timeout):
            clock.advance_s(timeout + 7)
            return self.selector.select(0)

        def __getattr__(self, name):
            return getattr(self.selector, name)

    loop.after(0.5, lambda: None)
    loop._selector = Late(loop._selector)
    loop.step()
    assert loop.told == [(STOPPED, 7)]


def test_what_was_said_before_a_deadline_is_heard_before_it_though_a_call_held_the_loop_up(loop, clock):
    order = []
    read_fd, write_fd = os.pipe()

    def held_up():
        os.write(write_fd, b"I am well")
        clock.advance_s(40)

    loop.watch(read_fd, lambda: order.append(os.read(read_fd, 100)))
    loop.after(15, lambda: order.append("late"))
    loop.call(held_up)
    loop.step()
    assert order == [b"I am well", "late"]
    loop.forget(read_fd)
    os.close(read_fd)
    os.close(write_fd)


@given(st.lists(st.floats(0, 30), max_size=8), st.floats(0.1, 20))
def test_nobody_is_late_for_the_time_in_which_the_loop_did_not_listen(stalls, allowed_s):
    clock, fired = ManualClock(10**12), []
    with Loop(clock) as loop:
        loop.allow(allowed_s, lambda: fired.append("allowed"))
        loop.after(0, lambda: None)
        for stall_s in stalls:
            loop.call(partial(clock.advance_s, stall_s))
            loop.step()
        heard_s = sum(one for one in stalls if one <= LATE_S)
        assert bool(fired) <= (heard_s > allowed_s - 1e-6), "what is lost is given again"
        for _ in range(100):
            clock.advance_s(0.5)
            loop.after(0, lambda: None)
            loop.step()
        assert fired == ["allowed"], "once, and in the end"


def test_a_deadline_that_was_cancelled_stays_so_after_a_stall(loop, clock):
    fired = []
    timer = loop.allow(1, lambda: fired.append(1))
    loop.call(partial(clock.advance_s, 40))
    loop.step()
    assert fired == []
    timer.cancel()
    clock.advance_s(100)
    loop.after(0, lambda: None)
    loop.step()
    assert fired == []


def test_a_thread_that_outlives_the_loop_writes_to_no_descriptor_that_is_now_somebody_elses(clock):
    loop = Loop(clock)
    loop.close()
    reading, writing = zip(*(os.pipe() for _ in range(4)), strict=True)  # the numbers that were the loop's are among
    try:
        loop.call(lambda: None)
        for fd in reading:
            os.set_blocking(fd, False)
            with pytest.raises(BlockingIOError):
                os.read(fd, 1)
    finally:
        for fd in (*reading, *writing):
            os.close(fd)
