from __future__ import annotations

import json
import os

import pytest

from ledger.clock import ManualClock
from tasks.runtime.heartbeat_writer import DETAIL_LIMIT, WHY_LIMIT, HeartbeatWriter, PipeSink


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def messages():
    return []


@pytest.fixture
def beat(messages, clock):
    return HeartbeatWriter(messages.append, clock)


def test_a_change_of_phase_is_told_at_once(beat, messages):
    beat.phase("polling", "default")
    beat.phase("calling", "/deal page 0", until_ns=5)
    assert [(m["phase"], m["until_ns"]) for m in messages] == [("polling", None), ("calling", 5)]


def test_progress_in_the_same_phase_is_told_at_most_once_a_second(beat, messages, clock):
    beat.phase("writing")
    for _ in range(10):
        beat.done()
        clock.advance_s(0.25)
    assert [m["progress"] for m in messages] == [0, 5, 9]
    assert beat.progress == 10


def test_a_new_promise_in_the_same_phase_is_told_at_once(beat, messages):
    beat.phase("waiting_tokens", "waiting for 5 tokens", until_ns=10)
    beat.phase("waiting_tokens", "waiting for 5 tokens", until_ns=20)
    assert [m["until_ns"] for m in messages] == [10, 20]


def test_rows_and_job_fields_ride_on_every_beat(beat, messages):
    beat.wrote(deals=150)
    beat.quarantined("deal")
    beat.quarantined("product", 0)
    beat.wrote(deals=3, products=2, price_series=20)
    beat.job(done=1, total=2, rate_per_min=0.5, eta_s=120.0)
    beat.phase("stopping")
    assert messages[-1]["rows"] == {"deals": 153, "products": 2, "price_series": 20, "quarantine": 1}
    assert messages[-1]["refused"] == {"deal": 1}
    assert messages[-1]["job"]["eta_s"] == 120.0


def test_a_pipe_gets_whole_lines(clock):
    read_fd, write_fd = os.pipe()
    with os.fdopen(read_fd, encoding="utf-8") as reader:
        beat = HeartbeatWriter(PipeSink(write_fd), clock)
        beat.ready()
        beat.phase("polling", "ü" * 5000)
        os.close(write_fd)
        ready, told = (json.loads(line) for line in reader)
    assert ready == {"event": "ready", "pid": os.getpid()}
    assert len(told["detail"]) == DETAIL_LIMIT


def test_a_full_pipe_and_a_closed_one_drop_beats_and_never_block(clock):
    read_fd, write_fd = os.pipe()
    beat = HeartbeatWriter(PipeSink(write_fd), clock)
    for _ in range(2000):
        clock.advance_s(1)
        beat.done()
    os.close(read_fd)
    clock.advance_s(1)
    beat.done()
    os.close(write_fd)


def test_a_condition_is_told_at_once_keeps_its_beginning_and_ends(beat, messages):
    beat.phase("writing")
    beat.degraded("database", "the server is shutting down")
    beat.degraded("database", "no connection")
    beat.phase("stopping")
    first, last = messages[-2]["conditions"], messages[-1]["conditions"]
    assert [one["why"] for one in (*first, *last)] == ["the server is shutting down", "no connection"]
    assert first[0]["since"] == last[0]["since"]
    beat.condition_over("database")
    assert messages[-1]["conditions"] == []
    told = len(messages)
    beat.condition_over("database")
    assert len(messages) == told


def test_the_reason_of_a_condition_is_cut_so_that_a_beat_stays_whole(beat, messages):
    beat.degraded("calls", "x" * 5_000)
    assert len(messages[-1]["conditions"][0]["why"]) == WHY_LIMIT
