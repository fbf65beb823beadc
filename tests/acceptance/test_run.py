"""The main job as a user starts it: supervisor, embedded PostgreSQL, simulator, workers, ledger; then Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.program.cli_program import all_gone
from tests.fakes.waiting import LIMIT_S, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


class Program:
    """`sluicegate run` in a state directory of its own."""

    def __init__(self, state):
        self.environ = {
            "PATH": os.environ["PATH"],
            "STATE_DIR": str(state),
            "SIMULATOR_TICK_S": "1",
            "METRICS_PORT": "",
            "WEB_PORT": "",
            "LOG_FORMAT": "json",
        }
        self.state = state
        self.log = (state.parent / "log").open("wb")
        self.start()

    def start(self, **more):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "run"],
            cwd=ROOT,
            env=self.environ | more,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def status(self):
        seen = subprocess.run(
            [sys.executable, "-m", "supervisor", "status", "--json"],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(seen.stdout) if seen.returncode in (0, 3) else None

    def wait_for(self, condition):
        """The first status that meets the condition."""
        status = None

        def look():
            nonlocal status
            if self.process.poll() is not None:
                pytest.fail(f"the program ended with {self.process.returncode}:\n{self.tail()}")
            status = self.status()
            if status is not None and status["rows"] is not None and condition(status):
                return status
            return None

        return wait_until(look, "such a status", explain=lambda: f"last status {status}\n{self.tail()}")

    def tail(self):
        return (self.state.parent / "log").read_text(errors="replace")[-4000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(LIMIT_S)
        self.log.close()
        return code


@pytest.fixture
def program(tmp_path):
    running = Program(tmp_path / "state")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()
    running.log.close()


def processes_of(state):
    """Processes that mention the state directory, or have it as an open file's place, zombies apart."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(state) in line:
            found.append((entry.name, line))
    return found


def pid_of(status, role):
    return next((worker["pid"] for worker in status["workers"] if worker["role"] == role), None)


def books_balance(ledger):
    totals, bucket = ledger["totals"], ledger["bucket"]
    assert round(totals["credited"] + bucket["drift"], 6) == round(
        bucket["balance"] + totals["spent"] + totals["expired"], 6
    )


def test_deals_products_and_history_arrive_through_kills_and_ctrl_c_leaves_nothing(program):
    status = program.wait_for(lambda s: s["rows"]["deals"] > 0 and s["rows"]["price_series"] > 0)
    books_balance(status["ledger"])
    assert status["ledger"]["totals"]["refused_429"] == 0
    victim = pid_of(status, "backfill")
    os.kill(victim, signal.SIGKILL)
    before = status["rows"]["price_series"]
    status = program.wait_for(
        lambda s: pid_of(s, "backfill") not in (victim, None) and s["rows"]["price_series"] > before
    )
    books_balance(status["ledger"])
    assert program.stop() == 0
    assert processes_of(program.state) == []
    dump = subprocess.run(
        [sys.executable, "-m", "ledger", "dump", "--json", "--path", str(program.state / "ledger")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ledger = json.loads(dump.stdout)
    assert ledger["leases"] == []
    assert ledger["waiters"] == []
    books_balance(ledger)


@pytest.mark.kill
def test_after_kill_9_of_the_supervisor_workers_go_and_the_next_start_needs_no_manual_step(program):
    status = program.wait_for(lambda s: s["rows"]["deals"] > 0)
    workers = [worker["pid"] for worker in status["workers"]]
    program.process.kill()
    program.process.wait()
    wait_until(lambda: all_gone(workers), "the end of every worker")
    deals = status["rows"]["deals"]
    program.start()
    program.wait_for(lambda s: s["rows"]["deals"] >= deals and pid_of(s, "upsert") not in (None, *workers))
    assert program.stop() == 0
    assert processes_of(program.state) == []
