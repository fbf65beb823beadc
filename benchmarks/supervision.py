"""What the supervisor costs and how long it takes: a worker replaced, a run at rest, a start, a stop.

python benchmarks/supervision.py [--rounds 5] [--idle-s 20]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger import TokenLedger
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
KEY = "a-key-of-the-benchmark"
NS = 10**9
LOOK_S = 0.002
DEADLINE_S = 300.0
STABLE_S = 1.0
POOR = {"rate": 5, "tick_s": 60.0, "start_balance": -100_000}
# The program as it is, but for one number: that a worker counts as stable after a second and not after a minute.
RUN = f"""
import sys
from supervisor.cli import main as cli; from supervisor.process import restart_policy
restart_policy.Policy.__init__.__kwdefaults__["stable_s"] = {STABLE_S}
sys.exit(cli.main(["run"]))
"""


def until(condition: Callable[[], Any]) -> Any:
    """What the condition gives, once it gives something; looked at every two milliseconds."""
    ends = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends:
        found = condition()
        if found:
            return found
        time.sleep(LOOK_S)  # noqa: TID251 - a stopwatch
    raise TimeoutError(f"this took longer than {DEADLINE_S:g} s")


class Run:
    """`sluicegate run` with a state directory and a server."""

    def __init__(self, state: Path, url: str, **settings: str) -> None:
        self.state = state
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251
        environment = {**kept, "STATE_DIR": str(state), "KEEPA_API_KEY": KEY, "KEEPA_BASE_URL": url, **settings}
        self.began_ns = time.monotonic_ns()
        with (state.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def workers(self) -> dict[str, int]:
        """The workers in service, by name; empty until all are."""
        try:
            report = json.loads((self.state / "status.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        children = report["workers"]
        if report["supervisor"]["pid"] != self.process.pid or any(child["state"] != "running" for child in children):
            return {}
        return {f"{child['role']}-{child['slot']}": child["pid"] for child in children}

    def ledger(self) -> Any:
        """The ledger now."""
        with closing(TokenLedger.attach(self.state / "ledger", read_only=True)) as ledger:
            return ledger.snapshot()

    def end(self) -> float:
        """Seconds from SIGTERM until the supervisor, and with it every process, has ended."""
        began_ns = time.monotonic_ns()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)
        return (time.monotonic_ns() - began_ns) / NS


@contextmanager
def served(
    state: Path, *, server: dict[str, Any] | None = None, **settings: str
) -> Iterator[tuple[Run, SimulatorServer]]:
    """A run in a warm state directory, against a server with tokens to spare."""
    config = SimulatorConfig(
        **{"keys": frozenset({KEY}), "rate": 1_200, "tick_s": 1.0, "deals": 3_000} | (server or {})
    )
    with SimulatorServer(config) as simulator:
        run = Run(state, simulator.url, TICK_PERIOD_S=str(config.tick_s), **settings)
        try:
            yield run, simulator
        finally:
            if run.process.poll() is None:
                run.end()


def replaced(state: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds from `kill -9` of a worker to the first token its replacement is granted, by role."""
    took: dict[str, list[float]] = {"upsert": [], "backfill": []}
    slow = {"latency_per_asin_s": 0.03}  # so that there is work for the backfill to the end
    with served(state, server=slow, POLL_INTERVAL_S="1", UPSERT_DETAIL="none") as (run, _):
        for _ in range(rounds):
            for role, times in took.items():
                workers = until(run.workers)
                time.sleep(STABLE_S + 0.5)  # noqa: TID251 - long enough in service to count as stable
                old = frozenset(workers.values())
                began = datetime.now(UTC)
                os.kill(workers[f"{role}-0"], signal.SIGKILL)
                granted = until(lambda: first_grant(run, role, old, began))  # noqa: B023 - used at once
                times.append((granted - began).total_seconds())
    return took


def first_grant(run: Run, role: str, old: frozenset[int], since: datetime) -> datetime | None:
    """When a process that is not one of the old ones was granted tokens of the role; None before."""
    for entry in run.ledger().journal:
        at = datetime.fromisoformat(entry.at)
        if (entry.event, entry.tier) == ("granted", role) and entry.pid not in old and at > since:
            return at
    return None


def at_rest(state: Path, seconds: float) -> tuple[float, float]:
    """The part of a core, and the megabytes (PSS), of the supervisor and three workers that wait for tokens."""
    with served(state, server=POOR, BACKFILL_WORKERS="2") as (run, _):
        workers = until(run.workers)
        until(lambda: len(run.ledger().waiters) == 2)  # the third waits for the queue that the second is to fill
        time.sleep(3)  # noqa: TID251 - until it is at rest
        pids = [run.process.pid, *workers.values()]
        used = sum(map(cpu_s, pids))
        began = time.monotonic()
        time.sleep(seconds)  # noqa: TID251 - the time that is measured
        part = (sum(map(cpu_s, pids)) - used) / (time.monotonic() - began)
        return part, sum(map(pss_mb, pids))


def cpu_s(pid: int) -> float:
    """Seconds of processor time a process has used; run time from the scheduler, which counts nanoseconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / NS


def pss_mb(pid: int) -> float:
    """A process's share of the memory it uses, in megabytes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("Pss:")[2].split()[0]) * 1024 / 1e6


def first_call(state: Path) -> float:
    """Seconds from the start of the command to the first request its server gets."""
    with served(state) as (run, server):
        until(lambda: server.control()["log"])
        return (time.monotonic_ns() - run.began_ns) / NS


def stopped(state: Path) -> float:
    """Seconds of a stop while the workers wait for tokens."""
    with served(state, server=POOR) as (run, _):
        workers = until(run.workers)
        until(lambda: len(run.ledger().waiters) == len(workers))
        time.sleep(1)  # noqa: TID251 - until it is at rest
        return run.end()


def stopped_in_a_call(state: Path) -> float:
    """Seconds from the arrival of the last reply, a page or products, to a call in flight at the stop, to the end."""
    slow = {"latency_s": 1.0, "latency_per_asin_s": 0.01}
    with served(state, server=slow, POLL_INTERVAL_S="1", UPSERT_DETAIL="none") as (run, _):
        until(run.workers)
        until(lambda: [lease for lease in run.ledger().leases if lease.state == "committed"])
        run.process.send_signal(signal.SIGTERM)
        seen: dict[Path, int] = {}
        while run.process.poll() is None:
            for entry in state.glob(
                "spool/*/*.reply"
            ):  # a reply is there from its arrival until its rows are committed
                seen.setdefault(entry, time.monotonic_ns())
            time.sleep(LOOK_S)  # noqa: TID251 - a stopwatch
        return (time.monotonic_ns() - max(seen.values())) / NS


def line(what: str, times: list[float], aim_s: float) -> str:
    spread = f"{min(times):.2f} to {max(times):.2f}"
    return f"{what}: {statistics.median(times):.2f} s (aim {aim_s} s; {len(times)} runs, {spread})"


def main() -> None:
    parser = argparse.ArgumentParser(description="What the supervisor costs and how long it takes.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle-s", type=float, default=20.0)
    chosen = parser.parse_args()
    print("medians; on a machine that others use they are what it leaves us")
    with tempfile.TemporaryDirectory() as name:
        state, poor = Path(name) / "state", Path(name) / "poor"
        for one in (state, poor):  # makes the databases
            with served(one, server=POOR) as (run, _):
                until(run.workers)
        rounds = range(chosen.rounds)
        print(line("start to first call, warm database", [first_call(state) for _ in rounds], 2.5))
        for role, times in replaced(state, chosen.rounds).items():
            print(line(f"kill -9 of a stable {role} worker to its replacement's first tokens", times, 1.0))
        print(line("SIGTERM to all gone, idle", [stopped(poor) for _ in rounds], 0.5))
        print(
            line(
                "SIGTERM in mid-call: the reply's arrival to all gone", [stopped_in_a_call(state) for _ in rounds], 0.5
            )
        )
        part, memory = at_rest(poor, chosen.idle_s)
        print(f"at rest, supervisor and three workers: {part:.2%} of a core (aim 0.50%), {memory:.0f} MB (aim 150)")


if __name__ == "__main__":
    main()
