"""What a database costs that has not been tidied up: dead entries under an open snapshot, and rows written anew."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec.structs import replace

from benchmarks.growth.fill import DETAIL, stream
from benchmarks.growth.measure import Aim, Row, Server, interleaved
from benchmarks.growth.source import BATCH, DOMAIN, Market
from tasks.keepa import prices
from tasks.planning import streams
from tasks.store.connection import connect
from tasks.store.products import products
from tasks.store.queue import queue
from tasks.store.queue.front import ClaimFront

DEAD = 100_000
LEFT = 200_000
PRODUCTS = 1_000
REWRITES = 5
EVERY_S = 3.5  # a batch, as 1,700 tokens a minute buy them; of a table that is written at once nothing is tidied up
TIDY_S = 60
MANY = """
INSERT INTO fetch_queue (domain, asin, detail, priority, place, selection_key)
SELECT 1, 'B' || upper(left(md5(n::text), 9)), %(detail)s, 0, n, %(key)s FROM generate_series(1, %(count)s) AS n
ON CONFLICT DO NOTHING
"""
FINISH = """
UPDATE fetch_queue SET state = 'done', finished_at = now() WHERE (domain, asin, detail) IN (
    SELECT domain, asin, detail FROM fetch_queue WHERE state = 'pending' ORDER BY -priority, place LIMIT %s
)
"""
# The tables of products: bytes with indexes and TOAST.
OF_PRODUCTS = """
SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname !~ '^deal|^fetch'
  AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'asin' AND NOT a.attisdropped)
ORDER BY 2 DESC
"""
# The largest share of dead rows in those, and in their TOAST tables.
UNTIDY = """
SELECT max(s.n_dead_tup / (s.n_live_tup + 1000.0)) FROM pg_stat_all_tables AS s
WHERE s.relid IN (
    SELECT unnest(ARRAY[c.oid, c.reltoastrelid]) FROM pg_class AS c WHERE c.relname = ANY(%s) AND c.relkind = 'r'
)
"""


def claim(bench):
    """A claim while somebody's transaction keeps what was done before it from being tidied up."""
    chosen = streams.wanted_streams([stream()])
    with bench.scratch() as url, ExitStack() as stack:
        conn, other = (stack.enter_context(connect(url, application_name="growth", autocommit=True)) for _ in "12")
        conn.execute("TRUNCATE fetch_queue")
        conn.execute(MANY, {"detail": DETAIL, "key": stream().key, "count": DEAD + LEFT})
        conn.execute("VACUUM (ANALYZE) fetch_queue")

        front = ClaimFront()  # as a worker has it, which claims batch after batch

        def once():
            with conn.transaction(force_rollback=True):
                queue.claim(conn, owner="bench", limit=BATCH, lease_s=600, chosen=chosen, front=front)

        spent = {"": partial(Server(url).spent_s, conn)}
        plain = interleaved({"": once}, spent, bench.rounds)
        with other.transaction():
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT count(*) FROM domains")
            conn.execute(FINISH, (DEAD,))
            conn.execute("ANALYZE fetch_queue")
            dead = interleaved({"": once}, spent, bench.rounds)
    return [
        *plain.rows(f"{BATCH} products claimed from a tidy queue"),
        *dead.rows(f"{BATCH} over {DEAD:,} dead entries under a snapshot", Aim("", 20)),
    ]


def rewritten(bench):
    """Products whose histories grew, written five times in no order, the server's own vacuum in between."""
    now = datetime.now(UTC)
    with Market(2 * PRODUCTS) as market:
        found, _ = market.deals(PRODUCTS)
        known = [product for batch in market.products(list(found)) for product in batch]
    with bench.empty() as url, connect(url, application_name="growth", autocommit=True) as conn:
        sizes = []
        for number in range(REWRITES + 1):
            random.Random(number).shuffle(known)
            for at in range(0, len(known), BATCH):
                next_s = time.monotonic() + (EVERY_S if number else 0)
                with conn.transaction():
                    batch, fetched_at = known[at : at + BATCH], now + timedelta(hours=number)
                    products.write(conn, DOMAIN, batch, fetched_at=fetched_at, has_history=True)
                threading.Event().wait(max(0, next_s - time.monotonic()))
            _tidied(conn)
            sizes.append(sum(size for _, size in conn.execute(OF_PRODUCTS).fetchall()))
            known = [_grown(product, number) for product in known]
    return [
        Row("bytes of a product in a fresh table", {"": sizes[0] / len(known) / 1e3}, "KB"),
        Row(f"  rewritten {REWRITES} times", {"": sizes[-1] / len(known) / 1e3}, "KB"),
        Row("  against fresh", {"": sizes[-1] / sizes[0]}, "times", Aim("", 1.4)),
    ]


def _tidied(conn):
    """Return when the server's own vacuum has been through the tables, or after a minute."""
    names = [name for name, _ in conn.execute(OF_PRODUCTS).fetchall()]
    ends = time.monotonic() + TIDY_S
    while time.monotonic() < ends:
        conn.execute("SELECT pg_stat_clear_snapshot()")
        (share,) = conn.execute(UNTIDY, (names,)).fetchone()
        if share < 0.1:
            return
        threading.Event().wait(0.5)


def _grown(product, number):
    """The product some hours later: a point more in each of its histories."""

    def grown(flat, width):
        return flat and [*flat, flat[-width] + 60, *(value + number + 1 for value in flat[-width + 1 :])]

    csv = [grown(flat, 3 if price_type in prices.TRIPLES else 2) for price_type, flat in enumerate(product.csv)]
    ranks = {category: grown(flat, 2) for category, flat in (product.sales_ranks or {}).items()}
    return replace(product, csv=csv, sales_ranks=ranks, last_update=product.last_update + 1)


def product_bytes(bench):
    """Bytes of a product with its histories over all tables, indexes included."""
    rows, total = {}, {}
    for name, url in bench.urls.items():
        with connect(url, application_name="growth", autocommit=True) as conn:
            (count,) = conn.execute("SELECT count(*) FROM products").fetchone()
            for table, size in conn.execute(OF_PRODUCTS).fetchall():
                rows.setdefault(f"  {table}", {})[name] = size / count / 1e3
                total[name] = total.get(name, 0) + size / count / 1e3
    return [
        Row("bytes of a product with histories, all tables", total, "KB", Aim("L", 36)),
        *(Row(table, values, "KB") for table, values in rows.items() if max(values.values()) > 0.1),
    ]
