"""How long whole commands take while everything runs, and answers of the metrics port.

python benchmarks/commands.py [--runs 15]

An interpreter that does nothing takes its time too, and on a busy machine several times as much: the ratio to that says
more than the milliseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from supervisor.config.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMANDS = {
    "an interpreter that does nothing": (["-c", "pass"], None),
    "status": (["-m", "supervisor", "status"], 150),
    "status --json": (["-m", "supervisor", "status", "--json"], 150),
    "ledger dump": (["-m", "ledger", "dump"], 150),
    "ledger dump --json": (["-m", "ledger", "dump", "--json"], 150),
}
PATHS = ("/healthz", "/metrics", "/status.json")
START_S = 60


@contextmanager
def running(home: Path) -> Iterator[dict[str, str]]:
    """The environment of commands beside a supervisor in service, which has counted rows."""
    environ = {**child_environment(), "STATE_DIR": str(home / "var"), "METRICS_PORT": "0", "WEB_PORT": ""}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "run"], env=environ, stdout=log, stderr=log, cwd=home
        )
    try:
        ends = time.monotonic() + START_S
        while not (report := told(home)) or not (report["counted"] and report["counted"]["watermarks"]):
            if process.poll() is not None or time.monotonic() > ends:
                sys.exit(f"the supervisor did not start:\n{(home / 'log').read_text()}")
            threading.Event().wait(0.2)
        yield environ
    finally:
        process.terminate()
        process.wait()


def told(home: Path) -> dict:
    """The supervisor's last report; empty while there is none."""
    try:
        return json.loads((home / "var" / "status.json").read_bytes())
    except FileNotFoundError:
        return {}


def median_ms(once: Callable[[], object], runs: int) -> float:
    """Milliseconds of one run, at the median of `runs` after one that warms up."""
    once()
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        once()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description="How long whole commands take.")
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as environ:
        nothing = 0.0
        for words, (arguments, aim) in COMMANDS.items():

            def once(command: list[str] = [sys.executable, *arguments]) -> None:  # noqa: B006 - this round's
                subprocess.run(command, env=environ, cwd=name, check=True, stdout=subprocess.DEVNULL)

            took = median_ms(once, runs)
            nothing = nothing or took
            aimed = "" if aim is None else f", {took / nothing:.1f} times that of nothing (aim {aim} ms)"
            print(f"{words}: {took:.0f} ms{aimed}")
        url = told(Path(name))["supervisor"]["http"]
        for path in PATHS:
            took = median_ms(lambda path=path: requests.get(url + path, timeout=10).raise_for_status(), runs)
            print(f"GET {path}: {took:.1f} ms")


if __name__ == "__main__":
    main()
