"""What waiting costs, and how late a waiter runs after its gate opens.

python benchmarks/ledger_waits.py [--rounds 40] [--idle-s 10]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import DEFAULT_TIERS, Reading, SystemClock, TimedOut, TokenLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER_MS = 1_700_000_000_000


@contextmanager
def fresh(left: int, *, rate: int, period_s: float) -> Iterator[tuple[Path, TokenLedger]]:
    """A ledger with so many tokens on such a plan."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "ledger"
        ledger = TokenLedger.create(path, DEFAULT_TIERS, tick_period_s=period_s)
        ledger.observe(Reading(left, rate, round(period_s * 1000), SERVER_MS))
        yield path, ledger
        ledger.close()


class Child:
    """A process that runs `work(tell)`; what it tells is read line by line."""

    def __init__(self, work: Callable[[Callable[[str], None]], None]) -> None:
        reading, writing = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            with os.fdopen(writing, "w") as out:
                work(lambda text: print(text, file=out, flush=True))
            os._exit(0)
        os.close(writing)
        self._told = os.fdopen(reading)

    def line(self) -> str:
        return self._told.readline().strip()

    def end(self) -> None:
        self._told.close()
        os.waitpid(self._pid, 0)


def by_clock(rounds: int) -> float:
    """Milliseconds at the median from the time a gate opens by the clock to the waiter's lease."""
    late_ms, clock = [], SystemClock()
    with fresh(0, rate=60, period_s=0.5) as (_, ledger):
        for turn in range(1, rounds + 1):
            waits = []
            lease = ledger.reserve("upsert", 60, on_wait=waits.append)
            if waits:
                late_ms.append((clock.now_ns() - waits[-1].until_ns) / 1e6)
            lease.cancel()
            ledger.observe(Reading(0, 60, 500, SERVER_MS + 5_000 * turn))
    return statistics.median(late_ms)


def by_another(rounds: int) -> float:
    """Milliseconds at the median from another process's settle to the waiter's lease."""
    late_ms = []
    with fresh(120, rate=2, period_s=60.2) as (path, ledger):
        for turn in range(1, rounds + 1):
            held = ledger.reserve("upsert", 60)
            held.commit()

            def wait(tell: Callable[[str], None]) -> None:
                other = TokenLedger.attach(path)
                lease = other.reserve("upsert", 60, on_wait=lambda _: tell("waits"))
                tell(str(time.monotonic_ns()))
                lease.cancel()

            waiter = Child(wait)
            waiter.line()
            time.sleep(0.02)  # noqa: TID251 - until it sleeps
            began = time.monotonic_ns()
            held.settle(0, Reading(120, 2, 60_200, SERVER_MS + turn))
            late_ms.append((int(waiter.line()) - began) / 1e6)
            waiter.end()
    return statistics.median(late_ms)


def idle(seconds: float) -> float:
    """The part of a core a waiter uses while nothing happens."""
    with fresh(0, rate=1, period_s=60.2) as (path, _):

        def wait(tell: Callable[[str], None]) -> None:
            ledger = TokenLedger.attach(path)
            before = resource.getrusage(resource.RUSAGE_SELF)
            with suppress(TimedOut):
                ledger.reserve("upsert", 5, timeout_s=seconds)
            after = resource.getrusage(resource.RUSAGE_SELF)
            tell(str(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))

        waiter = Child(wait)
        used_s = float(waiter.line())
        waiter.end()
    return used_s / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="What waiting costs.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--idle-s", type=float, default=10.0)
    chosen = parser.parse_args()
    print(f"a waiter runs {by_clock(chosen.rounds):.2f} ms after its gate opened by the clock (target 5)")
    print(f"a waiter runs {by_another(chosen.rounds):.2f} ms after another process's settle opened it (target 20)")
    print(f"a waiter for whom nothing happens uses {idle(chosen.idle_s):.3%} of a core (target 0.100%)")


if __name__ == "__main__":
    main()
