"""Spawn, ready, restart and hang, with real processes and real signals."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.process.restart_policy import Policy, RestartType
from supervisor.process.states import RESTING, State
from tasks.errors import ConfigError
from tests.fakes.program.cli_program import freeze
from tests.fakes.program.worker_family import QUICK, Family


@pytest.fixture
def family():
    one = Family()
    yield one
    one.close()


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def children():
    """The processes this one has started and not reaped; others of the tests may be among them."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_is_given_three_streams_and_its_two_pipes_and_nothing_else(family, tmp_path):
    slot = family.add("upsert", [["ready"], ["inventory", str(tmp_path / "out")]], line=b'{"a": 1}\n')
    with Path(tmp_path / "held").open("w"):  # a descriptor of ours that must not leak
        family.tree.start_workers()
        family.until((tmp_path / "out").exists)
    found = json.loads((tmp_path / "out").read_text())
    names = {int(number): where for number, where in found["open"].items() if not where.startswith("/proc/")}
    assert set(names) == {0, 1, 2, *found["pipes"]}
    assert names[0] == "/dev/null"
    assert names[1] == names[2]
    assert names[1].startswith("pipe:")
    assert found["session"]
    assert found["settings"] == '{"a": 1}\n'
    assert slot.state is State.RUNNING


def test_settings_larger_than_a_pipe_reach_the_child_without_blocking_us(family, tmp_path):
    line = b'"' + b"x" * 80_000 + b'"\n'
    family.add("upsert", [["inventory", str(tmp_path / "out")], ["ready"]], line=line)
    family.tree.start_workers()
    family.until(lambda: family.ready == ["upsert-0"])
    assert len(json.loads((tmp_path / "out").read_text())["settings"]) == len(line)


def test_starting_becomes_running_only_on_the_ready_line(family, tmp_path):
    slot = family.add("upsert", [["beat"], ["until_there", str(tmp_path / "go")], ["ready"]])
    family.tree.start_workers()
    family.until(lambda: slot.beat is not None)
    assert slot.state is State.STARTING
    (tmp_path / "go").touch()
    family.until(lambda: slot.state is State.RUNNING)


def test_a_child_that_is_never_ready_is_told_to_show_its_stacks_and_then_killed(family):
    slot = family.add("upsert", [["hang"]], ready_s=0.5)
    family.tree.start_workers()
    family.until(family.deaths)
    death = family.deaths()[0]
    assert death.cause == "not_ready"
    assert death.signal == "SIGABRT"
    assert slot.state is State.BACKOFF
    assert any("child.py" in record["message"] for record in family.records("stderr")), "its stacks are in the log"


def test_exit_0_before_ready_is_a_failed_start(family):
    slot = family.add("backfill", [["exit", 0]], restart_type=RestartType.TRANSIENT)
    family.tree.start_workers()
    family.until(family.deaths)
    assert slot.state is State.BACKOFF
    assert len(slot.history.counted_ns) == 1


def test_the_first_upsert_worker_is_ready_before_any_backfill_worker_starts(family, tmp_path):
    slow = family.add("upsert", [["until_there", str(tmp_path / "go")], ["ready"]])
    waiting = family.add("backfill", [["ready"]])
    family.tree.start_workers()
    family.until(lambda: slow.state is State.STARTING and slow.pid is not None)
    family.run_for(0.2)
    assert waiting.state is State.WAITING
    (tmp_path / "go").touch()
    family.until(lambda: family.ready == ["upsert-0", "backfill-0"])


class Untold:
    """A launch whose settings no pipe takes."""

    def first_line(self):
        raise ConfigError("it has half a character")


def test_a_child_that_cannot_be_told_its_settings_is_not_started_and_the_loop_goes_on(family):
    slot = family.add("upsert", [], policy=replace(QUICK, first_s=0.01, cap_s=0.02))
    slot.launch = Untold()
    family.tree.start_workers()
    family.until(lambda: slot.state is State.FAILED)
    assert {record["reason"] for record in family.records("not_started")} == {"it has half a character"}


def test_a_command_that_cannot_be_executed_backs_off_and_ends_as_failed(family):
    slot = family.add("upsert", [], python="/nowhere/python", policy=replace(QUICK, first_s=0.01, cap_s=0.02))
    family.tree.start_workers()
    family.until(lambda: slot.state is State.FAILED)
    assert len(family.records("not_started")) == 6
    assert "No such file" in family.records("not_started")[0]["reason"]
    assert family.lost is not None
    assert family.lost[0] == 1


def test_a_child_that_dies_is_started_again_and_the_line_says_all_of_it(family, tmp_path):
    slot = family.add("upsert", [["fail_first", str(tmp_path / "n"), 2, 3], ["ready"]])
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    lines = family.records("died")
    assert [(line["cause"], line["code"], line["deaths"]) for line in lines] == [("exit", 3, "1/5"), ("exit", 3, "2/5")]
    assert lines[0]["peak_rss_mb"] > 1
    assert lines[0]["lived_s"] > 0
    assert slot.history.total == 2


def test_a_killed_child_is_replaced_within_seconds_and_memory_is_suspected(family):
    slot = family.add("upsert", [["ready"]])
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    first = slot.pid
    os.kill(first, signal.SIGKILL)
    family.until(lambda: slot.state is State.RUNNING and slot.pid not in {None, first})
    death = family.deaths()[0]
    assert (death.cause, death.signal, death.pid) == ("signal", "SIGKILL", first)
    assert "short of memory" in death.words


def test_a_crash_loop_ends_and_the_other_slots_go_on(family):
    quick = Policy(first_s=0.01, cap_s=0.05, period_s=3600, max_restarts=2)
    good = family.add("upsert", [["ready"]])
    bad = family.add("backfill", [["ready"], ["kill_self", int(signal.SIGSEGV)]], policy=quick)
    family.tree.start_workers()
    family.until(lambda: bad.state is State.FAILED)
    assert good.state is State.RUNNING
    assert family.lost is None
    assert [death.signal for death in family.deaths()] == ["SIGSEGV"] * 3
    assert len(family.records("failed")) == 1


def test_when_the_last_upsert_worker_is_given_up_all_is_lost(family):
    quick = Policy(first_s=0.01, cap_s=0.05, period_s=3600, max_restarts=1)
    family.add(
        "upsert",
        [["ready"], ["write", '{"event": "oh", "level": "error", "error": "why"}\n'], ["exit", 70]],
        policy=quick,
    )
    family.tree.start_workers()
    family.until(lambda: family.lost is not None)
    assert family.lost == (1, "upsert-0 cannot be kept running: why")


@pytest.mark.parametrize("code", [77, 78])
def test_an_exit_code_that_says_hopeless_is_believed_at_once(family, code):
    slot = family.add("upsert", [["exit", code]])
    other = family.add("upsert", [["ready"]], slot=1)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.FAILED and other.state is State.RUNNING)
    assert slot.history.total == 1
    assert family.lost == ((77, "ended because the API refuses the key") if code == 77 else None)


def test_try_later_is_tried_for_ever(family):
    slot = family.add("upsert", [["exit", 75]], policy=replace(QUICK, first_s=0.01, cap_s=0.02, max_restarts=1))
    family.tree.start_workers()
    family.until(lambda: slot.history.total >= 6)
    assert slot.history.counted_ns == ()
    assert slot.state is not State.FAILED


def test_a_finished_backfill_is_done_and_stays_so(family):
    slot = family.add("backfill", [["ready"], ["wait", 0.1], ["exit", 0]], restart_type=RestartType.TRANSIENT)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.DONE)
    family.run_for(0.3)
    assert slot.state is State.DONE


def test_a_silent_child_shows_its_stacks_is_killed_and_started_again(family):
    slot = family.add("upsert", [["beat", {"detail": "page 3"}], ["ready"], ["hang"]], hang_s=1.0)
    family.tree.start_workers()
    family.until(family.deaths)
    death = family.deaths()[0]
    assert (death.cause, death.signal) == ("hung", "SIGABRT")
    assert death.doing == "calling: page 3"
    stacks = [record["message"] for record in family.records("stderr")]
    assert any("Fatal Python error: Aborted" in line for line in stacks)
    assert any("in hang" in line for line in stacks)
    family.until(lambda: slot.state is State.RUNNING)


def test_a_stopped_child_that_cannot_abort_is_killed(family):
    slot = family.add("upsert", [["ready_once_stopped"]], hang_s=0.3, grace_s=0.3)
    family.tree.start_workers()
    family.until(family.deaths)
    assert (family.deaths()[0].cause, family.deaths()[0].signal) == ("hung", "SIGKILL")
    assert "short of memory" not in family.deaths()[0].words
    assert [record["signal"] for record in family.records("signalled")] == ["SIGABRT", "SIGKILL"]
    family.until(lambda: slot.state is State.RUNNING)


def test_a_child_that_waits_as_promised_is_not_hung_before_its_time_and_is_after(family):
    slot = family.add("upsert", [["ready"], ["promise", "waiting_tokens", 1.0], ["hang"]], hang_s=0.4)
    family.tree.start_workers()
    family.until(lambda: slot.beat is not None)
    promised_ns = slot.beat.until_ns
    family.until(lambda: family.records("signalled"))
    assert time.clock_gettime_ns(time.CLOCK_BOOTTIME) >= promised_ns + 400_000_000
    family.until(family.deaths)
    assert family.deaths()[0].cause == "hung"


@pytest.mark.kill
def test_a_child_that_was_stopped_together_with_us_is_given_its_time_again(family):
    slot = family.add("upsert", [["ready"], ["work_for_ever", 0.05]], hang_s=8.0)
    family.tree.start_workers()
    family.until(lambda: slot.beat is not None)

    def pause():
        freeze(slot.pid)
        threading.Event().wait(9.0)
        os.kill(slot.pid, signal.SIGCONT)

    family.loop.call(pause)
    heard = slot.beat.progress
    family.until(lambda: slot.beat.progress > heard + 10)
    assert family.records("signalled") == []


def test_going_round_without_getting_anywhere_is_hanging_and_progress_is_not(family):
    stuck = family.add("upsert", [["ready"], ["beat_for_ever", 0.05]], hang_s=3.0)
    busy = family.add("upsert", [["ready"], ["work_for_ever", 0.05]], slot=1, hang_s=3.0)
    family.tree.start_workers()
    family.until(family.deaths)
    assert family.deaths()[0].slot == 0
    assert busy.state is State.RUNNING
    assert busy.history.total == 0
    assert stuck.history.total == 1


def test_a_child_that_keeps_waiting_for_work_is_not_hung(family):
    waits = [["beat", {"phase": "waiting_work", "progress": 1}], ["wait", 0.2]] * 600
    slot = family.add("backfill", [["ready"], *waits], hang_s=3.0)
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    family.run_for(4.0)
    assert slot.history.total == 0


def test_nonsense_on_the_status_pipe_is_told_and_harms_nobody(family):
    deep = "[" * 20_000 + "]" * 20_000
    nonsense = ["not json\n{}\n", '{"event": "ready", "pid": "x"}\n', f'{{"event": "ready", "x": {deep}}}\n']
    slot = family.add("upsert", [*(["status", text] for text in nonsense), ["ready"]])
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    told = family.records("status_unreadable")
    assert len(told) == 4
    assert "deeper than 32 levels" in told[-1]["reason"]


def test_a_beat_that_could_be_read_but_not_be_written_again_is_told_and_dropped(family):
    deep = "[" * 40 + "]" * 40
    slot = family.add("upsert", [["ready"], ["beat", {"job": {"x": json.loads(deep)}}], ["beat", {"detail": "page 3"}]])
    family.tree.start_workers()
    family.until(lambda: slot.beat is not None)
    assert slot.beat.detail == "page 3"
    assert len(family.records("status_unreadable")) == 1


def test_a_graceful_stop_is_parallel_and_never_counts(family):
    slots = [family.add("upsert", [["ready"]], slot=number) for number in range(4)]
    family.tree.start_workers()
    family.until(lambda: len(family.ready) == 4)
    family.tree.stop_workers()
    family.until(lambda: family.is_at_rest)
    assert {slot.state for slot in slots} == {State.STOPPED}
    assert family.deaths() == []
    assert all(slot.history.total == 0 for slot in slots)


def test_a_child_that_ignores_the_stop_is_killed_once_at_the_shared_deadline(family):
    script = [["ignore_term"], ["ready"], ["beat", {"detail": "page 7"}]]
    slots = [family.add("upsert", script, slot=number, stop_s=0.6) for number in range(3)]
    family.tree.start_workers()
    family.until(lambda: all(slot.beat for slot in slots))
    began_ns = family.loop.now_ns()
    family.tree.stop_workers()
    deadlines = [timer.at_ns for slot in slots for timer in slot._timers if timer.call is not None]
    assert len(deadlines) == 3, "each has its own, all from the same moment on: nobody waits for another's"
    family.until(lambda: family.is_at_rest)
    assert family.loop.now_ns() - began_ns > 500_000_000
    kills = family.records("signalled")
    assert sorted(kill["slot"] for kill in kills) == [0, 1, 2]
    assert {(kill["signal"], kill["doing"]) for kill in kills} == {("SIGKILL", "calling: page 7")}


def test_a_second_stop_kills_at_once(family):
    slot = family.add("upsert", [["ignore_term"], ["ready"]])
    family.tree.start_workers()
    family.until(lambda: slot.state is State.RUNNING)
    family.tree.stop_workers()
    family.run_for(0.1)
    family.tree.kill_workers()
    family.until(lambda: family.is_at_rest)


def test_a_stop_reaches_children_that_wait_start_pause_or_have_been_given_up(family):
    family.add("upsert", [["hang"]])
    pausing = family.add("upsert", [["exit", 75]], slot=1, policy=Policy(first_s=3600, cap_s=3600))
    lost = family.add("upsert", [["exit", 78]], slot=2)
    family.add("backfill", [])
    family.tree.start_workers()
    family.until(lambda: pausing.state is State.BACKOFF and lost.state is State.FAILED)
    family.tree.stop_workers()
    family.until(lambda: family.is_at_rest)
    assert all(slot.state in RESTING for slot in family.tree.workers)


def test_what_a_child_leaves_of_its_session_goes_with_it(family, tmp_path):
    slot = family.add("upsert", [["ready"], ["grandchild", str(tmp_path / "pid")]])
    family.tree.start_workers()
    family.until((tmp_path / "pid").exists)
    family.until(lambda: (tmp_path / "pid").read_text() != "")
    grandchild = int((tmp_path / "pid").read_text())
    os.kill(slot.pid, signal.SIGKILL)
    family.until(family.deaths)
    family.until(lambda: not is_alive(grandchild))


def test_no_descriptor_and_no_zombie_is_left_by_many_deaths(family):
    policy = Policy(first_s=0.001, cap_s=0.001, max_restarts=10_000)
    before, others = descriptors(), children()
    slot = family.add("upsert", [["exit", 1]], policy=policy)
    family.tree.start_workers()
    family.until(lambda: slot.history.total >= 25)
    family.tree.kill_workers()
    family.until(lambda: family.is_at_rest)
    assert descriptors() <= before
    assert children() == others, "none of ours is left, neither alive nor to be reaped"
