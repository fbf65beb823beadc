"""What a ledger in a row of the database costs, beside the mapped file, in turns within one run.

A cycle is reserve, commit and settle with a reading: three changes of two messages each. Everything runs on this
machine, so client and server share its cores. Ratios within a run tell more than times.

    python benchmarks/row_ledger.py [--seconds 1] [--rounds 5] [--waiters 100]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from ledger import DEFAULT_TIERS, Reading, TokenLedger
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.ledger_row.row import RowHome

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER_MS = 1_700_000_000_000
PLENTY, RATE = 200_000, 4_000
ACCOUNTS = count(1)


def cycle(ledger: TokenLedger, number: int) -> None:
    lease = ledger.reserve("upsert", 5)
    lease.commit()
    lease.settle(5, Reading(PLENTY, RATE, 60_000, SERVER_MS + number))


def times_ns(ledger: TokenLedger, seconds: float) -> list[int]:
    """How long each cycle took, in order of size."""
    end, number, found = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        number += 1
        began = time.perf_counter_ns()
        cycle(ledger, number)
        found.append(time.perf_counter_ns() - began)
    return sorted(found)


def new_row(url: str, left: int = PLENTY, rate: int = RATE) -> int:
    account = next(ACCOUNTS)
    home = RowHome(url, account, 1)
    home.create(str(account))
    ledger = TokenLedger(home)
    ledger.configure(DEFAULT_TIERS, 60.2)
    ledger.observe(Reading(left, rate, 60_000, SERVER_MS))
    ledger.close()
    return account


def of_row(url: str, account: int) -> TokenLedger:
    return TokenLedger(RowHome(url, account, 1))


def together(processes: int, seconds: float, opened: Callable[[], TokenLedger]) -> list[int]:
    """Cycles of each of so many processes in that time."""
    readers, go_read, go_write = [], *os.pipe()
    for _ in range(processes):
        reading, writing = os.pipe()
        if not os.fork():
            os.close(go_write)
            ledger = opened()
            cycle(ledger, 1)
            os.write(writing, b"r")
            os.read(go_read, 1)
            os.write(writing, len(times_ns(ledger, seconds)).to_bytes(8, "little"))
            os._exit(0)
        os.close(writing)
        readers.append(reading)
    for reading in readers:
        os.read(reading, 1)
    os.close(go_write)
    found = [int.from_bytes(os.read(reading, 8), "little") for reading in readers]
    for reading in (*readers, go_read):
        os.close(reading)
    for _ in range(processes):
        os.wait()
    return found


def woken_ms(url: str, rounds: int) -> list[float]:
    """From the cancel in one process to the lease of a waiter in another, in order of size."""
    account = new_row(url, 300, 5)
    reading, writing = os.pipe()
    done_read, done_write = os.pipe()
    if not os.fork():
        waiting = of_row(url, account)
        for _ in range(rounds):
            lease = waiting.reserve("upsert", 100, on_wait=lambda _wait: os.write(writing, b"w"))
            at = time.monotonic_ns()
            lease.cancel()
            os.write(writing, at.to_bytes(8, "little"))
            os.read(done_read, 1)
        os._exit(0)
    other, found = of_row(url, account), []
    for number in range(rounds):
        spent = other.try_reserve("upsert", 240)
        if number:
            os.write(done_write, b"d")
        os.read(reading, 1)
        time.sleep(0.05)  # noqa: TID251 - until it sleeps
        began = time.monotonic_ns()
        spent.cancel()
        found.append((int.from_bytes(os.read(reading, 8), "little") - began) / 1e6)
    os.write(done_write, b"d")
    os.wait()
    return sorted(found)


def idle_changes(url: str, waiters: int, seconds: float) -> float:
    """Transactions a second while so many wait for a gate that stays shut."""
    account = new_row(url, 60, 5)
    stop = threading.Event()
    waiting = threading.Semaphore(0)

    def wait() -> None:
        ledger = of_row(url, account)
        place = ledger.place("backfill")
        try:
            place.wait(150, stop=stop, on_wait=lambda _wait: waiting.release())
        except Exception as error:  # noqa: BLE001 - it was stopped
            if not stop.is_set():
                print(error, file=sys.stderr)

    threads = [threading.Thread(target=wait) for _ in range(waiters)]
    for thread in threads:
        thread.start()
    for _ in threads:
        waiting.acquire()
    time.sleep(6)  # noqa: TID251 - until the places are taken and the first looks are over
    before = transactions(url)
    time.sleep(seconds)  # noqa: TID251
    found = (transactions(url) - before) / seconds
    stop.set()
    for thread in threads:
        thread.join()
    return found


def transactions(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SELECT pg_stat_clear_snapshot()")
        row = conn.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    return int(row[0]) if row is not None else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--waiters", type=int, default=80)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "pg") as server:
        url = server.start("bench")
        with connect(url, application_name="bench", autocommit=True) as conn:
            migrate.apply_migrations(conn)
        path = Path(folder) / "ledger"
        on_file = TokenLedger.create(path, DEFAULT_TIERS, tick_period_s=60.2)
        on_file.observe(Reading(PLENTY, RATE, 60_000, SERVER_MS))
        account = new_row(url)
        on_row = of_row(url, account)
        found: dict[str, list[float]] = {}
        for _ in range(chosen.rounds):
            for name, ledger in (("file", on_file), ("row", on_row)):
                times = times_ns(ledger, chosen.seconds)
                found.setdefault(f"{name} p50", []).append(times[len(times) // 2] / 1e6)
                found.setdefault(f"{name} p99", []).append(times[len(times) * 99 // 100] / 1e6)
            alone = sum(together(1, chosen.seconds, lambda: of_row(url, account)))
            eight = together(8, chosen.seconds, lambda: of_row(url, account))
            found.setdefault("row, cycles a second of 1", []).append(alone / chosen.seconds)
            found.setdefault("row, of 8 together to 1", []).append(sum(eight) / alone)
            found.setdefault("row, slowest to fastest of 8", []).append(min(eight) / max(eight))
        for name, values in found.items():
            print(f"{name:<32}{statistics.median(values):>10.3f}")
        late = woken_ms(url, 30)
        print(f"{'woken, ms p50 / worst':<32}{late[len(late) // 2]:>10.2f}{late[-1]:>10.2f}")
        idle = idle_changes(url, chosen.waiters, 10)
        print(f"{f'{chosen.waiters} idle waiters, transactions/s':<32}{idle:>10.1f}")


if __name__ == "__main__":
    main()
