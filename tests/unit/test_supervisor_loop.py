"""The loop notices what holds it up, and says which call that was."""

from functools import partial

import pytest

from ledger import ManualClock
from supervisor.loop import STALL_S, STOPPED, Loop


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
