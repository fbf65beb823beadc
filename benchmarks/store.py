"""How fast batches reach the tables, against a bare binary COPY of the same rows in the same round.

Rates drift with the machine; the ratio to the COPY beside it does less, and the ratio of CPU time hardly. One
transaction per batch, an own embedded server with its durable defaults, rounds in shuffled order, medians. The bare
COPY gets lists that are decoded already; the writers begin with the types of the wire.

    PYTHONPATH=. python benchmarks/store.py [--rounds 7] [--batches 20]
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from benchmarks.processes import cpu_s
from ledger import SystemClock
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.keepa import prices
from tasks.keepa.decode.replies import Deal, Product
from tasks.store import deals, migrate
from tasks.store.bulk import arrays
from tasks.store.connection import connect
from tasks.store.histories import price_series
from tasks.store.products import products

SLOTS = 36
PAGE = 150
PRODUCTS = 32
SERIES = 25
POINTS = 500
START = datetime(2026, 1, 1, tzinfo=UTC)
TARGETS = {
    ("deals", "fresh"): 0.75,
    ("deals", "changed"): 0.75,
    ("deals", "unchanged"): 1.75,
    ("price_series", "fresh"): 0.65,
    ("price_series", "changed"): 0.65,
    ("price_series", "unchanged"): 1.3,
}


def prices_by_type(chance):
    """A third of the types has an offer, as in real pages."""
    return [chance.randint(500, 90_000) if chance.random() < 0.4 else chance.choice((-1, -2)) for _ in range(SLOTS)]


def near(chance, row):
    return [value if value < 0 else round(value * chance.uniform(0.8, 1.3)) for value in row]


def make_deal(chance, asin):
    current = prices_by_type(chance)
    avg = [near(chance, current) for _ in range(4)]
    delta = [[a - c if min(a, c) > 0 else 0 for a, c in zip(row, current, strict=True)] for row in avg]
    return Deal(
        asin=asin,
        title=" ".join(chance.choice(("Red", "Life", "Machine", "Diary", "Volume", "The", "of")) for _ in range(9)),
        image_codes=list(b"51950K3CZ5L.jpg"),
        root_cat=283155,
        categories=[chance.randint(1000, 18_457_738_011) for _ in range(4)],
        current=current,
        current_since=[chance.randint(5_000_000, 7_800_000) for _ in range(SLOTS)],
        creation_date=chance.randint(7_700_000, 7_800_000),
        last_update=7_800_000,
        delta=delta,
        delta_percent=[
            [round(100 * d / a) if a > 0 else 0 for d, a in zip(*rows, strict=True)]
            for rows in zip(delta, avg, strict=True)
        ],
        delta_last=[chance.choice((0, 0, 0, 250)) for _ in range(SLOTS)],
        avg=avg,
        back_in_stock=[False] * SLOTS,
        sales_rank_drops30=15,
        sales_rank_drops90=28,
        sales_rank_drops180=52,
        sales_rank_drops365=97,
        lightning_start=0,
        lightning_end=0,
        warehouse_condition=0,
    )


def change_deal(chance, deal):
    return replace(deal, current=near(chance, deal.current), last_update=deal.last_update + 1)


def make_product(chance, asin):
    csv = []
    for _ in range(SERIES):
        minute, flat = 5_000_000, []
        for _ in range(POINTS):
            minute += chance.randint(2, 3000)
            flat += (minute, chance.randint(500, 3000))
        csv.append(flat)
    # Price types without shipping come first; the others are moved behind the documented ones.
    placed = [None] * 64
    for at, flat in zip((at for at in range(64) if at not in prices.TRIPLES), csv, strict=False):
        placed[at] = flat
    return Product(asin=asin, title="A title", last_update=7_800_000, csv=placed)


def change_product(chance, product):
    grown = [None if flat is None else [*flat, flat[-2] + 60, chance.randint(500, 3000)] for flat in product.csv]
    return replace(product, csv=grown, last_update=product.last_update + 1)


def copy_deals(conn, page):
    """The bare COPY: the writer's own rows, packed in the same way."""
    deals._ROWS.append(conn, ((1, START, *deals._row(deal)) for deal in page))  # noqa: SLF001


def copy_series(conn, batch):
    """The bare COPY: lists that are there already, packed in the same way."""
    price_series._ROWS.append(conn, (bare(asin, one) for asin, one in batch))  # noqa: SLF001


def bare(asin, one):
    first, last, points = one.minutes[0], one.minutes[-1], len(one.minutes)
    coded = price_series._stored(arrays.words(one.minutes), arrays.words(one.prices), None)  # noqa: SLF001
    return (1, asin, one.price_type, first, last, points, 0, *coded)


class Sample(NamedTuple):
    """One case of one round; CPU and write-ahead log are per row."""

    rate: float
    client_us: float
    server_us: float
    wal: float


class Bench:
    """One connection to an own server, and what was measured."""

    def __init__(self, conn, batches, seed):
        self.conn = conn
        self.clock = SystemClock()
        self.found = {}
        chance = random.Random(seed)
        self.pages = [[make_deal(chance, f"B{n * PAGE + at:09}") for at in range(PAGE)] for n in range(batches)]
        self.newer_pages = [[change_deal(chance, deal) for deal in page] for page in self.pages]
        few = max(1, batches // 4)
        self.groups = [[make_product(chance, f"B{n * PRODUCTS + at:09}") for at in range(PRODUCTS)] for n in range(few)]
        self.decoded = [[(p.asin, one) for p in group for one in prices.decode(p.csv)] for group in self.groups]
        self.newer_groups = [[change_product(chance, product) for product in group] for group in self.groups]

    def deals_round(self, number):
        def write(page, hours):
            deals.write(self.conn, 1, page, seen_at=START + timedelta(hours=hours))

        rows = len(self.pages) * PAGE
        self.empty("deal_rows", "deal_sightings")
        self.time(number, "deals", "copy", rows, self.pages, lambda page: copy_deals(self.conn, page))
        self.empty("deal_rows", "deal_sightings")
        self.time(number, "deals", "fresh", rows, self.pages, lambda page: write(page, 0))
        self.time(number, "deals", "unchanged", rows, self.pages, lambda page: write(page, 1))
        self.time(number, "deals", "changed", rows, self.newer_pages, lambda page: write(page, 2))

    def series_round(self, number):
        def write(group, hours):
            at = START + timedelta(hours=hours)
            products.write(self.conn, 1, group, fetched_at=at, has_history=True)

        rows = len(self.groups) * PRODUCTS * SERIES
        self.empty("products", "price_series_rows")
        self.time(number, "price_series", "copy", rows, self.decoded, lambda group: copy_series(self.conn, group))
        self.empty("products", "price_series_rows")
        self.time(number, "price_series", "fresh", rows, self.groups, lambda group: write(group, 0))
        self.time(number, "price_series", "unchanged", rows, self.groups, lambda group: write(group, 1))
        self.time(number, "price_series", "changed", rows, self.newer_groups, lambda group: write(group, 2))

    def empty(self, *tables):
        for table in tables:
            self.conn.execute(f"TRUNCATE {table}")
        self.conn.execute("CHECKPOINT")

    def time(self, number, table, case, rows, batches, write):
        wal = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
        (before,) = self.conn.execute(wal).fetchone()
        client_s, server_s = time.process_time(), self.server_s()
        began_ns = self.clock.now_ns()
        for batch in batches:
            with self.conn.transaction():
                write(batch)
        seconds = (self.clock.now_ns() - began_ns) / 1e9
        client_s, server_s = time.process_time() - client_s, self.server_s() - server_s
        (after,) = self.conn.execute(wal).fetchone()
        self.found.setdefault((table, case), {})[number] = Sample(
            rate=rows / seconds,
            client_us=client_s / rows * 1e6,
            server_us=server_s / rows * 1e6,
            wal=float(after - before) / rows,
        )

    def server_s(self):
        """CPU seconds of our backend."""
        return cpu_s(self.conn.info.backend_pid)

    def report(self):
        head = ("rows/s", "ratio", "target", "client us", "server us", "cpu ratio", "WAL B")
        print(f"{'table':13} {'case':10}" + "".join(f"{name:>11}" for name in head))
        for (table, case), rounds in self.found.items():
            base = self.found[table, "copy"]

            def middle(of, rounds=rounds, base=base):
                return statistics.median(of(sample, base[number]) for number, sample in rounds.items())

            row = (
                f"{middle(lambda a, _: a.rate):,.0f}",
                f"{middle(lambda a, b: a.rate / b.rate):.2f}",
                TARGETS.get((table, case), ""),
                f"{middle(lambda a, _: a.client_us):.1f}",
                f"{middle(lambda a, _: a.server_us):.1f}",
                f"{middle(lambda a, b: (b.client_us + b.server_us) / (a.client_us + a.server_us)):.2f}",
                f"{middle(lambda a, _: a.wal):,.0f}",
            )
            print(f"{table:13} {case:10}" + "".join(f"{value:>11}" for value in row))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=20, help="pages of 150 deals a round")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="sluicegate-bench-") as home,
        EmbeddedPostgres(Path(home) / "pg") as server,
        connect(server.url(), application_name="bench", autocommit=True) as conn,
    ):
        migrate.apply_migrations(conn)
        bench = Bench(conn, options.batches, seed=7)
        gc.freeze()  # the collector would walk through the prepared batches, which no worker has
        for number in range(options.rounds + 1):
            for run in random.sample([bench.deals_round, bench.series_round], 2):
                run(number)
            if number == 0:
                bench.found.clear()  # the first round only warms up
        bench.report()


if __name__ == "__main__":
    main()
