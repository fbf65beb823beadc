"""How fast batches reach the tables, against a bare binary COPY of the same rows in the same round.

Rates drift with the machine; the ratio to the COPY beside it does not. One transaction per batch, an own embedded
server with its durable defaults, rounds in shuffled order, medians.

    python benchmarks/store.py [--rounds 7] [--batches 20]
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from ledger import SystemClock
from tasks.keepa import prices
from tasks.keepa.wire import Deal, Product
from tasks.store import deals, migrate, products, series
from tasks.store.connection import connect
from tasks.store.embedded import EmbeddedPostgres
from tasks.store.stage import Stage

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
    rows = ((1, START, *deals._row(deal)) for deal in page)  # noqa: SLF001 - what the writer itself sends
    copy(conn, "deal_rows", {"domain": "int2", "first_seen_at": "timestamptz"} | dict(deals._STAGE.columns), rows)  # noqa: SLF001


def copy_series(conn, batch):
    readings = (series._reading(product, one) for product in batch for one in prices.decode(product.csv))  # noqa: SLF001
    copy(
        conn,
        "price_series",
        {"domain": "int2"} | dict(series._STAGE.columns),  # noqa: SLF001
        ((1, *series._row(reading)) for reading in readings),  # noqa: SLF001
    )


def copy(conn, table, columns, rows):
    stage = Stage(name=table, columns=columns)
    stage.copy(conn, rows)


class Bench:
    """One connection to an own server, and what was measured."""

    def __init__(self, conn, batches, seed):
        self.conn = conn
        self.clock = SystemClock()
        self.rates = {}
        chance = random.Random(seed)
        self.pages = [[make_deal(chance, f"B{n * PAGE + at:09}") for at in range(PAGE)] for n in range(batches)]
        self.newer_pages = [[change_deal(chance, deal) for deal in page] for page in self.pages]
        few = max(1, batches // 4)
        self.groups = [[make_product(chance, f"B{n * PRODUCTS + at:09}") for at in range(PRODUCTS)] for n in range(few)]
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
        self.empty("products", "price_series")
        self.time(number, "price_series", "copy", rows, self.groups, lambda group: copy_series(self.conn, group))
        self.empty("products", "price_series")
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
        began_ns = self.clock.now_ns()
        for batch in batches:
            with self.conn.transaction():
                write(batch)
        seconds = (self.clock.now_ns() - began_ns) / 1e9
        (after,) = self.conn.execute(wal).fetchone()
        self.rates.setdefault((table, case), {})[number] = (rows / seconds, float(after - before) / rows)

    def report(self):
        print(f"{'table':13} {'case':10} {'rows/s':>9} {'ratio':>6} {'target':>7} {'WAL B/row':>10}")
        for (table, case), rounds in self.rates.items():
            base = self.rates[table, "copy"]
            ratio = statistics.median(rate / base[number][0] for number, (rate, _) in rounds.items())
            rate = statistics.median(rate for rate, _ in rounds.values())
            wal = statistics.median(wal for _, wal in rounds.values())
            target = TARGETS.get((table, case), "")
            print(f"{table:13} {case:10} {rate:9,.0f} {ratio:6.2f} {target:>7} {wal:10,.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=20, help="pages of 150 deals a round")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="sluicegate-bench-"))
    try:
        with (
            EmbeddedPostgres(home / "pg") as server,
            connect(server.url(), application_name="bench", autocommit=True) as conn,
        ):
            migrate.migrate(conn)
            bench = Bench(conn, options.batches, seed=7)
            order = [bench.deals_round, bench.series_round]
            for number in range(options.rounds + 1):
                random.shuffle(order)
                for run in order:
                    run(number)
                if number == 0:
                    bench.rates.clear()  # the first round only warms up
            bench.report()
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
