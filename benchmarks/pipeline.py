"""From the API to committed rows, and the memory it takes: one backfill worker, beside the client everybody uses.

Both ask the same server for the same products with full history, a hundred a call, and write them to the same
PostgreSQL with its durable defaults, a transaction a call. Ours is `python -m tasks.worker backfill` as the supervisor
starts it: ledger, spool, queue and all. Theirs is the loop people write: the keepa package's `query`, a row a product
and a row a history with its times and values as lists, `executemany`. The server knows its answers by heart
(`canned.py`), so it bounds neither. In turns, medians.

    python benchmarks/pipeline.py [--rounds 3] [--products 1500]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psycopg

from benchmarks import canned
from benchmarks.processes import children, cpu_of_the_ended_s, cpu_s
from ledger import TokenLedger
from tasks import settings
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.keepa.prices import NAMES
from tasks.secret import Secret
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.queue import queue
from tests.fixtures.settings import worker_settings

RATIO_AIM = 8.0
MEMORY_AIM_MB = 250
BATCH = 100
RENDERED = 200
MB = 1 << 20
THEIR_TABLES = """
CREATE TABLE IF NOT EXISTS their_products (asin text PRIMARY KEY, title text, last_update int, rest json);
CREATE TABLE IF NOT EXISTS their_series (
    asin text, price_type text, times timestamp[], amounts float8[], PRIMARY KEY (asin, price_type)
);
TRUNCATE their_products, their_series;
"""
THEIR_PRODUCT = """
INSERT INTO their_products VALUES (%s, %s, %s, %s)
ON CONFLICT (asin) DO UPDATE SET title = excluded.title, last_update = excluded.last_update, rest = excluded.rest
"""
THEIR_SERIES = """
INSERT INTO their_series VALUES (%s, %s, %s, %s)
ON CONFLICT (asin, price_type) DO UPDATE SET times = excluded.times, amounts = excluded.amounts
"""


class Run(NamedTuple):
    """One run: products a second, CPU seconds a hundred products of client, database and server, peak memory."""

    rate: float
    client_s: float
    database_s: float
    server_s: float
    peak_mb: float


def peak_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def tree_s(pid):
    """CPU seconds of a process and its children, of those that have ended too."""
    return cpu_of_the_ended_s(pid) + cpu_s(pid) + sum(map(cpu_s, children(pid)))


class Bench:
    """A server of each kind, and what was measured."""

    def __init__(self, home, database_url, postmaster, api_url, api_pid, asins):
        self.home, self.database_url, self.postmaster = home, database_url, postmaster
        self.api_url, self.api_pid, self.asins = api_url, api_pid, asins
        self.number = 0

    def ours(self):
        self.number += 1
        folder = self.home / f"run{self.number}"
        folder.mkdir()
        with (
            connect(self.database_url, application_name="bench", autocommit=True) as conn,
            contextlib.closing(TokenLedger.create(folder / "ledger")),
        ):
            conn.execute("TRUNCATE products, price_series_rows, offers, fetch_queue, calls")
            queue.enqueue(conn, 1, self.asins, detail="history")
            conn.execute("CHECKPOINT")
            told = worker_settings(
                api_key=Secret("bench"),
                base_url=self.api_url,
                database_url=Secret(self.database_url),
                ledger_path=str(folder / "ledger"),
                spool_dir=str(folder / "spool"),
            )
            done = "SELECT count(*) = 0 FROM fetch_queue WHERE state <> 'done'"
            with worker(told) as process:
                return self.watch(process, lambda: conn.execute(done).fetchone()[0])

    def theirs(self):
        with connect(self.database_url, application_name="bench", autocommit=True) as conn:
            conn.execute(THEIR_TABLES)
            conn.execute("CHECKPOINT")
            command = [sys.executable, __file__, "--loop", self.database_url, self.api_url, str(len(self.asins))]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                process.stdout.readline()
                count = "SELECT count(*) FROM their_products"
                found = self.watch(process, lambda: conn.execute(count).fetchone()[0] >= len(self.asins))
                process.stdin.close()
                return found

    def watch(self, process, is_done):
        """Measure a process that is ready from here to the commit after which all is done."""
        before = cpu_s(process.pid), tree_s(self.postmaster), cpu_s(self.api_pid)
        began_s = time.monotonic()
        if process.stdin is not None:
            process.stdin.write(b"go\n")
            process.stdin.flush()
        pause = threading.Event()
        while not is_done():
            if process.poll() is not None:
                raise SystemExit(f"the client ended with {process.returncode}")
            pause.wait(0.05)
        took_s = time.monotonic() - began_s
        after = cpu_s(process.pid), tree_s(self.postmaster), cpu_s(self.api_pid)
        per = len(self.asins) / BATCH
        spent = [(b - a) / per for a, b in zip(before, after, strict=True)]
        return Run(len(self.asins) / took_s, *spent, peak_mb(process.pid))


@contextlib.contextmanager
def worker(told):
    """A worker that is ready; ended afterwards."""
    status_read, status_write = os.pipe()
    lifeline_read, lifeline = os.pipe()
    fds = ("--status-fd", str(status_write), "--lifeline-fd", str(lifeline_read))
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks.worker", "backfill", "--slot", "0", *fds],
        pass_fds=(status_write, lifeline_read),
        stderr=subprocess.DEVNULL,
    )
    os.close(status_write)
    os.close(lifeline_read)
    os.write(lifeline, settings.CODEC.encode(told))
    beats = os.fdopen(status_read, "rb")
    try:
        for line in beats:
            if json.loads(line)["event"] == "ready":
                break
        reader = threading.Thread(target=lambda: [None for _ in beats])
        reader.start()
        yield process
    finally:
        process.kill()
        process.wait()
        reader.join()
        beats.close()
        os.close(lifeline)


def loop(database_url, api_url, count):
    """What people write with the package."""
    import requests
    from keepa import keepa_sync

    class _There:
        @staticmethod
        def get(url, *args, **kwargs):
            return requests.get(url.replace("https://api.keepa.com", api_url), *args, **kwargs)  # noqa: S113

    keepa_sync.requests = _There
    api = keepa_sync.Keepa("bench", logging_level="CRITICAL")
    asins = [f"B{number:09d}" for number in range(count)]
    with psycopg.connect(database_url) as conn:
        print("ready", flush=True)
        sys.stdin.readline()
        for at in range(0, count, BATCH):
            found = api.query(asins[at : at + BATCH], stats=90, progress_bar=False)
            with conn.transaction(), conn.cursor() as cursor:
                cursor.executemany(THEIR_PRODUCT, [their_product(product) for product in found if product["title"]])
                cursor.executemany(THEIR_SERIES, [row for product in found for row in their_series(product)])
        sys.stdin.readline()


def their_product(product):
    rest = {name: value for name, value in product.items() if name not in {"csv", "data", "stats_parsed"}}
    return product["asin"], product["title"], product["lastUpdate"], json.dumps(rest)


def their_series(product):
    data = product.get("data", {})
    for name in NAMES:
        if name in data:
            yield product["asin"], name, data[f"{name}_time"].tolist(), data[name].tolist()


def medians(runs):
    """The run in the middle, in each of its figures."""
    return Run(*(statistics.median(values) for values in zip(*runs, strict=True)))


def ratio(found):
    """How many times as fast as the package's own loop ours is."""
    return statistics.median(a.rate / b.rate for a, b in zip(found["ours"], found["theirs"], strict=True))


def report(found, size_mb):
    print(f"{size_mb:.1f} MB a call of {BATCH} products")
    head = ("products/s", "client ms", "database ms", "server ms", "peak MB")
    print(f"{'':8}" + "".join(f"{name:>13}" for name in head) + "   CPU per 100 products")
    for name, runs in found.items():
        middle = medians(runs)
        print(
            f"{name:8}{middle[0]:>13.1f}"
            + "".join(f"{value * 1e3:>13,.0f}" for value in middle[1:4])
            + f"{middle[4]:>13.0f}"
        )
    if "theirs" in found:
        print(f"ours / theirs {ratio(found):.1f}, aim {RATIO_AIM:g}")
    print(f"peak memory of a worker {max(run.peak_mb for run in found['ours']):.0f} MB, aim {MEMORY_AIM_MB} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--products", type=int, default=1_500)
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--loop", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        loop(*options.loop[:2], int(options.loop[2]))
        return
    report(*measured(options.rounds, options.products, only_ours=options.only_ours))


def measured(rounds, count, *, only_ours=False):
    """The runs of each client, so many with so many products, and the megabytes of a call."""
    products = canned.rendered(RENDERED)
    size_mb = BATCH * statistics.mean(len(json.dumps(p, separators=(",", ":"))) for p in products.values()) / 1e6
    replies = canned.many(products, count)
    with (
        canned.serving(replies) as (api_url, api_pid),
        tempfile.TemporaryDirectory(prefix="sluicegate-bench-") as home,
        EmbeddedPostgres(Path(home) / "pg") as server,
    ):
        with connect(server.url(), application_name="bench", autocommit=True) as conn:
            migrate.apply_migrations(conn)
        postmaster = int((Path(home) / "pg" / "data" / "postmaster.pid").read_text().split()[0])
        bench = Bench(Path(home), server.url(), postmaster, api_url, api_pid, list(replies))
        found = {"ours": []} if only_ours else {"ours": [], "theirs": []}
        for _ in range(rounds):
            found["ours"].append(bench.ours())
            if not only_ours:
                found["theirs"].append(bench.theirs())
        return found, size_mb


if __name__ == "__main__":
    main()
