"""Orders in the middle of something else: a stop wins over each of them, a pause over a replacement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.process.restart_policy import Cause
from supervisor.process.states import RESTING, State
from supervisor.tree.workers import WorkerPool
from tests.fakes.program.cli_program import is_alive


@pytest.fixture
def worker_pool(family):
    one = WorkerPool(family.tree, family.log, ())
    family.child_ready = lambda slot, _: (family.ready.append(slot.spec.name), one.on_change())
    family.child_died = lambda _slot: one.on_change()
    return one


def begin_replacement(family, worker_pool, script, slow):
    """A worker in service, and another that gets ready beside it to take its place."""
    slot = family.add("backfill", script)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    slot.launch = replace(slot.launch, script=slow)
    worker_pool.on_change()
    (relief,) = set(family.tree._all()) - {slot}
    family.until(lambda: relief.pid is not None)
    return slot, relief


def test_line_36_a_replacement_takes_the_place_and_the_history_when_it_is_ready(family, worker_pool):
    slot, relief = begin_replacement(family, worker_pool, [["ready"]], [["wait", 0.3], ["ready"]])
    slot.history = replace(slot.history, total=3)
    old = slot.pid
    assert family.tree.workers == [slot]
    family.until(lambda: family.tree.workers == [relief])
    family.until(lambda: not family.tree.has_leavers)
    assert (relief.state, relief.history.total) == (State.RUNNING, 3)
    assert not is_alive(old)
    assert worker_pool.is_current()
    assert family.deaths() == []


def test_line_36_a_stop_in_the_middle_of_a_replacement_ends_both(family, worker_pool):
    slot, relief = begin_replacement(family, worker_pool, [["ready"]], [["wait", 3600]])
    pids = [slot.pid, relief.pid]
    family.tree.stop_workers()
    family.until(lambda: family.is_at_rest)
    assert not any(is_alive(pid) for pid in pids)
    assert {slot.state, relief.state} <= RESTING


def test_a_pause_in_the_middle_of_a_replacement_ends_both_and_resume_starts_one_with_the_new_settings(
    family, worker_pool
):
    slot, relief = begin_replacement(family, worker_pool, [["ready"]], [["wait", 0.5], ["ready"]])
    worker_pool.pause(["backfill"])
    family.until(lambda: slot.state is State.STOPPED and relief.state is State.STOPPED)
    family.until(lambda: family.tree._all() == [slot])
    worker_pool.resume(["backfill"])
    family.until(lambda: slot.state is State.RUNNING)
    assert worker_pool.is_current()
    assert family.tree._all() == [slot]


def test_line_33_after_a_stop_no_order_starts_anything(family, worker_pool):
    slot = family.add("backfill", [["ready"]])
    other = family.add("backfill", [["exit", 78]], slot=1)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING and other.state is State.FAILED)
    family.tree.stop_workers()
    worker_pool.pause(["backfill"])
    worker_pool.resume(["backfill"])
    worker_pool.retry(other)
    worker_pool.restart(slot)
    worker_pool.on_change()
    assert worker_pool.retry_failed() == []
    family.until(lambda: family.is_at_rest)
    assert {slot.state, other.state} <= RESTING
    assert {slot.pid, other.pid} == {None}


def test_a_restart_and_a_pause_at_the_same_time_end_paused_and_a_resume_meanwhile_ends_running(family, worker_pool):
    slot = family.add("backfill", [["ready"]])
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    worker_pool.restart(slot, Cause.RESTARTED)
    worker_pool.pause(["backfill"])
    assert slot.state is State.STOPPING
    family.until(lambda: slot.state is State.STOPPED)
    worker_pool.resume(["backfill"])
    family.until(lambda: slot.state is State.RUNNING)
    worker_pool.pause(["backfill"])
    worker_pool.resume(["backfill"])
    assert slot.state is State.RESTARTING
    family.until(lambda: slot.state is State.RUNNING)
    assert family.deaths() == []


def test_line_12_when_all_upsert_workers_are_paused_nobody_gives_up_and_backfill_goes_on(family, worker_pool):
    upsert = family.add("upsert", [["ready"]])
    backfill = family.add("backfill", [["ready"]])
    worker_pool.pause(["upsert"])
    family.until(lambda: backfill.state is State.RUNNING)
    assert upsert.state is State.STOPPED
    assert family.lost is None
    worker_pool.resume(["upsert"])
    family.until(lambda: upsert.state is State.RUNNING)
