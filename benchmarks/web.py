"""What the page costs and how fast it is: the server's time, memory, CPU by tabs, and the supervisor beside it.

python benchmarks/web.py [--requests 2000] [--seconds 10]

A browser is not needed: what a tab costs the server is the look a second that its program takes. What a browser
measures itself (the first paint, the weight of a visit) is in tests/browser.

Clients without manners are in a process of their own, and ask a server that does nothing as well: how much later the
supervisor answers beside them is what the machine has left, whomever they ask. On two cores that others used as well,
the 99th percentile was 24 to 44 ms alone, 77 to 80 ms beside the page and 180 to 226 ms beside the other server.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.web_clients import HAMMERS
from tests.fakes.program.cli_program import Program, web_pid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
FOLDER = Path(__file__).resolve().parent
PATHS = ("/", "/events", "/settings", "/live.json")


class Page:
    """The page of a run, as a program asks it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        address = urlsplit(program.report()["supervisor"]["web"])
        self.host, self.port = address.hostname or "", address.port or 0
        self.headers = {"Authorization": f"Bearer {(program.state / 'web.token').read_text().strip()}"}

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self.host, self.port, timeout=60)

    def get(self, path: str, connection: HTTPConnection | None = None) -> bytes:
        one = connection or self.connect()
        one.request("GET", path, headers=self.headers)
        reply = one.getresponse()
        body = reply.read()
        if connection is None:
            one.close()
        return body

    def pid(self) -> int:
        return web_pid(self.program) or 0


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def times(page: Page, path: str, count: int) -> tuple[float, float]:
    """The median and the 99th percentile of the time an answer takes, in milliseconds."""
    connection = page.connect()
    page.get(path, connection)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        page.get(path, connection)
        took.append((time.perf_counter() - began) * 1000)
    connection.close()
    return statistics.median(took), statistics.quantiles(took, n=100)[98]


def look_each_second(page: Page, ends: float) -> None:
    """What a visible tab asks."""
    connection = page.connect()
    version = ""
    while time.monotonic() < ends:
        body = page.get(f"/live.json?after={version}", connection)
        if body:
            version = body.partition(b'"version":"')[2].partition(b'"')[0].decode()
        time.sleep(1)  # noqa: TID251 - the pace of a tab
    connection.close()


def share_of_a_core(page: Page, tabs: int, seconds: float) -> float:
    """The CPU of the page's process with so many tabs, in per cent."""
    ends = time.monotonic() + seconds
    threads = [threading.Thread(target=look_each_second, args=(page, ends)) for _ in range(tabs)]
    before = cpu_s(page.pid())
    for one in threads:
        one.start()
    time.sleep(max(0.0, ends - time.monotonic()))  # noqa: TID251 - a stopwatch
    used = cpu_s(page.pid()) - before
    for one in threads:
        one.join()
    return used / seconds * 100


def answers_of_the_supervisor(program: Program, seconds: float) -> float:
    """The 99th percentile of the time that the supervisor's own loop takes for an answer, in milliseconds."""
    address = urlsplit(program.report()["supervisor"]["http"])
    took = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        took.append((time.perf_counter() - began) * 1000)
        connection.close()
        time.sleep(0.02)  # noqa: TID251 - a pace
    return statistics.quantiles(took, n=100)[98]


def kill(page: Page, is_over: threading.Event) -> None:
    """Kill the process of the page every five seconds."""
    while not is_over.wait(5):
        if pid := page.pid():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def beside(module: str, *arguments: str, told: str = "") -> Iterator[IO[str]]:
    """Another program of this folder beside what is measured, after `told` was written to it; its output."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=FOLDER.parent) as process:
        if process.stdin is None or process.stdout is None:
            raise ValueError("pipes were asked for")
        try:
            process.stdin.write(f"{told}\n")
            process.stdin.flush()
            yield process.stdout
        finally:
            process.stdin.close()


def besieged(page: Page, measure: Callable[[], float]) -> float:
    """What `measure` gives while many ask without a pause, many ask for ever, and the process is killed again."""
    is_over = threading.Event()
    killer = threading.Thread(target=kill, args=(page, is_over))
    killer.start()
    try:
        with beside("web_clients", page.host, str(page.port), told=page.headers["Authorization"]):
            return measure()
    finally:
        is_over.set()
        killer.join()


def beside_clients_of_another(measure: Callable[[], float]) -> float:
    """What `measure` gives while the same clients ask a server that does nothing."""
    with beside("web_control") as said, beside("web_clients", "127.0.0.1", said.readline().strip()):
        return measure()


def until_it_answers_again(page: Page) -> float:
    """Seconds from `kill -9` of the page's process to an answer of the next one; nobody may be refused."""
    os.kill(page.pid(), signal.SIGKILL)
    began = time.perf_counter()
    page.get("/events")
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder), WEB_PORT="0", METRICS_PORT="0", SIMULATOR_TICK_S="3", LOG_LEVEL="info").start()
        try:
            program.until_working()
            page = Page(program)
            for path in PATHS:
                middle, high = times(page, path, 200)
                print(f"server time of {path}: median {middle:.1f} ms, p99 {high:.1f} ms (aim of Now: 20)")
            for tabs, aim in ((0, 0.2), (1, 0.5), (10, 1.0)):
                print(f"CPU with {tabs} tabs: {share_of_a_core(page, tabs, chosen.seconds):.2f} % (aim {aim})")
            before = rss_mib(page.pid())
            times(page, "/live.json", chosen.requests)
            after = rss_mib(page.pid())
            print(f"memory: {after:.1f} MiB (aim 56), {after - before:+.1f} after {chosen.requests} requests (aim 2)")
            again = statistics.median(until_it_answers_again(page) for _ in range(3))
            print(f"from kill -9 to an answer: {again:.2f} s (aim 1)")
            alone = answers_of_the_supervisor(program, chosen.seconds)
            with_control = beside_clients_of_another(lambda: answers_of_the_supervisor(program, chosen.seconds))
            with_page = besieged(page, lambda: answers_of_the_supervisor(program, chosen.seconds))
            print(
                f"the supervisor's answers, p99: {alone:.1f} ms alone; beside {HAMMERS} that hammer the page "
                f"{with_page:.1f} ms, beside the same that hammer a server which does nothing {with_control:.1f} ms"
            )
            program.stop()
        finally:
            program.kill()


if __name__ == "__main__":
    main()
