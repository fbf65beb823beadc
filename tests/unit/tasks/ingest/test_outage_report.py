"""A server that owes the answer to one statement: told after a while, promised for, and ended by a stop alone."""

from __future__ import annotations

import io
import json
import threading
from types import SimpleNamespace

import pytest

from ledger import NS_PER_S, ManualClock
from tasks.errors import DatabaseTransient
from tasks.ingest.outage_report import SILENCE_S, DatabaseOutage
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.log import stream_logger

LOOK_S = 0.1


@pytest.fixture
def told():
    return []


@pytest.fixture
def context(told):
    clock, text = ManualClock(10**12), io.StringIO()
    beat, stop = HeartbeatWriter(told.append, clock), threading.Event()
    return SimpleNamespace(clock=clock, stop=stop, beat=beat, log=stream_logger(text), text=text)


def silent_for(outage, context, seconds, since_s=0.0):
    """As a connection tells it: with each look."""
    for look in range(round(since_s / LOOK_S) + 1, round(seconds / LOOK_S) + 1):
        context.clock.advance_s(LOOK_S)
        outage.silent(look * LOOK_S)


def test_a_statement_that_takes_its_time_is_nothing_to_tell_and_hears_no_stop(context, told):
    context.stop.set()  # what is nearly done is not thrown away
    silent_for(DatabaseOutage(context), context, SILENCE_S - LOOK_S)
    assert told == []


def test_a_statement_without_an_answer_is_told_and_promised_for_as_long_as_it_lasts(context, told):
    outage = DatabaseOutage(context)
    silent_for(outage, context, SILENCE_S)
    assert [one["kind"] for one in told[-1]["conditions"]] == ["database"]
    assert told[-1]["conditions"][0]["why"] == "the database does not answer a statement"
    assert told[-1]["until_ns"] >= context.clock.now_ns() + SILENCE_S * NS_PER_S, "until after the next promise"
    for lasted_s in range(2, 100):
        silent_for(outage, context, lasted_s * SILENCE_S, since_s=(lasted_s - 1) * SILENCE_S)
        assert told[-1]["until_ns"] >= context.clock.now_ns() + SILENCE_S * NS_PER_S
    assert len([one for one in told if one["event"] == "beat"]) <= 102, "with each promise, and not with each look"
    assert {one["since"] for beat in told for one in beat.get("conditions", ())} == {told[-1]["conditions"][0]["since"]}


def test_an_answer_ends_it_and_the_next_silence_is_told_as_soon(context, told):
    outage = DatabaseOutage(context)
    for _ in range(2):
        silent_for(outage, context, SILENCE_S)
        assert told[-1]["conditions"]
        outage.over()
        assert told[-1]["conditions"] == []


def test_a_stop_ends_the_wait_for_an_answer(context):
    outage = DatabaseOutage(context)
    silent_for(outage, context, SILENCE_S)
    context.stop.set()
    with pytest.raises(DatabaseTransient, match="asked to stop while the database does not answer"):
        silent_for(outage, context, SILENCE_S + LOOK_S, since_s=SILENCE_S)


def test_what_fails_and_is_done_at_once_the_next_time_is_no_outage_and_what_lasts_is(context, told):
    outage = DatabaseOutage(context)
    outage.failed(DatabaseTransient("gone"), 0.2)
    assert not any(one.get("conditions") for one in told)
    context.clock.advance_s(4)
    outage.failed(DatabaseTransient("gone"), 0.2)
    assert [one["why"] for one in told[-1]["conditions"]] == ["gone"]
    outage.over()
    assert told[-1]["conditions"] == []
    records = [json.loads(line) for line in context.text.getvalue().splitlines()]
    assert [one["event"] for one in records] == ["database_unavailable", "database_back"], "the same words once"
    assert records[-1]["away_s"] == 4
