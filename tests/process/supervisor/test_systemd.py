"""What a service manager is told (line 55 of the checklist), over a socket like its own."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from pathlib import Path

import pytest

from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.tree.systemd import NotifySocket, SystemdNotifier
from tests.fakes.machine.notify_socket import Listener
from tests.fakes.program.cli_program import Program, all_gone, pids
from tests.fakes.waiting import wait_until


@pytest.fixture
def listener():
    one = Listener(f"@sluicegate-test-{os.getpid()}")
    yield one
    one.close()


def test_line_55_a_manager_hears_that_we_are_ready_how_we_are_that_we_live_and_that_we_stop(listener, tmp_path):
    program = Program(tmp_path, NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="1000000")
    try:
        report = program.start().until_working()
        environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in pids(report).values()]
        wait_until(lambda: "running, 2 of 2 workers in service" in listener.of("STATUS"), "the status")
        beats = len(listener.of("WATCHDOG"))
        wait_until(lambda: len(listener.of("WATCHDOG")) > beats + 1, "signs of life")
        amiss = ("backfill-0 backoff", "backfill-0 starting")  # it may be on its way back when the status is told next
        told = len(listener.of("STATUS"))
        os.kill(pids(report)["backfill-0"], signal.SIGKILL)
        news = lambda: " ".join(listener.of("STATUS")[told:])  # noqa: E731
        wait_until(lambda: any(part in news() for part in amiss), "what is amiss")
        assert program.stop() == 0, program.tail()
    finally:
        program.kill()
    order = [name for _, message in listener.messages for name in message if name in {"READY", "STOPPING"}]
    assert order == ["READY", "STOPPING"]
    ready = next(message for _, message in listener.messages if "READY" in message)
    assert "1 of 2 workers in service" in ready["STATUS"]
    assert "starting" in listener.of("STATUS")[0]
    assert int(listener.of("EXTEND_TIMEOUT_USEC")[0]) == 1_500_000
    assert not any(b"NOTIFY_SOCKET" in each or b"WATCHDOG_USEC" in each for each in environments)
    told = [at for at, message in listener.messages if message.keys() == {"STATUS"}]
    assert len(told) - 2 <= told[-1] - told[0], "not more than one a second"


def test_a_supervisor_that_is_aborted_for_its_silence_leaves_its_stacks_and_no_process(tmp_path):
    program = Program(tmp_path)
    try:
        running = pids(program.start().until(lambda r: r["supervisor"]["state"] == "starting" and pids(r), "a child"))
        program.signal(signal.SIGABRT)
        assert program.ended() == -signal.SIGABRT
    finally:
        program.kill()
    assert "Fatal Python error: Aborted" in program.log()
    assert "supervisor/eventloop/loop.py" in program.log()
    wait_until(lambda: all_gone(running.values()), "the end of every process")


def test_a_loop_that_hangs_gives_no_sign_of_life(tmp_path):
    heard = Listener(str(tmp_path / "notify"))
    try:
        with Loop(MonotonicClock()) as loop:
            SystemdNotifier(NotifySocket(address=str(tmp_path / "notify"), watchdog_s=0.1), loop)
            loop.after(0.3, lambda: threading.Event().wait(0.7))
            ends = loop.now_ns() + 1_500_000_000
            loop.at(ends, lambda: None)
            while loop.now_ns() < ends:
                loop.step()
        wait_until(lambda: len(heard.messages) > 10, "signs of life after the hang")
    finally:
        heard.close()
    times = [at for at, message in heard.messages if "WATCHDOG" in message]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) > 0.6


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, None),
        ({"NOTIFY_SOCKET": "/run/n"}, NotifySocket(address="/run/n")),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "6000000"}, NotifySocket(address="@n", watchdog_s=6.0)),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "6000000", "WATCHDOG_PID": "8"}, NotifySocket(address="@n")),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "soon"}, NotifySocket(address="@n")),
    ],
)
def test_line_55_who_wants_to_be_told_is_in_the_environment(environ, expected):
    assert NotifySocket.of(environ, 7) == expected


def test_line_55_without_a_manager_the_loop_is_given_nothing_to_do():
    with Loop(MonotonicClock()) as loop:
        SystemdNotifier(None, loop)
        assert loop._timeout_s() is None


def test_line_55_a_manager_that_is_gone_harms_nobody(tmp_path):
    assert not NotifySocket(address=str(tmp_path / "nobody")).send(ready=1)
