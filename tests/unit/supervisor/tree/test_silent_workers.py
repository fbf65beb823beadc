"""A worker that is suspended, or silent past its promise, is told long before it counts as hung; nobody else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from ledger import NS_PER_S, ManualClock, SystemClock
from ledger.localtime import clock as clock_words
from supervisor.config import run_plan, settings
from supervisor.eventloop.loop import Loop
from supervisor.logs import log
from supervisor.process.heartbeat import Heartbeat
from supervisor.process.spec import Spec
from supervisor.process.states import State
from supervisor.status.health import problems
from supervisor.tree.reporting import report_of
from supervisor.tree.silent_calls import OPEN_LOOKS
from supervisor.tree.silent_workers import LOOK_S, SILENT_LOOKS, SUSPENDED_LOOKS
from supervisor.tree.supervisor import Supervisor
from tasks.redaction import Redactor

HANG_S, WAIT_S = 120, 60


@pytest.fixture
def clock():
    return ManualClock(SystemClock().now_ns())


@pytest.fixture
def suspended():
    """The processes that are suspended."""
    return set()


@pytest.fixture
def run(tmp_path, clock, suspended):
    """A run that has not begun, with two workers in service."""
    with Loop(clock) as loop:
        plan = run_plan.make_run_plan(settings.load_settings({"STATE_DIR": str(tmp_path / "state")}, dotenv=None))
        plan.state.make()
        one = Supervisor(plan, loop, log.Log(lambda _line: None, render=log.as_json, redactor=Redactor()))
        one._silent._ledger_clock, one._silent._is_suspended = clock, suspended.__contains__
        for pid, role in enumerate(("upsert", "backfill"), 101):
            slot = one.tree.add_worker(Spec(role=role, slot=0, hang_s=HANG_S), None)
            slot._child, slot.state = SimpleNamespace(pid=pid), State.RUNNING
        yield one
        one.close()


def beat(run, clock, wait_s=WAIT_S):
    """Every worker says something, and promises how long it waits, or not."""
    for slot in run.tree.workers:
        until_ns = None if wait_s is None else clock.now_ns() + wait_s * NS_PER_S
        slot.on_heartbeat_line(Heartbeat(phase="waiting_poll", until_ns=until_ns))


def look(run, clock, times):
    for _ in range(times):
        clock.advance_s(LOOK_S)
        run._silent.look()


def told(run):
    return [one.why for one in run.condition_watch.records() if one.kind == "workers"]


def test_a_suspended_worker_is_told_within_two_looks_with_since_when_it_counts_as_hung_and_the_remedy(
    run, clock, suspended
):
    beat(run, clock)
    suspended.add(101)
    look(run, clock, SUSPENDED_LOOKS)
    due = datetime.now(UTC) + timedelta(seconds=WAIT_S + HANG_S - SUSPENDED_LOOKS * LOOK_S)
    (why,) = told(run)
    assert why.startswith("upsert-0 has been suspended since ")
    assert why.endswith("; `kill -CONT 101` lets it go on")
    assert any(f"counts as hung at {clock_words(due + timedelta(seconds=by))}" in why for by in (-1, 0, 1)), why
    (record,) = run.condition_watch.records()
    assert record.who == ("upsert-0",)
    assert any(words.startswith(f"workers: {why}") for words in problems(report_of(run, clock.now_ns())))
    suspended.clear()
    look(run, clock, 5)
    run.condition_watch.check()
    assert told(run) == []


def test_one_look_at_a_process_that_is_held_for_a_moment_tells_nothing(run, clock, suspended):
    beat(run, clock)
    for _ in range(5):
        suspended.add(101)
        look(run, clock, 1)
        suspended.clear()
        look(run, clock, 1)
    assert told(run) == []


def test_a_worker_that_is_silent_past_its_promise_is_told_and_one_that_waits_as_promised_is_not(run, clock):
    beat(run, clock)
    look(run, clock, WAIT_S + SILENT_LOOKS - 1)
    assert told(run) == []
    look(run, clock, 1)
    (why,) = told(run)
    assert why.startswith("upsert-0 has been silent since ")
    assert why.endswith("; suspended or silent too: backfill-0")
    assert "although the wait it promised is over, and counts as hung at " in why
    beat(run, clock)
    look(run, clock, 5)
    run.condition_watch.check()
    assert told(run) == []


def test_without_a_promise_nobody_is_silent_before_it_counts_as_hung(run, clock):
    beat(run, clock, wait_s=None)
    look(run, clock, HANG_S)
    assert told(run) == []


def test_after_the_supervisor_itself_stood_still_nobody_is_silent(run, clock):
    beat(run, clock)
    clock.advance_s(3_600)
    look(run, clock, SILENT_LOOKS - 1)
    beat(run, clock)
    look(run, clock, SILENT_LOOKS)
    assert told(run) == []


def test_a_worker_that_is_not_in_service_is_told_as_that_alone(run, clock, suspended):
    beat(run, clock)
    run.tree.workers[0].state = State.STOPPING
    suspended.add(101)
    look(run, clock, 5)
    assert told(run) == []


def test_a_call_without_an_answer_makes_the_run_unready_until_one_comes(run, clock):
    slot, _ = run.tree.workers
    slot.on_heartbeat_line(Heartbeat(phase="calling", detail="/deal deal x1", until_ns=clock.now_ns() + 270 * NS_PER_S))
    made_at = datetime.now(UTC)
    look(run, clock, OPEN_LOOKS)
    assert run.condition_watch.records() == ()
    look(run, clock, 1)
    (record,) = run.condition_watch.records()
    assert (record.kind, record.who) == ("calls", ("upsert-0",))
    assert datetime.fromisoformat(record.since) <= made_at
    assert any("/deal has had no answer" in words for words in problems(report_of(run, clock.now_ns())))
    slot.on_heartbeat_line(Heartbeat(phase="writing"))
    look(run, clock, 5)
    run.condition_watch.check()
    assert run.condition_watch.records() == ()


def test_a_run_that_has_begun_looks_by_itself_at_every_second(run, clock, suspended):
    beat(run, clock)
    suspended.add(102)
    run._silent.begin()
    for _ in range(SUSPENDED_LOOKS):
        clock.advance_s(LOOK_S)
        run._loop.step()
    assert len(told(run)) == 1


def test_when_it_counts_as_hung_is_told_anew_when_the_limit_is_changed(run, clock, suspended):
    beat(run, clock)
    suspended.add(101)
    look(run, clock, SUSPENDED_LOOKS)
    (before,) = told(run)
    look(run, clock, 1)
    assert told(run) == [before]
    (slot, _) = run.tree.workers
    slot.use_spec(Spec(role="upsert", slot=0, hang_s=10 * HANG_S))
    look(run, clock, 1)
    run.condition_watch.check()
    (after,) = told(run)
    assert after.partition(" and counts")[0] == before.partition(" and counts")[0]
    assert after != before
