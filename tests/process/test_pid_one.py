"""As the first process of a container: signals end it, and orphans are reaped quietly (lines 31 and 56)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.program.cli_program import ROOT, Program, is_alive, wait_until

UNSHARE = shutil.which("unshare")
OWN = ("--pid", "--fork", "--mount-proc", "--kill-child")
QUICK = (
    "import sys\n"
    "from supervisor.cli import main as cli\n"
    "from supervisor.process import reaper\n"
    "reaper.PAUSE_S = 0.2\n"
    "sys.exit(cli.main(['run']))\n"
)


def may_unshare():
    return bool(UNSHARE) and subprocess.run([UNSHARE, *OWN, "true"], capture_output=True, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(not may_unshare(), reason="no PID name space of one's own may be made here")


@pytest.fixture
def first(tmp_path):
    """The program as PID 1; its pid out here is `inner`."""
    program = Program(tmp_path)
    with program.log_path.open("wb") as log:
        outer = subprocess.Popen(
            [UNSHARE, *OWN, sys.executable, "-c", QUICK],
            cwd=ROOT,
            env=program.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    program.process = outer
    program.inner = int(wait_until(lambda: children(outer.pid), "the first process")[0])
    yield program
    outer.kill()
    outer.wait()


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def zombies(pid):
    return [child for child in children(pid) if not is_alive(child)]


def workers(program):
    try:
        report = json.loads((program.state / "status.json").read_bytes())
    except FileNotFoundError:
        return {}
    return {worker["role"]: worker for worker in report["workers"] if worker["state"] == "running"}


@needs_namespaces
def test_line_56_a_container_is_stopped_in_time_with_0_and_keeps_no_zombie(first):
    wait_until(lambda: len(workers(first)) == 2, "both workers", explain=first.tail)
    served = len(first.records("in_service"))
    keeper = next(pid for pid in children(first.inner) if b"keeper" in Path(f"/proc/{pid}/cmdline").read_bytes())
    server = int(children(keeper)[0])
    os.kill(int(keeper), signal.SIGKILL)
    wait_until(lambda: str(server) in children(first.inner), "the server as an orphan", explain=first.tail)
    backfill = next(pid for pid in children(first.inner) if b"backfill" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(backfill), signal.SIGKILL)  # as the kernel does when memory is short
    wait_until(lambda: not Path(f"/proc/{keeper}").exists(), "the end of the dead keeper", explain=first.tail)

    def died():
        return [one["message"] for one in first.records("died") if one["role"] == "backfill"]

    wait_until(lambda: died() and len(first.records("in_service")) > served, "another worker", explain=first.tail)
    assert "short of memory" in died()[0]
    os.kill(first.inner, signal.SIGTERM)
    assert first.ended() == 0, first.tail()
    assert "Traceback" not in first.log()


@needs_namespaces
def test_a_signal_is_heard_as_soon_as_the_program_has_begun(first):
    def hears():
        caught = Path(f"/proc/{first.inner}/status").read_text().partition("SigCgt:")[2].split()[0]
        return int(caught, 16) >> (signal.SIGTERM - 1) & 1

    wait_until(hears, "the first handler", explain=first.tail)
    os.kill(first.inner, signal.SIGTERM)
    assert first.ended() in {0, 128 + signal.SIGTERM}
    assert "Traceback" not in first.log()
