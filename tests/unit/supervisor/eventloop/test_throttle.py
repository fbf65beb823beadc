"""What is asked for often is done at once, then seldom, and never forgotten."""

import pytest

from ledger import ManualClock
from supervisor.eventloop.loop import Loop, Throttle


@pytest.fixture
def done():
    return []


@pytest.fixture
def clock():
    return ManualClock(10**12)


@pytest.fixture
def loop(clock):
    with Loop(clock) as one:
        yield one


def go_on(loop, clock, seconds):
    """Let so much time pass in steps of a tenth of a second."""
    for _ in range(round(seconds * 10)):
        clock.advance_s(0.1)
        loop.after(0, lambda: None)
        loop.step()


def test_the_first_is_done_at_once_and_a_burst_once_more(loop, clock, done):
    paced = Throttle(loop, lambda: done.append(clock.now_ns()), every_s=0.5)
    for _ in range(3):
        paced.ask()
    loop.step()
    assert len(done) == 1
    for _ in range(3):
        paced.ask()
    go_on(loop, clock, 0.4)
    assert len(done) == 1
    go_on(loop, clock, 2)
    assert len(done) == 2
    assert done[1] - done[0] == pytest.approx(0.5e9, abs=1e8)


def test_it_is_not_done_more_often_than_that_however_often_it_is_asked_for(loop, clock, done):
    paced = Throttle(loop, lambda: done.append(clock.now_ns()), every_s=0.5)
    for _ in range(100):
        paced.ask()
        go_on(loop, clock, 0.1)
    assert 18 <= len(done) <= 21


def test_what_is_wanted_at_once_does_not_wait_and_is_done_once(loop, clock, done):
    paced = Throttle(loop, lambda: done.append(clock.now_ns()), every_s=0.5)
    paced.ask()
    loop.step()
    paced.ask()
    paced.ask(at_once=True)
    paced.ask(at_once=True)
    loop.after(0, lambda: None)
    loop.step()
    assert len(done) == 2
    go_on(loop, clock, 2)
    assert len(done) == 2
