"""An order is answered once: when it is carried out, or when that has taken too long."""

from __future__ import annotations

import pytest

from ledger import ManualClock
from supervisor.control.pending import PendingAnswers
from supervisor.control.protocol import Answer
from supervisor.eventloop.loop import Loop
from tasks.errors import EXIT_TRY_LATER

DONE = Answer(code=0, words="done")


@pytest.fixture
def clock():
    return ManualClock(1_000_000_000)


@pytest.fixture
def loop(clock):
    with Loop(clock) as one:
        yield one


def test_it_is_answered_as_soon_as_it_is_carried_out_and_once(loop, clock):
    pending, replies, outcomes = PendingAnswers(loop), [], [None, None, DONE, DONE]

    def reply(answer):
        replies.append(answer)
        pending.check()  # as the report that is written with each answer does

    pending.add(lambda: outcomes.pop(0), reply, limit_s=10)
    pending.check()
    assert replies == []
    pending.check()
    pending.check()
    clock.advance_s(11)
    loop.wake()
    loop.step()
    assert replies == [DONE]


def test_it_is_answered_after_its_limit_though_it_is_not_carried_out(loop, clock):
    pending, replies = PendingAnswers(loop), []
    pending.add(lambda: None, replies.append, limit_s=10)
    clock.advance_s(11)
    loop.wake()
    loop.step()
    pending.check()
    assert [answer.code for answer in replies] == [EXIT_TRY_LATER]
    assert "not done after 10 s" in replies[0].words


def test_two_that_are_carried_out_at_once_are_answered_once_each(loop):
    pending, replies, is_done = PendingAnswers(loop), [], []

    def reply(answer):
        replies.append(answer)
        pending.check()  # answers the other one within this answer

    for _ in range(2):
        pending.add(lambda: DONE if is_done else None, reply, limit_s=10)
    is_done.append(True)
    pending.check()
    assert replies == [DONE, DONE]
