"""What several keys report is one heartbeat: a condition of one is not ended by the health of another."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import ManualClock
from tasks.planning.forecast import Pace
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.key_heartbeat import MOST_APART, KeyBoard, merged

PIPE_BUF = 4096


@pytest.fixture
def sent():
    return []


@pytest.fixture
def board(sent):
    return KeyBoard(HeartbeatWriter(sent.append, ManualClock(10**15)))


def conditions(sent):
    return {one["kind"]: one["why"] for one in sent[-1]["conditions"]} if sent else {}


def test_a_condition_lasts_until_no_key_has_it(board, sent):
    poor, rich = board.of("poor"), board.of("rich")
    poor.degraded("calls", "no reply")
    rich.degraded("calls", "no reply at all")
    poor.done()
    assert (poor.is_degraded("calls"), rich.is_degraded("calls")) == (True, True)
    rich.condition_over("calls")
    assert not rich.is_degraded("calls")
    assert conditions(sent)["calls"].startswith("poor: no reply")
    poor.condition_over("calls")
    assert conditions(sent) == {}


def test_each_refused_key_has_its_own_condition_with_its_own_end(board, sent):
    for name in ("a", "b"):
        board.of(name).degraded("key", f"{name} has lapsed")
    assert conditions(sent) == {"key a": "a has lapsed", "key b": "b has lapsed"}
    board.of("a").condition_over("key")
    board.of("c").condition_over("key")
    assert conditions(sent) == {"key b": "b has lapsed"}


def test_what_is_in_the_way_of_all_keys_is_one_condition(board, sent):
    board.of("a").degraded("database", "away")
    assert board.of("b").is_degraded("database")
    board.of("b").condition_over("database")
    assert conditions(sent) == {}


def test_a_heartbeat_of_many_refused_keys_is_written_whole(board, sent):
    """A line above PIPE_BUF may be cut by a pipe that is nearly full, and then says nothing."""
    names = [f"customer-{number:02}" for number in range(60)]
    for name in names:
        board.of(name).degraded("key", "x" * 500)
    board.of(names[0]).phase("polling")
    assert len(json.dumps(sent[-1])) < PIPE_BUF
    assert {f"key {name}" for name in names[:MOST_APART]} < conditions(sent).keys()
    assert conditions(sent)["key"].startswith("55 more of the keys: customer-05, ")
    for name in names:
        board.of(name).condition_over("key")
    assert conditions(sent) == {}


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=40))
def test_as_many_keys_are_reported_as_are_refused(steps):
    sent, refused = [], set()
    board = KeyBoard(HeartbeatWriter(sent.append, ManualClock(10**15)))
    for name, is_refused in steps:
        beat = board.of(name)
        if is_refused:
            beat.degraded("key", "lapsed")
            refused.add(name)
        else:
            beat.condition_over("key")
            refused.discard(name)
        beat.phase("polling", name)
        told = conditions(sent)
        apart = {kind.removeprefix("key ") for kind in told if kind != "key"}
        assert apart <= refused
        assert len(apart) == min(len(refused), MOST_APART)
        assert ("key" in told) == (len(refused) > MOST_APART)


def test_jobs_are_added_up_where_they_wait_and_told_once_of_the_queue():
    assert merged([{"waiting": 2, "dropped": 1}, {"waiting": 3, "dropped": 0}]) == {"waiting": 5, "dropped": 1}
    earlier, later = {"done": 5, "total": 9, "eta_s": 60}, {"done": 6, "total": 9, "eta_s": 70}
    assert merged([earlier, later]) == {"done": 6, "total": 9}


def test_the_pace_is_told_with_what_others_spend_of_every_key():
    """Without it nobody can compute how long the queue lasts, see `supervisor.status.as_json.progress`."""
    earlier, later = (
        {"pace": msgspec.to_builtins(Pace(per_item=cost, others_per_s=others, work_s=0.1, workers=2))}
        for cost, others in ((1.0, 0.5), (2.0, 0.25))
    )
    told = merged([earlier, {"waiting": 1}, later])
    assert msgspec.convert(told["pace"], Pace) == Pace(per_item=2.0, others_per_s=0.75, work_s=0.1, workers=2)


def test_a_phase_names_its_key_and_counts_are_of_all(board, sent):
    board.of("a").phase("calling", "/deal", until_ns=7)
    assert (sent[-1]["phase"], sent[-1]["detail"], sent[-1]["until_ns"]) == ("calling", "a: /deal", 7)
    board.of("a").wrote(deals=2)
    board.of("b").wrote(deals=3)
    assert board.of("b").rows["deals"] == 5
