"""How fast tables in partitions take rows and tell a history, against whole tables beside them in the same round.

Two databases of one embedded server with its durable defaults. Each batch is written to both, one after the other in an
order that is drawn anew, so that what else the machine does falls on both alike. A ratio is the median of the rounds.

    PYTHONPATH=. python benchmarks/partitions.py [--rounds 7] [--batches 12] [--partitions 16]
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.store import PAGE, PRODUCTS, SERIES, change_deal, change_product, make_deal, make_product
from ledger import SystemClock
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.store import deals, migrate
from tasks.store.connection import connect
from tasks.store.histories import price_history
from tasks.store.partitions.move import Move
from tasks.store.partitions.tables import KEYS
from tasks.store.products import products

START = datetime(2026, 1, 1, tzinfo=UTC)
WRITES = 0.9  # rows a second of tables in partitions, against whole ones: at least
HISTORY = 1.2  # time that one history takes, likewise: at most


class Side:
    """One database and the seconds that it took, by case."""

    def __init__(self, conn):
        self.conn = conn
        self.clock = SystemClock()
        self.seconds = {}

    def time(self, case, work):
        began_ns = self.clock.now_ns()
        with self.conn.transaction():
            work(self.conn)
        self.seconds[case] = self.seconds.get(case, 0.0) + (self.clock.now_ns() - began_ns) / 1e9

    def empty(self):
        self.conn.execute(f"TRUNCATE {', '.join(KEYS)}")
        self.seconds.clear()


def writing(case, domain_rows, *, hours):
    at = START + timedelta(hours=hours)
    if case.startswith("deals"):
        return lambda conn: deals.write(conn, 1, domain_rows, seen_at=at)
    return lambda conn: products.write(conn, 1, domain_rows, fetched_at=at, has_history=True)


def telling(asin):
    def tell(conn):
        (domain,) = price_history.domains_of(conn, asin)
        price_history.product_summary(conn, domain, asin)
        assert price_history.points(conn, domain, asin, price_types=None)  # noqa: S101 - it would measure nothing

    return tell


def batches_of(chance, batches):
    """Each case with its batches, in the order in which they are written."""
    pages = [[make_deal(chance, f"B{n * PAGE + at:09}") for at in range(PAGE)] for n in range(batches)]
    few = max(1, batches // 3)
    groups = [[make_product(chance, f"B{n * PRODUCTS + at:09}") for at in range(PRODUCTS)] for n in range(few)]
    newer_pages = [[change_deal(chance, deal) for deal in page] for page in pages]
    newer_groups = [[change_product(chance, product) for product in group] for group in groups]
    cases = [
        ("deals, fresh", pages, 0),
        ("deals, unchanged", pages, 1),
        ("deals, changed", newer_pages, 2),
        ("histories, fresh", groups, 0),
        ("histories, unchanged", groups, 1),
        ("histories, changed", newer_groups, 2),
    ]
    work = [(case, [writing(case, rows, hours=hours) for rows in found]) for case, found, hours in cases]
    return [*work, ("history", [telling(product.asin) for group in groups for product in group[:8]])]


def run(sides, work, chance):
    """One round: the seconds of each case in whole tables and in partitions."""
    for side in sides:
        side.empty()
        side.conn.execute("CHECKPOINT")
    for case, steps in work:
        if case == "history":
            for side in sides:
                side.conn.execute(f"ANALYZE {', '.join(KEYS)}")
        for step in steps:
            for side in chance.sample(sides, 2):
                side.time(case, step)
    whole, parted = sides
    return {case: (whole.seconds[case], parted.seconds[case]) for case, _ in work}


def report(rounds):
    """Print the ratios; whether all of them reach their aims."""
    print(f"{'case':24}{'whole':>12}{'partitions':>12}{'ratio':>8}{'aim':>10}")
    is_reached = True
    for case in rounds[0]:
        whole = statistics.median(one[case][0] for one in rounds)
        parted = statistics.median(one[case][1] for one in rounds)
        if case == "history":
            ratio = statistics.median(b / a for a, b in (one[case] for one in rounds))
            aim, is_met = f"<= {HISTORY}", ratio <= HISTORY
        else:
            ratio = statistics.median(a / b for a, b in (one[case] for one in rounds))
            aim, is_met = f">= {WRITES}", ratio >= WRITES
        is_reached = is_reached and is_met
        print(
            f"{case:24}{whole * 1000:>9.0f} ms{parted * 1000:>9.0f} ms{ratio:>8.2f}{aim:>10}",
            "" if is_met else "missed",
        )
    return is_reached


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=12, help="pages of 150 deals a round")
    parser.add_argument("--partitions", type=int, default=16)
    options = parser.parse_args()
    chance = random.Random(7)
    with ExitStack() as opened:
        home = opened.enter_context(tempfile.TemporaryDirectory(prefix="sluicegate-bench-"))
        server = opened.enter_context(EmbeddedPostgres(Path(home) / "pg"))
        sides = []
        for name in ("whole", "parted"):
            conn = opened.enter_context(connect(server.start(name), application_name="bench", autocommit=True))
            migrate.apply_migrations(conn)
            sides.append(Side(conn))
        Move(sides[1].conn, SystemClock(), parts=options.partitions).run(lambda _: None)
        work = batches_of(chance, options.batches)
        gc.freeze()  # the collector would walk through the prepared batches, which no worker has
        run(sides, work, chance)  # to warm up
        rows = {"deals": options.batches * PAGE, "histories": max(1, options.batches // 3) * PRODUCTS * SERIES}
        print(", ".join(f"{count:,} {what}" for what, count in rows.items()), "a round")
        return 0 if report([run(sides, work, chance) for _ in range(options.rounds)]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
