"""Signals to a run: a stop, a second one, and those that ask for nothing; Ctrl-C at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.fakes.program.cli_program import ROOT, all_gone, freeze, pids
from tests.fakes.waiting import wait_until


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_does_not_wait(program, number, code):
    running = pids(program.start(STOP_S="600").until_working())
    freeze(running["upsert-0"])
    program.signal(number)
    program.until(lambda r: r["supervisor"]["state"] == "stopping", "the stop")
    threading.Event().wait(0.6)  # a signal that comes at once is the same wish, told twice
    program.signal(number)
    assert program.ended() == code
    wait_until(lambda: all_gone(running.values()), "the end of every process")
    assert "Traceback" not in program.log()


def test_the_same_wish_told_twice_within_a_moment_kills_nobody(program):
    running = pids(program.start(STOP_S="60").until_working())
    freeze(running["upsert-0"])
    freeze(program.process.pid)
    for number in (signal.SIGINT, signal.SIGTERM):
        program.signal(number)
    threading.Event().wait(0.8)
    program.signal(signal.SIGCONT)
    program.until(lambda r: r["supervisor"]["state"] == "stopping", "the stop")
    assert program.records("kill") == [], "both came to a process that had told nothing yet"
    os.kill(running["upsert-0"], signal.SIGCONT)
    assert program.ended() == 0


@pytest.mark.kill
def test_a_supervisor_that_was_stopped_for_long_kills_no_worker_for_it(program):
    running = pids(program.start(HANG_S="15").until_working())
    freeze(program.process.pid)
    threading.Event().wait(40)
    program.signal(signal.SIGCONT)
    wait_until(lambda: program.records("loop_stalled"), "the stall to be told", explain=program.tail)
    beat_at = {worker["slot"]: worker["beat_at"] for worker in program.report()["workers"]}
    program.until(lambda r: all(one["beat_at"] != beat_at[one["slot"]] for one in r["workers"]), "new beats")
    assert program.records("signalled") == []
    assert pids(program.report()) == running
    assert program.stop() == 0


def test_a_worker_that_does_not_stop_is_killed_at_the_deadline_and_named(program):
    running = pids(program.start(STOP_S="2").until_working())
    freeze(running["backfill-0"])
    assert program.stop() == 0
    kills = [kill for kill in program.records("signalled") if kill["role"] == "backfill"]
    assert [kill["signal"] for kill in kills] == ["SIGKILL"]
    assert kills[0]["doing"]
    wait_until(lambda: all_gone(running.values()), "the end of every process")


def test_signals_that_ask_for_nothing_change_nothing(program):
    program.start().until_working()
    for number in [signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT, signal.SIGPIPE] * 50:
        program.signal(number)
    assert program.stop() == 0
    assert "Traceback" not in program.log()


def test_nothing_but_one_module_is_loaded_before_ctrl_c_is_ours():
    code = (
        "import signal, sys\n"
        "before = {*sys.modules}\n"
        "from supervisor.cli import main as cli\n"
        "print(sorted({*sys.modules} - before))\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_more):\n"
        "        print(name, signal.getsignal(signal.SIGINT) is signal.SIG_DFL)\n"
        "        sys.exit(5)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "cli.main([])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    loaded = done.stdout.replace("'__future__', ", "")  # which a path hook of the environment may have loaded before
    assert (loaded, done.returncode) == (
        "['supervisor', 'supervisor.cli', 'supervisor.cli.main']\nsupervisor.cli.run_command True\n",
        5,
    )


def caught_and_ignored(pid):
    """The signals that a process catches and those that it ignores, as the bits of two numbers."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(status.partition(name)[2].split()[0], 16) for name in ("SigCgt:", "SigIgn:")]


def hears_both(pid):
    """Whether the command itself catches signals: the interpreter never catches SIGTERM."""
    caught, _ = caught_and_ignored(pid)
    return caught >> (signal.SIGTERM - 1) & 1


def cpu_ticks(pid):
    """The time that a process has worked so far, in the system's ticks, which are of ten milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def hears_no_ctrl_c(pid):
    """Whether the interpreter has begun and does not catch SIGINT: before it begins to, or after our first line.

    Python ignores SIGPIPE just before it begins to catch SIGINT, and our first line gives SIGINT its default back.
    """
    caught, ignored = caught_and_ignored(pid)
    return ignored >> (signal.SIGPIPE - 1) & 1 and not caught >> (signal.SIGINT - 1) & 1


def is_ours(pid):
    """Whether the interpreter no longer hears Ctrl-C itself: whether our first line has run.

    The moment before Python begins to catch SIGINT is much shorter than two ticks of work; a machine that has no time
    for the process can make it last, and the process does not work meanwhile.
    """
    if not hears_no_ctrl_c(pid):
        return hears_both(pid)
    seen = cpu_ticks(pid)
    wait_until(lambda: hears_both(pid) or cpu_ticks(pid) >= seen + 2, "some work of the process")
    return hears_both(pid) or hears_no_ctrl_c(pid)


def test_ctrl_c_at_any_moment_prints_no_traceback(program):
    """What the interpreter prints before our first line is not ours. Running and stopping: see the terminal's test."""
    dice = random.Random(11)
    moments = [number * 0.02 for number in range(11)] + [dice.uniform(0.25, 0.8) for _ in range(3)] + [None]
    codes = set()
    for moment in moments:
        (program.folder / "log").unlink(missing_ok=True)
        program.start()
        since = hears_both if moment is None else is_ours
        wait_until(lambda since=since: since(program.process.pid), "the moment")
        threading.Event().wait(moment or 0)
        program.signal(signal.SIGINT)
        codes.add(program.ended())
        assert "Traceback" not in program.log(), program.log()
        assert "KeyboardInterrupt" not in program.log(), program.log()
    assert codes == {0, -signal.SIGINT}
