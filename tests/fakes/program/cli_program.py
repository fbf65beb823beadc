"""`sluicegate` as a user starts it, in a state directory of its own, and everything it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import requests

from ledger import TokenLedger
from tests.fakes.program import output_schemas
from tests.fakes.waiting import LIMIT_S, wait_until

ROOT = Path(__file__).resolve().parents[3]
# A start may take as long as it likes: how long it takes on a loaded machine is not what the tests are about. Most of
# what a short run computes is the simulator's market, so it has a quarter of its deals: 270 rows of the selection.
STRESS = {
    "SIMULATOR_TICK_S": "0.5", "SIMULATOR_DEALS": "1000",
    "LOG_FORMAT": "json", "LOG_LEVEL": "debug", "METRICS_PORT": "", "WEB_PORT": "",
    "READY_S": "150",
}  # fmt: skip


class Program:
    """One state directory and the commands run on it."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.state = folder / "state"
        self.log_path = folder / "log"
        self.settings = settings
        self.cwd = ROOT
        self.starter = (sys.executable, "-m", "supervisor")
        self.inside = ()  # what goes before each command, to run it in namespaces of its own
        self.process: subprocess.Popen | None = None

    def environment(self, **more):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "PYTHONPATH": str(ROOT), **STRESS, "STATE_DIR": str(self.state), **self.settings, **more}

    def command(self, *arguments, **more):
        """A command that ends by itself."""
        done = subprocess.run(
            [*self.inside, *self.starter, *arguments],
            cwd=self.cwd,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        output_schemas.hold(arguments, done.stdout)
        return done

    def status(self, **more):
        """What `status --json` says, and its exit code."""
        done = self.command("status", "--json", **more)
        assert done.stdout, f"`status --json` ended with {done.returncode} and said nothing but: {done.stderr}"
        return json.loads(done.stdout), done.returncode

    def start(self, *arguments, **more):
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, *self.starter, "run", *arguments],
                cwd=self.cwd,
                env=self.environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def report(self):
        """The report that the process started last has written last, or None: what it did since is not in it."""
        try:
            found = json.loads((self.state / "status.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return found if self.process is not None and found["supervisor"]["pid"] == self.own_pid() else None

    def own_pid(self):
        """The number of the process started last, as it is in reports."""
        return self.process.pid

    def now(self):
        """The status as the process itself tells it at this moment, over its port (METRICS_PORT)."""

        def look():
            url = (self.report() or {"supervisor": {}})["supervisor"].get("http")
            reply = None if url is None else requests.get(f"{url}/status.json", timeout=LIMIT_S)
            return reply.json() if reply is not None and reply.ok else None

        return wait_until(look, "its status", explain=self.tail)

    def ledger(self):
        """The ledger now, as its dump tells it, with the server's time as the ledger reckons it."""
        with closing(TokenLedger.attach(self.state / "ledger", read_only=True)) as ledger:
            return ledger.snapshot().to_json() | {"server_ms": ledger.standing().server_ms}

    def until(self, condition, what="the condition"):
        """The first report that meets `condition`."""

        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"the program ended with {self.process.returncode}:\n{self.tail()}")
            report = self.report()
            return report if report is not None and condition(report) else None

        return wait_until(look, what, explain=self.tail)

    def until_working(self):
        """The first report in which every child is in service."""
        return self.until(
            lambda r: r["workers"] and all(child["state"] == "running" for child in r["workers"] + r["services"]),
            "every child in service",
        )

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self):
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {LIMIT_S} s:\n{self.tail()}") from None

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
        whole = self.log().rpartition("\n")[0]  # a line that is being written may be seen in part
        lines = [line for line in whole.split("\n") if line.startswith("{")]
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


def of_process(pid, name):
    """What `/proc` has of a process under this name, as bytes; none once it is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def web_pid(program):
    """The process of the page of a `Program`; it is a child of the supervisor, and in no report."""
    children = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children").read_text().split()
    return next((int(pid) for pid in children if b"supervisor.web" in of_process(pid, "cmdline")), None)


def freeze(pid):
    """Stop a process, and wait until it does stand still, each thread of it."""
    os.kill(pid, signal.SIGSTOP)

    def stands():
        stats = [of_process(pid, f"task/{task.name}/stat") for task in Path(f"/proc/{pid}/task").iterdir()]
        return all(not stat or stat.rpartition(b")")[2].split()[0] in {b"T", b"Z", b"X"} for stat in stats)

    with suppress(FileNotFoundError, ProcessLookupError):
        wait_until(stands, f"process {pid} to stand still")


def all_gone(numbers):
    return not any(is_alive(pid) for pid in numbers)
