"""The same budget elsewhere: a reserve and a settle on Redis, PostgreSQL and SQLite, an acquire of PyrateLimiter.

All processes together, in the same seconds, at 1, 2, 4 and 8 processes. Redis runs Lua on loopback without persistence,
PostgreSQL and SQLite commit durably, SQLite in WAL. Ours does one step more, the commit between the two.

    python benchmarks/ledger_peers.py [--seconds 1.5]

Needs `redis`, `pyrate-limiter` and a `redis-server`; what is missing is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from ledger import DEFAULT_TIERS, Reading, TokenLedger
from tasks.embedded_postgres.server import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable

    Cycle = Callable[[], object]

PROCESSES = (1, 2, 4, 8)
PLENTY = 10**9
_RESERVE = """
local left = tonumber(redis.call('HGET', KEYS[1], 'left')) - tonumber(ARGV[1])
if left < 50 then return -1 end
redis.call('HSET', KEYS[1], 'left', left)
local id = redis.call('HINCRBY', KEYS[1], 'ids', 1)
redis.call('HSET', KEYS[2], id, ARGV[1])
return id
"""
_SETTLE = """
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HINCRBY', KEYS[1], 'spent', ARGV[2])
return redis.call('HINCRBY', KEYS[1], 'left', ARGV[2])
"""


def ours(home: Path, _stack: ExitStack) -> Callable[[], Cycle]:
    path = home / "ledger"
    ledger = TokenLedger.create(path, DEFAULT_TIERS)
    ledger.observe(Reading(200_000, 4_000, 60_000, 1_700_000_000_000))

    def attach() -> Cycle:
        mine = TokenLedger.attach(path)

        def cycle() -> None:
            lease = mine.reserve("upsert", 5)
            lease.commit()
            lease.settle(5, Reading(200_000, 4_000, 60_000, 1_700_000_000_001))

        return cycle

    return attach


def redis(home: Path, stack: ExitStack) -> Callable[[], Cycle]:
    import redis as client

    socket = str(home / "redis.sock")
    log = stack.enter_context((home / "redis.log").open("wb"))
    command = ["redis-server", "--port", "6399", "--unixsocket", socket, "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=log)
    stack.callback(server.wait)
    stack.callback(server.terminate)
    while not Path(socket).exists():
        time.sleep(0.02)  # noqa: TID251 - the server begins
    client.Redis(port=6399).hset("budget", mapping={"left": PLENTY, "ids": 0, "spent": 0})

    def attach() -> Cycle:
        mine = client.Redis(port=6399)
        reserve, settle = mine.register_script(_RESERVE), mine.register_script(_SETTLE)

        def cycle() -> None:
            lease = reserve(keys=["budget", "leases"], args=[5])
            settle(keys=["budget", "leases"], args=[lease, 5])

        return cycle

    return attach


def postgres(home: Path, stack: ExitStack) -> Callable[[], Cycle]:
    url = stack.enter_context(EmbeddedPostgres(home / "pg")).url("postgres")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE budget (id int PRIMARY KEY, lft bigint, spent bigint)")
        conn.execute("INSERT INTO budget VALUES (1, %s, 0)", [PLENTY])

    def attach() -> Cycle:
        mine = psycopg.connect(url, autocommit=True)

        def cycle() -> None:
            mine.execute("UPDATE budget SET lft = lft - 5 WHERE id = 1 AND lft >= 55 RETURNING lft").fetchone()
            mine.execute("UPDATE budget SET lft = lft + 5, spent = spent + 5 WHERE id = 1")

        return cycle

    return attach


def sqlite(home: Path, _stack: ExitStack) -> Callable[[], Cycle]:
    path = home / "sqlite"

    def connect() -> sqlite3.Connection:
        conn = sqlite3.connect(path, timeout=30, isolation_level=None)
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        return conn

    first = connect()
    first.execute("CREATE TABLE budget (id INTEGER PRIMARY KEY, lft INTEGER, spent INTEGER)")
    first.execute("INSERT INTO budget VALUES (1, ?, 0)", [PLENTY])
    first.close()

    def attach() -> Cycle:
        mine = connect()

        def cycle() -> None:
            mine.execute("UPDATE budget SET lft = lft - 5 WHERE id = 1 AND lft >= 55")
            mine.execute("UPDATE budget SET lft = lft + 5, spent = spent + 5 WHERE id = 1")

        return cycle

    return attach


def pyrate(home: Path, _stack: ExitStack) -> Callable[[], Cycle]:
    """An acquire, as it has no settle; processes may share its bucket in SQLite under a file lock (filelock < 3.20)."""
    from pyrate_limiter import Duration, Limiter, Rate, SQLiteBucket

    path = str(home / "pyrate")

    def attach() -> Cycle:
        bucket = SQLiteBucket.init_from_file([Rate(PLENTY, Duration.HOUR)], db_path=path, use_file_lock=True)
        limiter = Limiter(bucket)
        return lambda: limiter.try_acquire("upsert")

    return attach


def counted(attach: Callable[[], Cycle], processes: int, seconds: float) -> list[int]:
    """Cycles each process got done."""
    begin_at = time.monotonic() + 0.5 + 0.1 * processes
    ends = []
    for _ in range(processes):
        reading, writing = os.pipe()
        if not os.fork():
            cycle = attach()
            cycle()
            time.sleep(max(0.0, begin_at - time.monotonic()))  # noqa: TID251 - processes begin together
            done = 0
            while time.monotonic() < begin_at + seconds:
                cycle()
                done += 1
            os.write(writing, str(done).encode())
            os._exit(0)
        os.close(writing)
        ends.append(reading)
    found = []
    for end in ends:
        with os.fdopen(end, "rb") as file:
            found.append(int(file.read() or b"0"))
    for _ in range(processes):
        os.wait()
    return found


def measured(make: Callable[[Path, ExitStack], Callable[[], Cycle]], seconds: float) -> dict[int, list[int]]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        attach = make(Path(name), stack)
        return {processes: counted(attach, processes, seconds) for processes in PROCESSES}


def main() -> None:
    parser = argparse.ArgumentParser(description="The same budget elsewhere.")
    parser.add_argument("--seconds", type=float, default=1.5)
    seconds = parser.parse_args().seconds
    peers = {"postgres row": postgres, "sqlite wal": sqlite}
    if find_spec("redis") and shutil.which("redis-server"):
        peers["redis"] = redis
    if find_spec("pyrate_limiter"):
        peers["pyrate"] = pyrate
    mine = measured(ours, seconds)
    print(f"{'':<14}" + "".join(f"{f'{p} processes':>26}" for p in PROCESSES))
    print(f"{'ledger':<14}" + "".join(f"{sum(mine[p]) / seconds:>24,.0f}/s" for p in PROCESSES))
    for name, make in peers.items():
        found = measured(make, seconds)
        cells = [
            f"{sum(found[p]) / seconds:,.0f}/s, ledger x {sum(mine[p]) / max(1, sum(found[p])):.1f}" for p in PROCESSES
        ]
        slow = min(found[8]) / max(1, *found[8])
        print(f"{name:<14}" + "".join(f"{c:>26}" for c in cells) + f"   slowest/fastest of 8: {slow:.2f}")


if __name__ == "__main__":
    main()
