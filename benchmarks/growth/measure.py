"""Stopwatches, and a table of what was found beside what is asked for."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import cpu_of_the_ended_s
from supervisor.config.environment import child_environment
from tasks.store.connection import connect


class Aim(NamedTuple):
    """What is asked for: of one size's value, of all, or of the quotient of two sizes; at most, or at least."""

    of: str
    value: float
    at_least: bool = False

    def found(self, values):
        """The value it is about."""
        if "/" in self.of:
            above, below = (values[name] for name in self.of.split("/"))
            return above / below
        return values[self.of] if self.of != "all" else (min if self.at_least else max)(values.values())

    def is_known(self, values):
        """Whether the sizes it is about were measured."""
        return self.of == "all" or all(name in values for name in self.of.split("/"))


class Row(NamedTuple):
    """What was measured at each size; without an aim it is told and not judged."""

    what: str
    values: dict[str, float]
    unit: str = "ms"
    aim: Aim | None = None


class Ran(NamedTuple):
    """A command: its seconds by the clock and of CPU, its peak memory and its lines."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    lines: int


class Took(NamedTuple):
    """Milliseconds by size: of CPU, ours and the server's together, and by the clock."""

    cpu_ms: dict[str, float]
    wall_ms: dict[str, float]

    def rows(self, what, aim=None):
        """CPU is judged: what others do on the machine hardly moves it. The clock is told."""
        return [Row(f"{what}, CPU", self.cpu_ms, aim=aim), Row("  by the clock", self.wall_ms)]


class Server:
    """The server of a database, and the CPU it has spent."""

    def __init__(self, url):
        with connect(url, application_name="growth", autocommit=True) as conn:
            (folder,) = conn.execute("SHOW data_directory").fetchone()
        self._pid = (Path(folder) / "postmaster.pid").read_text().split()[0]

    def sessions(self):
        """Its child processes: one for each connection, and its own."""
        return set(Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split())

    def spent_s(self, conn=None):
        """CPU seconds of all its processes that have ended, parallel workers among them, and of the one of `conn`."""
        ended = cpu_of_the_ended_s(self._pid)
        if conn is None:
            return ended
        return ended + int(Path(f"/proc/{conn.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9


def interleaved(ways, spent, rounds):
    """What each way took, the medians of so many rounds in turns after one that warms up.

    Args:
        ways: what is measured, by name.
        spent: by the same names, what gives the CPU seconds of its server so far.
        rounds: how many.
    """
    cpu, wall = {name: [] for name in ways}, {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began_s, cpu_s = time.perf_counter(), _own_s() + spent[name]()
            way()
            if number:
                cpu[name].append((_own_s() + spent[name]() - cpu_s) * 1e3)
                wall[name].append((time.perf_counter() - began_s) * 1e3)
    return Took(*({name: statistics.median(times) for name, times in took.items()} for took in (cpu, wall)))


def _own_s():
    """CPU seconds of this process and of the commands it has run."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def command(url, server, *arguments):
    """Run `sluicegate` with these arguments on the database `url` of `server`; return when its session has ended too.

    Raises:
        SystemExit: it fails.
    """
    before = server.sessions()
    with tempfile.TemporaryDirectory() as folder:
        environ = {**child_environment(), "DATABASE_URL": url, "STATE_DIR": folder}
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", *arguments], env=environ, stdout=subprocess.PIPE, cwd=folder
        )
        lines, peak_kb = 0, 0
        while block := process.stdout.read1(1 << 20):
            lines += block.count(b"\n")
            peak_kb = max(peak_kb, _peak_kb(process.pid))
        _, status, used = os.wait4(process.pid, 0)
        took_s = time.perf_counter() - began_s
        process.stdout.close()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"sluicegate {' '.join(arguments)} ended with {process.returncode}")
    ends_s = time.perf_counter() + 1
    while len(server.sessions()) > len(before) and time.perf_counter() < ends_s:
        threading.Event().wait(0.01)
    return Ran(took_s, used.ru_utime + used.ru_stime, peak_kb / 1024, lines)


def _peak_kb(pid):
    """The most memory it has had so far; what `wait4` tells has that of the process it was forked from in it."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return 0 if found is None else int(found[1])  # it has ended


@contextmanager
def connections(urls):
    """A connection to each, outside a transaction."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(connect(url, application_name="growth", autocommit=True))
            for name, url in urls.items()
        }


def table(rows, names):
    """The rows as text, and how many miss their aim."""
    judged = [(row, _judged(row)) for row in rows]
    lines = [f"{'':58}" + "".join(f"{name:>11}" for name in names)]
    lines += [
        f"{row.what[:57]:58}{''.join(map(_cell, _columns(row.values, names)))}   {words}" for row, (words, _) in judged
    ]
    return "\n".join(lines), sum(not good for _, (_, good) in judged)


def _judged(row):
    """The words behind a row, and whether it does what is asked for."""
    aim = row.aim
    if aim is None or not aim.is_known(row.values):
        return row.unit, True
    found = aim.found(row.values)
    good = found >= aim.value if aim.at_least else found <= aim.value
    words = "at least" if aim.at_least else "at most"
    unit = "" if "/" in aim.of else f" {row.unit}"
    return f"{aim.of} {found:,.2f}, {words} {aim.value:g}{unit}: {'ok' if good else 'MISSED'}".lstrip(), good


def _columns(values, names):
    """The values in the columns of their sizes; those of no size stand below the first ones."""
    loose = [value for name, value in values.items() if name not in names]
    return [values.get(name) for name in names] if not loose else [*loose, *[None] * len(names)][: len(names)]


def _cell(value):
    if value is None:
        return f"{'':11}"
    return f"{value:>11,.1f}" if abs(value) < 1e4 else f"{value:>11,.0f}"
