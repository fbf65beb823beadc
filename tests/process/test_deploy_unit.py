"""The systemd unit: what it says of the program is true, and the program lives with what it forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from supervisor.config.options import OPTIONS
from supervisor.process.spec import Spec
from supervisor.tree import supervisor
from tasks import errors
from tests.fakes.machine.hardened import directives
from tests.fakes.program.cli_program import ROOT, Program

UNIT = ROOT / "deploy" / "sluicegate.service"
HARDENED = ROOT / "tests" / "fakes" / "machine" / "hardened.py"


@pytest.fixture(scope="module")
def unit():
    return {name: values[-1] for name, values in directives(UNIT.read_text(encoding="utf-8")).items()}


def test_the_time_for_a_stop_is_longer_than_any_stop_takes(unit):
    stop_s = float(next(option.default for option in OPTIONS if option.name == "STOP_S"))
    simulator = Spec(role="simulator", slot=0, stop_s=2.0)
    longest_s = stop_s + supervisor._DATABASE_STOP_S + simulator.stop_s
    assert float(unit["TimeoutStopSec"]) >= longest_s + 10
    assert unit["KillMode"] == "mixed", "the supervisor ends its workers, the manager only what is left"


def test_only_what_may_pass_is_started_again(unit):
    never = {int(code) for code in unit["RestartPreventExitStatus"].split()}
    assert never == {errors.EXIT_USAGE, errors.EXIT_ALREADY_RUNNING, errors.EXIT_KEY_REFUSED, errors.EXIT_CONFIG}
    assert {supervisor.SIGNAL_BASE + 2, supervisor.SIGNAL_BASE + 15} == {
        int(code) for code in unit["SuccessExitStatus"].split()
    }
    assert unit["Restart"] == "on-failure"
    assert unit["OOMPolicy"] == "continue", "a worker out of memory must not end the others"


def test_the_unit_tells_the_program_where_it_is_and_to_speak(unit):
    command = unit["ExecStart"].split()
    assert command == [f"{unit['WorkingDirectory']}/.venv/bin/sluicegate", "run"]
    assert unit["Type"] == "notify"
    assert float(unit["WatchdogSec"]) >= 30, "a loop that is late for a moment is not hung"
    document = unit["Documentation"].removeprefix(f"file:{unit['WorkingDirectory']}/")
    assert (ROOT / document).is_file()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_understands_every_line_of_the_unit_and_finds_it_well_protected(tmp_path, unit):
    there = tmp_path / "sluicegate"
    there.write_text("#!/bin/sh\n")
    there.chmod(0o755)
    copy = tmp_path / "sluicegate.service"
    copy.write_text(UNIT.read_text(encoding="utf-8").replace(unit["ExecStart"].split()[0], str(there)))
    verified = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)  # noqa: S607
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(copy)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", judged.stdout)
    assert exposure is not None, judged.stdout + judged.stderr
    assert float(exposure[1]) <= 1.5, judged.stdout


def hardened(*command, **more):
    return subprocess.run(
        [sys.executable, str(HARDENED), str(UNIT), sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


@pytest.fixture(scope="module")
def can_forbid():
    """Skips where the restrictions cannot be put on a process."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd, whose lists of system calls these are, is not installed here")
    tried = hardened(
        "-c", "import os, socket\nfor family in (socket.AF_INET, socket.AF_NETLINK): socket.socket(family)"
    )
    if "libseccomp" in tried.stderr or "unshare" in tried.stderr:
        pytest.skip(f"cannot restrict a process here: {tried.stderr.splitlines()[-1]}")
    assert tried.stderr.splitlines()[-1] == "PermissionError: [Errno 1] Operation not permitted", tried.stderr


@pytest.mark.kill
@pytest.mark.usefixtures("can_forbid")
def test_all_of_it_works_under_what_the_unit_forbids(tmp_path):
    program = Program(tmp_path, SIMULATOR_START_BALANCE="1000")
    try:
        with program.log_path.open("wb") as log:
            program.process = subprocess.Popen(
                [sys.executable, str(HARDENED), str(UNIT), sys.executable, "-m", "supervisor", "run"],
                cwd=ROOT,
                env=program.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        program.until_working()
        program.until(lambda r: r["rows_written"].get("deals", 0) > 0, "deals, by way of everything")
        assert program.stop() == 0, program.tail()
    finally:
        program.kill()
    assert "Traceback" not in program.log()
    assert not list(program.state.rglob("core*"))
