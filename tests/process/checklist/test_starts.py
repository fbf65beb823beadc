"""Lines 1 to 13 of the checklist that no other test holds: spawn, ready, restart."""

from __future__ import annotations

import errno
import itertools
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.process.restart_policy import (
    Cause,
    ExitReason,
    Policy,
    RestartHistory,
    RestartType,
    judge,
    pause_s,
    restart_decision,
)
from supervisor.process.states import Event, State
from tasks.settings import SelectionSettings
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program.cli_program import Program, of_process, pids
from tests.fakes.program.worker_family import QUICK, Family
from tests.fixtures.jobs import WIDE, eventually, held

NS = 10**9
KEY = "a-key-that-must-show-nowhere-9876543210"
PASSWORD = "pa55word-that-must-show-nowhere"
ROOT = Path(__file__).resolve().parents[3]


def test_line_01_nothing_of_the_parent_but_streams_and_pipes_is_in_the_child_however_inheritable(family, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as ours, (tmp_path / "file").open("w") as file:
        ours.set_inheritable(True)
        os.set_inheritable(file.fileno(), True)
        before = signal.signal(signal.SIGUSR1, lambda *_: None)
        stop = threading.Event()
        beside = threading.Thread(target=stop.wait)
        beside.start()
        try:
            slot = family.add("upsert", [["ready"], ["inventory", str(tmp_path / "out")]])
            family.tree.start_workers()
            family.until((tmp_path / "out").exists)
        finally:
            signal.signal(signal.SIGUSR1, before)
            stop.set()
            beside.join()
    found = json.loads((tmp_path / "out").read_text())
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{slot.pid}/status").read_text().splitlines())
    names = {int(number) for number, where in found["open"].items() if not where.startswith("/proc/")}
    assert names == {0, 1, 2, *found["pipes"]}
    assert int(status["SigBlk"], 16) == 0
    assert not int(status["SigCgt"], 16) >> (signal.SIGUSR1 - 1) & 1, "a handler of the parent's"
    assert int(status["Threads"]) == 2, "the main thread and the one it made itself, for its lifeline"


def test_line_02_ps_shows_role_and_slot_and_neither_key_nor_password_shows_anywhere(tmp_path, database_url):
    url = database_url.replace("postgres@", f"postgres:{PASSWORD}@")
    assert PASSWORD in url
    seen = b""
    with SimulatorServer(SimulatorConfig(keys=frozenset({KEY}), rate=60, tick_s=0.5)) as server:
        program = Program(tmp_path, KEEPA_API_KEY=KEY, KEEPA_BASE_URL=server.url, DATABASE_URL=url).start()
        try:
            report = program.until_working()
            program.until(lambda r: r["rows_written"].get("deals", 0) > 0, "deals")
            for name, pid in pids(report).items():
                argv = of_process(pid, "cmdline")  # what `ps` prints
                role, _, number = name.rpartition("-")
                assert f"{role}\0--slot\0{number}\0".encode() in argv
                seen += argv + of_process(pid, "environ")
            seen += program.command("status", "--json").stdout.encode() + program.command("doctor").stdout.encode()
            seen += program.command("ledger", "dump", "--json").stdout.encode()
            assert program.stop() == 0
        finally:
            program.kill()
    seen += program.log().encode()
    seen += b"".join(path.read_bytes() for path in program.state.rglob("*") if path.is_file())
    assert KEY.encode() not in seen
    assert PASSWORD.encode() not in seen
    assert b"in_service" in seen


@pytest.mark.parametrize("script", [["exit", 0], ["exit", 70], ["kill_self", int(signal.SIGKILL)]])
@pytest.mark.parametrize("restart_type", list(RestartType))
def test_line_04_a_death_before_ready_is_a_failed_start_however_it_ended(family, script, restart_type):
    slot = family.add("backfill", [script], restart_type=restart_type, policy=Policy(first_s=60))
    family.tree.start_workers()
    family.until(family.deaths)
    assert slot.state is State.BACKOFF
    assert len(slot.history.counted_ns) == 1


def test_line_05_workers_do_not_start_at_the_same_moment(family):
    family.add("upsert", [["ready"]])
    slots = [family.add("backfill", [["hang"]], slot=number) for number in range(4)]
    family.tree.start_workers()
    family.until(lambda: all(slot.started_ns for slot in slots))
    at = sorted(slot.started_ns for slot in slots)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert at[-1] - at[0] > 0.2 * NS, "three spaces of 0.15 s, each spread by a half"
    assert len({round(gap / NS, 4) for gap in gaps}) > 1, "and not in step"


READY = """import os, signal, sys; os.write(int(sys.argv[1]), b'{"event": "ready", "pid": 1}\\n'); signal.pause()"""


class Failing:
    """A launch that the system refuses for some reason, until it does not."""

    def __init__(self, number):
        self.number, self.fails = number, True

    def argv(self, status_fd, _lifeline_fd):
        if self.fails:
            raise OSError(self.number, os.strerror(self.number))
        return [sys.executable, "-c", READY, str(status_fd)]

    def first_line(self):
        return b"{}\n"

    def environment(self):
        return dict(os.environ)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EMFILE, errno.ENOENT, errno.ENOMEM])
def test_line_06_a_start_the_system_refuses_backs_off_while_the_others_are_heard(family, number):
    other = family.add("upsert", [["ready"], ["work_for_ever", 0.02]])
    slot = family.add("upsert", [], slot=1, policy=replace(QUICK, max_restarts=100))
    slot.launch = Failing(number)
    family.tree.start_workers()
    family.until(lambda: slot.history.total >= 3)
    told = other.beat.progress if other.beat else 0
    family.until(lambda: other.beat is not None and other.beat.progress > told + 3)
    assert slot.state is State.BACKOFF
    assert {os.strerror(number) in record["reason"] for record in family.records("not_started")} == {True}
    slot.launch.fails = False
    family.until(lambda: "upsert-1" in family.ready)


def test_line_06_without_a_descriptor_left_the_loop_goes_on_and_starts_it_later(family):
    other = family.add("upsert", [["ready"], ["work_for_ever", 0.02]])
    family.tree.start_workers()
    family.until(lambda: other.beat is not None)
    slot = family.add("upsert", [["ready"]], slot=1, policy=replace(QUICK, max_restarts=100))
    used = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 2, hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.dup(0))
        slot.feed(Event.START)
        family.until(lambda: slot.history.total >= 2)
        told = other.beat.progress
        family.until(lambda: other.beat.progress > told)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in held:
            os.close(fd)
    family.until(lambda: slot.state is State.RUNNING)


@pytest.mark.parametrize("restart_type", list(RestartType))
def test_line_10_three_hours_without_a_database_are_over_within_one_pause_of_its_return(restart_type):
    policy, history = Policy(), RestartHistory()
    away = ExitReason(cause=Cause.EXIT, code=75, was_ready=False)
    at_s, back_s = 0.0, 3 * 3600.0
    while at_s < back_s:
        at_s += 0.5  # it starts, and finds no database
        judged = judge(history, policy, restart_decision(away, restart_type), now_ns=round(at_s * NS), ran_s=0)
        assert judged.event is Event.DIED_RETRY
        history = judged.history
        at_s += pause_s(history.in_a_row, policy, 1.0)
    assert at_s - back_s <= policy.cap_s * (1 + policy.jitter)
    assert history.counted_ns == ()
    crash = ExitReason(cause=Cause.EXIT, code=70, was_ready=True)
    for death in range(policy.max_restarts + 1):
        judged = judge(
            history, policy, restart_decision(crash, restart_type), now_ns=round((at_s + death) * NS), ran_s=0
        )
        history = judged.history
    assert judged.event is Event.DIED_FAILED, "and a crash loop still ends"


def has_heard(worker, number):
    """Whether a signal that was sent to the worker is no longer on its way."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    pending = [int(status.partition(name)[2].split()[0], 16) for name in ("SigPnd:", "ShdPnd:")]
    return not any(mask >> (number - 1) & 1 for mask in pending)


def test_line_11_a_backfill_stopped_in_mid_call_leaves_its_cursor_at_its_last_commit_and_is_not_finished(plant):
    wide = SelectionSettings(name="wide", query=WIDE)
    with held(plant.simulator) as come:
        worker = plant.worker("backfill", selections=(wide,)).wait_ready()
        eventually(come, lambda: worker.output)
        worker.terminate()
        eventually(lambda: has_heard(worker, signal.SIGTERM), lambda: worker.output)
    assert worker.wait_end() == 75
    assert plant.query("select page, state from crawls") == [(1, "running")]
    assert plant.value("select count(*) from calls where endpoint = '/deal' and status = 200") == 1
    assert plant.value("select sum(cost) from calls") == plant.simulator.control()["spent"]
    assert plant.spooled() == []
    assert plant.value("select count(*) from fetch_queue where state = 'leased'") == 0


# A run in which every worker of one role ends at once and for good.
HOPELESS = (
    "import sys\n"
    "from supervisor.cli import main as cli; from supervisor.process import launch as launches\n"
    "right = launches.WorkerLaunch.argv\n"
    "def argv(self, *fds):\n"
    "    wrong = (sys.executable, '-c', 'raise SystemExit(78)')\n"
    "    return wrong if self.role == sys.argv[1] else right(self, *fds)\n"
    "launches.WorkerLaunch.argv = argv\n"
    "sys.exit(cli.main(['run', '--synthetic-into-database']))\n"
)


@pytest.mark.parametrize("role", ["backfill", "upsert"])
def test_line_12_one_slot_given_up_is_degraded_and_no_upsert_worker_left_ends_with_1(tmp_path, database_url, role):
    program = Program(tmp_path, DATABASE_URL=database_url)
    with program.log_path.open("wb") as log:
        program.process = subprocess.Popen(
            [sys.executable, "-c", HOPELESS, role], cwd=ROOT, env=program.environment(), stdout=log, stderr=log
        )
    try:
        if role == "upsert":
            assert program.ended() == 1
            assert "cannot be kept running" in program.records("run_failed")[0]["message"]
            return
        report = program.until(
            lambda r: (
                {child["role"]: child["state"] for child in r["workers"]} == {"upsert": "running", "backfill": "failed"}
            ),
            "one running, one failed",
        )
        assert report["supervisor"]["state"] == "running"
        assert program.command("status").returncode == 3
        assert program.stop() == 0
    finally:
        program.kill()


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


TRACE = "Traceback (most recent call last):\n  one\n  two\n    three\nZeroDivisionError: here\n"


@pytest.mark.parametrize(
    "policy",
    [
        Policy(first_s=0.05, cap_s=0.1, max_restarts=2, period_s=3600),
        pytest.param(Policy(period_s=3600), marks=pytest.mark.kill, id="with the pauses as shipped"),
    ],
)
def test_line_13_twenty_crashing_children_cost_little_and_say_little(policy):
    """They die as often as the policy lets them, and are given up; their own time is not ours."""
    family = Family(count_repeats=True, level="info")
    try:
        slots = [
            family.add("upsert", [["write", TRACE], ["exit", 70]], slot=number, policy=policy) for number in range(20)
        ]
        began_ns, used_s = family.loop.now_ns(), cpu_s()
        family.tree.start_workers()
        family.until(lambda: all(slot.state is State.FAILED for slot in slots))
        used_s = cpu_s() - used_s
        deaths = sum(slot.history.total for slot in slots)
    finally:
        family.close()
    assert deaths == 20 * (policy.max_restarts + 1)
    assert used_s / deaths < 0.025, "at the pace as shipped: 120 deaths in a minute, and a twentieth of a core"
    family.log.flush()
    minutes = (family.loop.now_ns() - began_ns) / NS / 60
    assert len(family.lines) < 100 * max(1, minutes), "what repeats is told once a minute"
    told = sum(record.get("times", 1) for record in family.records("repeated") if "died" in record["like"])
    assert told + len(family.records("died")) == deaths
