"""A supervisor that stands still cannot say so: whoever asks is told at once, and an order is not left waiting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from supervisor.process.suspended import is_suspended
from tasks.errors import EXIT_DEGRADED, EXIT_FAILED, EXIT_TRY_LATER
from tests.fakes.program.cli_program import Program, freeze
from tests.fakes.waiting import LIMIT_S, wait_until


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path)
    one.start().until_working()
    yield one
    assert one.stop() == 0, one.tail()
    one.kill()


def test_a_supervisor_that_stands_still_is_told_by_every_command_at_once(program):
    pid = program.report()["supervisor"]["pid"]
    freeze(pid)
    try:
        status = program.command("status", "--json")
        assert (status.returncode, json.loads(status.stdout)["supervisor"]["state"]) == (EXIT_DEGRADED, "not answering")
        doctor = program.command("doctor", "--json")
        (found,) = [one for one in json.loads(doctor.stdout)["checks"] if one["check"] == "supervisor"]
        assert (doctor.returncode, found["verdict"]) == (EXIT_FAILED, "bad")
        order = program.command("pause", "upsert")
        assert order.returncode == EXIT_TRY_LATER
        for words in (found["words"], order.stderr):
            assert "it is suspended (SIGSTOP, or a debugger)" in words
            assert f"`kill -CONT {pid}`" in words
        assert "was not given the order" in order.stderr
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: json.loads(program.command("status", "--json").stdout)["healthy"], "that all is well")
    assert program.records("order") == [], "what was refused is not done later"


def test_an_order_that_is_under_way_when_the_supervisor_stops_says_that_it_is_done_later(program):
    """The order is long: the worker it is about stands still itself, so that it cannot end."""
    pid, upsert = program.report()["supervisor"]["pid"], program.report()["workers"][0]["pid"]
    freeze(upsert)
    command = [sys.executable, "-m", "supervisor", "restart", "upsert-0"]
    order = subprocess.Popen(
        command, cwd=program.cwd, env=program.environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: program.records("order"), "the order", explain=program.tail)
        freeze(pid)
        _, told = order.communicate(timeout=LIMIT_S)
        assert order.returncode == EXIT_TRY_LATER
        assert "was given the order and will carry it out once it runs again: it is suspended" in told
    finally:
        order.kill()
        os.kill(upsert, signal.SIGCONT)
        os.kill(pid, signal.SIGCONT)


def test_of_what_is_not_there_or_goes_on_it_is_not_said():
    assert not is_suspended(None)
    assert not is_suspended(0)
    assert not is_suspended(2**22 + 1)  # proc(5): no pid is above
    assert not is_suspended(os.getpid())
