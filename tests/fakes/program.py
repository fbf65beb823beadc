"""`sluicegate` as a user starts it, in a state directory of its own, and everything it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from ledger import SystemClock, TokenLedger, regionfile

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 40.0
STRESS = {"SIMULATOR_TICK_S": "0.5", "LOG_FORMAT": "json", "LOG_LEVEL": "debug", "METRICS_PORT": ""}


def wait_until(condition, what, deadline_s=DEADLINE_S, explain=lambda: ""):
    """What `condition` gives, once it gives something."""
    ends = time.monotonic() + deadline_s
    while time.monotonic() < ends:
        found = condition()
        if found:
            return found
        threading.Event().wait(0.03)
    raise AssertionError(f"{what} did not come about within {deadline_s} s\n{explain()}")


class Program:
    """One state directory and the commands run on it."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.state = folder / "state"
        self.log_path = folder / "log"
        self.settings = settings
        self.cwd = ROOT
        self.process: subprocess.Popen | None = None

    def environment(self, **more):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "PYTHONPATH": str(ROOT), **STRESS, "STATE_DIR": str(self.state), **self.settings, **more}

    def command(self, *arguments, **more):
        """A command that ends by itself."""
        return subprocess.run(
            [sys.executable, "-m", "supervisor", *arguments],
            cwd=self.cwd,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )

    def start(self, *arguments, **more):
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "supervisor", "run", *arguments],
                cwd=self.cwd,
                env=self.environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def report(self):
        """The report of the process that was started last, or None."""
        try:
            found = json.loads((self.state / "status.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return found if self.process is not None and found["supervisor"]["pid"] == self.process.pid else None

    def ledger(self):
        """The ledger now, as its dump tells it."""
        region = regionfile.attach(self.state / "ledger", read_only=True)
        try:
            return TokenLedger(region, SystemClock()).snapshot().to_json()
        finally:
            region.close()

    def until(self, condition, what="the condition", deadline_s=DEADLINE_S):
        """The first report that meets `condition`."""

        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"the program ended with {self.process.returncode}:\n{self.tail()}")
            report = self.report()
            return report if report is not None and condition(report) else None

        return wait_until(look, what, deadline_s, self.tail)

    def until_working(self):
        """The first report in which every child is in service."""
        return self.until(
            lambda r: r["workers"] and all(child["state"] == "running" for child in r["workers"] + r["services"]),
            "every child in service",
        )

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self, deadline_s=DEADLINE_S):
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {deadline_s} s:\n{self.tail()}") from None

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.ended()

    def kill(self):
        """Whatever still runs, gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self):
        return self.log()[-5000:]

    def records(self, event):
        lines = [line for line in self.log().splitlines() if line.startswith("{")]
        return [record for record in map(json.loads, lines) if record["event"] == event]


def pids(report):
    """Every process a report names, by name."""
    children = report["workers"] + report["services"]
    return {f"{child['role']}-{child['slot']}": child["pid"] for child in children if child["pid"]}


def is_alive(pid):
    """Whether there is a process `pid` that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(numbers):
    return not any(is_alive(pid) for pid in numbers)
