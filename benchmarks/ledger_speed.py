"""What the ledger costs: a cycle alone and among processes, and a snapshot.

A cycle is reserve, commit and settle with a reading, on a mapped file. Processes are fresh forks that begin together.

    python benchmarks/ledger_speed.py [--seconds 2]
"""

from __future__ import annotations

import argparse
import os
import statistics
import struct
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import DEFAULT_TIERS, Reading, TokenLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER_MS = 1_700_000_000_000
PLENTY = 200_000
RATE = 4_000
PROCESSES = (1, 2, 4, 8)
TALLY = struct.Struct("<Q")


@contextmanager
def fresh(left: int = PLENTY, *, rate: int = RATE, period_s: float = 60.2) -> Iterator[Path]:
    """A ledger file with so many tokens."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "ledger"
        ledger = TokenLedger.create(path, DEFAULT_TIERS, tick_period_s=period_s)
        ledger.observe(Reading(left, rate, round(period_s * 1000), SERVER_MS))
        ledger.close()
        yield path


def cycle(ledger: TokenLedger, number: int) -> None:
    lease = ledger.reserve("upsert", 5)
    lease.commit()
    lease.settle(5, Reading(PLENTY, RATE, 60_000, SERVER_MS + number))


def quantile(sorted_times: list[int], part: float) -> float:
    return sorted_times[min(len(sorted_times) - 1, int(len(sorted_times) * part))] / 1e3


def timed_cycles(ledger: TokenLedger, seconds: float) -> list[int]:
    """Nanoseconds of each cycle in so many seconds, in order of size."""
    end, number, times = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        number += 1
        began = time.perf_counter_ns()
        cycle(ledger, number)
        times.append(time.perf_counter_ns() - began)
    return sorted(times)


def forked(run: Callable[[], bytes]) -> Callable[[], bytes]:
    """Start `run` in a process of its own; returns what waits for its answer."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, run())
        os._exit(0)
    os.close(writing)

    def answer() -> bytes:
        with os.fdopen(reading, "rb") as file:
            found = file.read()
        os.waitpid(child, 0)
        return found

    return answer


def among(processes: int, seconds: float) -> list[int]:
    """Cycles that each of so many processes got done in the same seconds."""
    with fresh() as path:
        begin_at = time.monotonic() + 0.3

        def run() -> bytes:
            ledger = TokenLedger.attach(path)
            time.sleep(max(0.0, begin_at - time.monotonic()))  # noqa: TID251 - processes begin together
            return TALLY.pack(len(timed_cycles(ledger, seconds)))

        answers = [forked(run) for _ in range(processes)]
        return [TALLY.unpack(answer())[0] for answer in answers]


def alone(seconds: float) -> None:
    with fresh() as path:
        ledger = TokenLedger.attach(path)
        timed_cycles(ledger, 0.3)
        times = timed_cycles(ledger, seconds)
        median, late = statistics.median(times) / 1e3, quantile(times, 0.99)
        print(
            f"cycle, one process: median {median:.1f} us (target 35), p99 {late / median:.1f} x the median (target 5)"
        )


def together(seconds: float) -> None:
    single = 0.0
    for processes in PROCESSES:
        done = among(processes, seconds)
        rate = sum(done) / seconds
        single = single or rate
        fair = min(done) / max(done)
        print(
            f"{processes} processes: {rate:,.0f} cycles/s, {rate / single:.2f} of one process (target 0.8),"
            f" slowest to fastest {fair:.2f} (target 0.5)"
        )


def snapshots(seconds: float) -> None:
    """The snapshot's own time, and a writer's p99 with ten dumps a second beside it and without, in turns."""
    with fresh() as path:
        ledger = TokenLedger.attach(path)
        times = []
        for _ in range(2_000):
            began = time.perf_counter_ns()
            ledger.snapshot()
            times.append(time.perf_counter_ns() - began)
        print(f"snapshot: median {statistics.median(times) / 1e3:.0f} us (target 150)")
        with_dumps, without = [], []
        for _ in range(4):
            without.append(quantile(timed_cycles(ledger, seconds / 2), 0.99))
            stop_at = time.monotonic() + seconds / 2

            def dump(stop_at: float = stop_at) -> bytes:
                reader = TokenLedger.attach(path)
                while time.monotonic() < stop_at:
                    reader.snapshot().to_json()
                    time.sleep(0.1)  # noqa: TID251 - ten a second is the load
                return b""

            answer = forked(dump)
            with_dumps.append(quantile(timed_cycles(ledger, seconds / 2), 0.99))
            answer()
        ratio = statistics.median(with_dumps) / statistics.median(without)
        print(f"writer's p99 with ten dumps a second: {ratio:.2f} of without (target 1.10)")


def main() -> None:
    parser = argparse.ArgumentParser(description="What the ledger costs.")
    parser.add_argument("--seconds", type=float, default=2.0)
    chosen = parser.parse_args()
    alone(chosen.seconds)
    together(chosen.seconds)
    snapshots(chosen.seconds)


if __name__ == "__main__":
    main()
