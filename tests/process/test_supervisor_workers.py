"""Orders in the middle of something else: a stop wins over each of them, a pause over a replacement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.process.restart import Cause
from supervisor.process.states import RESTING, State
from supervisor.tree.workers import WorkerPool
from tests.fakes.cli_program import is_alive
from tests.fakes.worker_family import Family


@pytest.fixture
def family():
    one = Family()
    yield one
    one.close()


@pytest.fixture
def staff(family):
    one = WorkerPool(family.tree, family.log, ())
    family.child_ready = lambda slot, _: (family.ready.append(slot.spec.name), one.on_change())
    family.child_died = lambda _slot: one.on_change()
    return one


def begin_replacement(family, staff, script, slow):
    """A worker in service, and another that gets ready beside it to take its place."""
    slot = family.add("backfill", script)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    slot.launch = replace(slot.launch, script=slow)
    staff.on_change()
    (relief,) = set(family.tree._all()) - {slot}
    family.until(lambda: relief.pid is not None)
    return slot, relief


def test_line_36_a_replacement_takes_the_place_and_the_tally_when_it_is_ready(family, staff):
    slot, relief = begin_replacement(family, staff, [["ready"]], [["wait", 0.3], ["ready"]])
    slot.tally = replace(slot.tally, total=3)
    old = slot.pid
    assert family.tree.workers == [slot]
    family.until(lambda: family.tree.workers == [relief])
    family.until(lambda: not family.tree.has_leavers)
    assert (relief.state, relief.tally.total) == (State.RUNNING, 3)
    assert not is_alive(old)
    assert staff.is_current()
    assert family.deaths() == []


def test_line_36_a_stop_in_the_middle_of_a_replacement_ends_both(family, staff):
    slot, relief = begin_replacement(family, staff, [["ready"]], [["wait", 3600]])
    pids = [slot.pid, relief.pid]
    family.tree.stop_workers()
    family.until(lambda: family.is_at_rest)
    assert not any(is_alive(pid) for pid in pids)
    assert {slot.state, relief.state} <= RESTING


def test_a_pause_in_the_middle_of_a_replacement_ends_both_and_resume_starts_one_with_the_new_settings(family, staff):
    slot, relief = begin_replacement(family, staff, [["ready"]], [["wait", 0.5], ["ready"]])
    staff.pause(["backfill"])
    family.until(lambda: slot.state is State.STOPPED and relief.state is State.STOPPED)
    family.until(lambda: family.tree._all() == [slot])
    staff.resume(["backfill"])
    family.until(lambda: slot.state is State.RUNNING)
    assert staff.is_current()
    assert family.tree._all() == [slot]


def test_line_33_after_a_stop_no_order_starts_anything(family, staff):
    slot = family.add("backfill", [["ready"]])
    other = family.add("backfill", [["exit", 78]], slot=1)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING and other.state is State.FAILED)
    family.tree.stop_workers()
    staff.pause(["backfill"])
    staff.resume(["backfill"])
    staff.retry(other)
    staff.restart(slot)
    staff.on_change()
    assert staff.retry_failed() == []
    family.until(lambda: family.is_at_rest)
    assert {slot.state, other.state} <= RESTING
    assert {slot.pid, other.pid} == {None}


def test_a_restart_and_a_pause_at_the_same_time_end_paused_and_a_resume_meanwhile_ends_running(family, staff):
    slot = family.add("backfill", [["ready"]])
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    staff.restart(slot, Cause.RESTARTED)
    staff.pause(["backfill"])
    assert slot.state is State.STOPPING
    family.until(lambda: slot.state is State.STOPPED)
    staff.resume(["backfill"])
    family.until(lambda: slot.state is State.RUNNING)
    staff.pause(["backfill"])
    staff.resume(["backfill"])
    assert slot.state is State.RESTARTING
    family.until(lambda: slot.state is State.RUNNING)
    assert family.deaths() == []


def test_line_12_when_all_upsert_workers_are_paused_nobody_gives_up_and_backfill_goes_on(family, staff):
    upsert = family.add("upsert", [["ready"]])
    backfill = family.add("backfill", [["ready"]])
    staff.pause(["upsert"])
    family.until(lambda: backfill.state is State.RUNNING)
    assert upsert.state is State.STOPPED
    assert family.lost is None
    staff.resume(["upsert"])
    family.until(lambda: upsert.state is State.RUNNING)
