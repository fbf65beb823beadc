"""What a ledger in a row of the database costs, beside the mapped file, in turns within one run.

A cycle is reserve, commit and settle with a reading: three changes of two messages each. The bare row is one that a
function of the server changes, with none of the ledger's rules. Everything runs on this machine, so client and server
share its cores: ratios within a run tell more than times. The exit code is 1 where an aim is missed.

    PYTHONPATH=. python benchmarks/row_ledger.py [--seconds 1] [--rounds 5] [--waiters 100]
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
from tasks.store.connection import Connection, connect
from tasks.store.ledger_row.row import RowHome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.store.ledger_row.line import Line

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


def of_row(url: str, account: int, *, is_durable: bool = False) -> TokenLedger:
    """The ledger in that row; with `is_durable` each commit waits for the disk, which none does in production."""
    home = RowHome(url, account, 1)
    if is_durable:
        shared = home._connection.shared  # noqa: SLF001
        connect_line = shared.connect

        def durable(channels: Sequence[str]) -> Line:
            line = connect_line(channels)
            line.ask(b"SET synchronous_commit = on")
            return line

        shared.connect = durable
    return TokenLedger(home)


def grants_of_bare_row(conn: Connection, seconds: float) -> int:
    """How many grants the bare row gives in that time, each a durable transaction of one message."""
    end, found = time.monotonic() + seconds, 0
    conn.execute("UPDATE bare SET balance = 1000000000")
    while time.monotonic() < end:
        conn.execute("SELECT bare_grant(5)")
        found += 1
    return found


BARE = """
CREATE TABLE bare (id int PRIMARY KEY, balance bigint NOT NULL, granted bigint NOT NULL) WITH (fillfactor = 20);
INSERT INTO bare VALUES (1, 0, 0);
CREATE FUNCTION bare_grant(cost bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    SELECT balance INTO found FROM bare WHERE id = 1 FOR UPDATE;
    IF found - cost < 50 THEN
        RETURN false;
    END IF;
    UPDATE bare SET balance = balance - cost, granted = granted + 1 WHERE id = 1;
    RETURN true;
END $$;
"""


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
            os.read(done_read, 1)
            told = count()
            lease = waiting.reserve(
                "upsert", 100, on_wait=lambda _wait, told=told: next(told) or os.write(writing, b"w")
            )
            at = time.monotonic_ns()
            lease.cancel()
            os.write(writing, at.to_bytes(8, "little"))
        os._exit(0)
    other, found = of_row(url, account), []
    for _ in range(rounds):
        spent = other.try_reserve("upsert", 240)
        os.write(done_write, b"d")
        os.read(reading, 1)
        time.sleep(0.05)  # noqa: TID251 - until it sleeps
        began = time.monotonic_ns()
        spent.cancel()
        found.append((int.from_bytes(os.read(reading, 8), "little") - began) / 1e6)
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--waiters", type=int, default=90)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "pg") as server:
        url = server.start("bench")
        with connect(url, application_name="bench", autocommit=True) as conn:
            migrate.apply_migrations(conn)
            conn.execute(BARE)
        path = Path(folder) / "ledger"
        on_file = TokenLedger.create(path, DEFAULT_TIERS, tick_period_s=60.2)
        on_file.observe(Reading(PLENTY, RATE, 60_000, SERVER_MS))
        account = new_row(url)
        found: dict[str, list[float]] = {}
        with connect(url, application_name="bench", autocommit=True) as bare:
            ledgers = {
                "file": on_file, "row": of_row(url, account), "durable row": of_row(url, account, is_durable=True),
            }  # fmt: skip
            for _ in range(chosen.rounds):
                measure(found, ledgers, bare, chosen.seconds)
                measure_together(found, lambda: of_row(url, account, is_durable=True), chosen.seconds)
        late = woken_ms(url, 100)
        found["woken, ms p50"], found["woken, ms p99"] = [late[len(late) // 2]], [late[len(late) * 99 // 100]]
        found[IDLE] = [idle_changes(url, chosen.waiters, 10) * 100 / chosen.waiters]
        return 0 if report(found) else 1


IDLE = "100 idle waiters, transactions/s"
# What each figure may be at most (-) or has to be at least (+).
AIMS = {
    "durable row, ms p50": -1.0,
    "durable row, of 8 together to 1": 0.45,
    "durable row, cycles/s of 8 together": 500,
    "durable row, slowest to fastest of 8": 0.8,
    "row to durable row, cycles/s": 1.5,
    "durable row, cycles to grants of a bare row": 0.3,
    "woken, ms p50": -3,
    "woken, ms p99": -20,
    IDLE: -25,
}


def measure(found: dict[str, list[float]], ledgers: dict[str, TokenLedger], bare: Connection, seconds: float) -> None:
    """One round of one process."""
    cycles = {}
    for name, ledger in ledgers.items():
        times = times_ns(ledger, seconds)
        cycles[name] = len(times)
        found.setdefault(f"{name}, ms p50", []).append(times[len(times) // 2] / 1e6)
        found.setdefault(f"{name}, ms p99", []).append(times[len(times) * 99 // 100] / 1e6)
    durable = cycles["durable row"]
    found.setdefault("row to durable row, cycles/s", []).append(cycles["row"] / durable)
    grants = grants_of_bare_row(bare, seconds)
    found.setdefault("durable row, cycles to grants of a bare row", []).append(durable / grants)


def measure_together(found: dict[str, list[float]], opened: Callable[[], TokenLedger], seconds: float) -> None:
    """One round of eight processes, against one of the same kind beside it."""
    alone, eight = sum(together(1, seconds, opened)), together(8, seconds, opened)
    found.setdefault("durable row, cycles/s of 8 together", []).append(sum(eight) / seconds)
    found.setdefault("durable row, of 8 together to 1", []).append(sum(eight) / alone)
    found.setdefault("durable row, slowest to fastest of 8", []).append(min(eight) / max(eight))


def report(found: dict[str, list[float]]) -> bool:
    """Print the medians; whether all aims are met."""
    missed = 0
    for name, values in found.items():
        value, aim = statistics.median(values), AIMS.get(name)
        is_missed = aim is not None and (value > -aim if aim < 0 else value < aim)
        missed += is_missed
        told = "" if aim is None else f"{'<=' if aim < 0 else '>='} {abs(aim):g}"
        print(f"{name:<46}{value:>10.3f}{told:>12}{'  missed' if is_missed else ''}")
    return not missed


if __name__ == "__main__":
    sys.exit(main())
