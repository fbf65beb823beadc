"""Signals only enqueue and wake; idle means idle; output of children is whole and bounded."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from supervisor.console.writer import ConsoleWriter, StreamScreen
from supervisor.eventloop import signals
from supervisor.eventloop.executor import BackgroundExecutor, Failed, Succeeded
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.eventloop.signals import Signals
from supervisor.process.restart_policy import Policy
from supervisor.process.states import State
from tasks.errors import DatabaseTransient
from tests.fakes.program.cli_program import ROOT, Program
from tests.fakes.waiting import LIMIT_S, wait_until

FLOOD = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU)


def test_line_34_ten_thousand_signals_lose_no_stop_request_and_no_death(family):
    heard = []
    policy = Policy(first_s=0.01, cap_s=0.01, max_restarts=1000)
    slot = family.add("upsert", [["ready"], ["wait", 0.1], ["exit", 1]], policy=policy)
    script = (
        "import os, random, signal, sys\n"
        "dice = random.Random(3)\n"
        f"numbers = {[int(number) for number in FLOOD]}\n"
        "for _ in range(10_000): os.kill(int(sys.argv[1]), dice.choice(numbers))\n"
        "os.kill(int(sys.argv[1]), signal.SIGTERM)\n"
    )
    with Signals(family.loop, heard.append, (*FLOOD, signal.SIGTERM)):
        family.tree.start_workers()
        family.until(lambda: slot.state is State.RUNNING)
        sender = subprocess.Popen([sys.executable, "-c", script, str(os.getpid())])
        family.until(lambda: signal.SIGTERM in heard)
        assert sender.wait() == 0
        deaths = slot.history.total
        family.until(lambda: slot.history.total >= deaths + 2)
    assert set(heard) == {*FLOOD, signal.SIGTERM}
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_a_signal_that_reaches_another_thread_wakes_the_loop():
    with Loop(MonotonicClock()) as loop:
        heard = []
        with Signals(loop, heard.append, (signal.SIGUSR1,)):
            thread = threading.Timer(0.1, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1))
            thread.start()
            guard = loop.after(LIMIT_S, lambda: None)
            while not heard:
                loop.step()
                assert guard.at_ns > loop.now_ns()
            thread.join()


def steps_with_a_second_signal_at(at):
    """How many steps it takes to hand over a signal while another one comes at step `at`; returns when both are heard.

    A test would wait in vain for the second where that is not handed over.
    """
    heard, steps = [], 0

    def trace(frame, event, _argument):
        nonlocal steps
        if frame.f_code.co_filename != signals.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == at:
                os.kill(os.getpid(), signal.SIGUSR2)
        return trace

    with Loop(MonotonicClock()) as loop, Signals(loop, heard.append, (signal.SIGUSR1, signal.SIGUSR2)):
        os.kill(os.getpid(), signal.SIGUSR1)
        sys.settrace(trace)
        try:
            while signal.SIGUSR1 not in heard:
                loop.step()
        finally:
            sys.settrace(None)
        while steps >= at and signal.SIGUSR2 not in heard:
            loop.step()
    return steps


def test_a_signal_at_any_step_of_handing_another_one_over_is_handed_over_too():
    at = 1
    while (steps := steps_with_a_second_signal_at(at)) >= at:
        at += 1
    assert steps > 10, "every step was one of them"


def test_line_35_an_idle_tree_does_not_wake_up(family):
    slots = [family.add("upsert", [["ready"]], slot=number) for number in range(3)]
    family.tree.start_workers()
    family.until(lambda: all(slot.state is State.RUNNING for slot in slots))
    family.run_for(0.2)
    steps = 0
    is_over = []
    family.loop.after(1.0, lambda: is_over.append(True))
    while not is_over:
        family.loop.step()
        steps += 1
    assert steps <= 2


def test_lines_of_64_kib_from_several_children_never_mix(family):
    slots = [family.add("upsert", [["ready"], ["fill", 65_000, 12]], slot=number) for number in range(4)]
    family.tree.start_workers()
    family.until(lambda: len(family.records("filled")) == 12 * len(slots))
    for record in family.records("filled"):
        assert record["text"] == chr(ord("a") + record["slot"]) * 65_000


def test_a_flood_blocks_neither_the_child_nor_the_loop_and_is_counted(family):
    began_ns = family.loop.now_ns()
    slot = family.add("upsert", [["ready"], ["flood", 100_000], ["beat", {"phase": "writing"}]])
    quiet = family.add("upsert", [["ready"], ["work_for_ever", 0.05]], slot=1)
    family.tree.start_workers()
    family.until(lambda: slot.beat is not None and slot.beat.phase == "writing")
    family.until(lambda: quiet.beat is not None)
    family.tree.kill_workers()
    family.until(lambda: family.is_at_rest)
    written = len(family.records("stderr"))
    dropped = sum(record["count"] for record in family.records("lines_dropped"))
    assert written + dropped == 100_000
    took_s = (family.loop.now_ns() - began_ns) / 1e9
    assert written < 700 + 50 * took_s, "a burst of 500 lines, and 50 a second"


def test_the_last_words_of_a_dying_child_are_heard(family):
    words = "a traceback\n" * 50 + "no newline at the end"
    family.add("upsert", [["ready"], ["write", words], ["exit", 1]], policy=Policy(first_s=60))
    family.tree.start_workers()
    family.until(family.deaths)
    said = [record["message"] for record in family.records("stderr")]
    assert said == ["a traceback"] * 50 + ["no newline at the end"]
    order = [json.loads(line)["event"] for line in family.lines]
    assert order.index("died") > max(at for at, event in enumerate(order) if event == "stderr")


def test_a_reader_that_stops_reading_holds_up_nobody():
    read_fd, write_fd = os.pipe()
    with os.fdopen(write_fd, "w") as stream:
        writer = ConsoleWriter(lambda: StreamScreen(stream))
        for number in range(30_000):
            writer.put(f"{number} " + "x" * 200)
        got = b""
        while b"did not read them in time" not in got:
            ready, _, _ = select.select([read_fd], [], [], LIMIT_S)
            assert ready, "the number of dropped lines"
            got += os.read(read_fd, 1 << 16)
            writer.put("one more")
        drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(read_fd, 1 << 16), b"")])
        drain.start()
        writer.close()
    drain.join()
    os.close(read_fd)


def test_what_is_done_aside_comes_back_into_the_loop_errors_included():
    def fail():
        raise DatabaseTransient("away")

    with Loop(MonotonicClock()) as loop:
        aside, outcomes = BackgroundExecutor(loop, "test"), []
        aside.do(threading.get_ident, outcomes.append)
        aside.do(fail, outcomes.append)
        while len(outcomes) < 2:
            loop.step()
        assert isinstance(outcomes[0], Succeeded)
        assert outcomes[0].value != threading.get_ident()
        assert isinstance(outcomes[1], Failed)
        assert aside.close(LIMIT_S)


def test_an_error_nobody_expected_is_raised_in_the_loop():
    with Loop(MonotonicClock()) as loop:
        aside, outcomes = BackgroundExecutor(loop, "test"), []
        aside.do(lambda: 1 // 0, outcomes.append)
        with pytest.raises(ZeroDivisionError):
            while not outcomes:
                loop.step()
        assert aside.close(LIMIT_S)


# Takes its standard input as controlling terminal, as a shell's child has one, then becomes the program.
ATTACH = (
    "import fcntl, os, sys, termios\n"
    "os.setsid()\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


class Terminal:
    """A program with a terminal of its own."""

    def __init__(self, *command, env, columns=80):
        self.fd, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", ATTACH, *command],
            cwd=ROOT,
            env={**env, "COLUMNS": str(columns), "LINES": "40", "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.seen = b""

    def read(self):
        """More of what is shown; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], 0.05)
        if not ready:
            return True
        try:
            more = os.read(self.fd, 1 << 16)
        except OSError:
            return False
        self.seen += more
        return bool(more)

    def until(self, text):
        def look():
            self.read()
            return text.encode() in self.seen

        wait_until(look, repr(text), explain=lambda: self.seen[-3000:].decode(errors="replace"))

    def end(self):
        """The exit code."""
        while self.read():
            pass
        os.close(self.fd)
        return self.process.wait()


def test_in_a_terminal_there_is_a_live_view_and_ctrl_c_leaves_it_tidy(tmp_path):
    program = Program(tmp_path, LOG_FORMAT="auto", LOG_LEVEL="info", SIMULATOR_TICK_S="1", SIMULATOR_RATE="5")
    script = str(Path(sys.executable).with_name("sluicegate"))
    terminal = Terminal(script, "run", env=program.environment())
    for text in ("no KEEPA_API_KEY", "tokens ", "upsert-0", "backfill-0", "opens ", "rows   quarantine"):
        terminal.until(text)
    watch = Terminal(script, "status", "--watch", env=program.environment())
    watch.until("upsert-0")
    watch.until("tokens ")
    os.write(watch.fd, b"\x03")
    assert watch.end() in {0, 3}
    os.write(terminal.fd, b"\x03")
    assert terminal.end() == 0
    for seen in (terminal.seen, watch.seen):
        assert b"Traceback" not in seen
        assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l"), "the cursor is back"


def test_a_terminal_that_is_closed_is_a_stop_and_no_wish_to_reload(tmp_path):
    program = Program(tmp_path, LOG_FORMAT="json")
    terminal = Terminal(sys.executable, "-m", "supervisor", "run", env=program.environment())
    program.process = terminal.process
    program.until_working()
    os.close(terminal.fd)
    program.ended()  # with a code that says where its last words could not go
    assert program.report()["supervisor"]["state"] == "stopped"


STUB = "#!/bin/sh\ntrap 'echo stopped in order; exit 0' INT\necho up\nwhile :; do sleep 0.05; done\n"


# Make's own race: its handler has reaped the program already when its main loop comes to wait for it.
MAKE_LOST_ITS_CHILD = (
    b"make: *** wait: No child processes.  Stop.\r\n"
    b"make: *** Waiting for unfinished jobs....\r\n"
    b"make: *** wait: No child processes.  Stop.\r\n"
)


def test_ctrl_c_at_make_run_reaches_the_program_and_make_adds_no_word_but_of_its_own_race(tmp_path):
    """Make itself ends by the signal once the program has ended, whatever its code."""
    (tmp_path / "sluicegate").write_text(STUB)
    (tmp_path / "sluicegate").chmod(0o755)
    make = shutil.which("make")
    # Only our own programs let in again what is held back for them.
    told = [f"BIN={tmp_path}", "PYTHON=false", "CALM="]
    terminal = Terminal(make, "-o", "setup", "run", *told, env={"PATH": os.environ["PATH"]})
    terminal.until("up")
    os.write(terminal.fd, b"\x03")
    code = terminal.end()
    said, _, by_make = terminal.seen.partition(b"stopped in order\r\n")
    assert said.split() == b"up ^C".split()
    assert (code, by_make) in {(-signal.SIGINT, b""), (2, MAKE_LOST_ITS_CHILD)}
