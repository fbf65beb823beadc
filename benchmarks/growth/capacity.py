"""What a plan needs after a month and a year, reckoned from what is measured here: bytes a row, CPU, memory, back-ups.

A plan's tokens are taken to be spent, half by each job, at the full batches of a large plan or a call a minute of a
small one: pages of 150 deals with the figures of each, and products with histories. Each is a new one until there are
as many as the market has; from then on rows are written anew, which leaves room between them.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from benchmarks import pipeline, supervision
from benchmarks.growth import disorder
from benchmarks.growth.measure import Row, command
from benchmarks.growth.source import BATCH, DOMAIN, Market
from tasks.store import deals
from tasks.store.connection import connect

PLANS = (5, 20, 60, 1_200, 4_000)
MINUTES = {"a month": 43_800, "a year": 525_600}
MARKET = 1_000_000  # deals, and products, that a set of selections ever lists
PAGE, PAGE_TOKENS = 150, 5
ROUND_TOKENS = 2 * (PAGE_TOKENS + PAGE)  # a page, its details, and as much for the backfill
PAGES = 20
GB = 1e9
# Bytes with indexes and TOAST, by what the rows are; a table that is not named belongs to the products.
BYTES = """
SELECT
    CASE WHEN c.relname ~ '^(deal|current)' THEN 'deal' WHEN c.relname ~ '^fetch_queue' THEN 'queue item'
         WHEN c.relname ~ '^call' THEN 'call' WHEN c.relname ~ '^quarantine' THEN 'fault' ELSE 'product' END AS what,
    sum(pg_total_relation_size(c.oid))::bigint
FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY 1
"""
ROWS = {
    "deal": "SELECT count(*) FROM deal_rows",
    "queue item": "SELECT count(*) FROM fetch_queue",
    "call": "SELECT count(*) FROM calls",
    "fault": "SELECT count(*) FROM quarantine",
    "product": "SELECT count(*) FROM products",
}


class Costs(NamedTuple):
    """What was measured.

    Attributes:
        row_bytes: by what the rows are.
        churn: bytes of products written anew five times, by those of fresh ones.
        product_s: CPU seconds of a product with its history, client and server.
        page_s: the same of a page of new deals.
        worker_mb: peak memory of a worker.
        rest_mb: memory of the supervisor and three workers that wait.
        dump_s, restore_s: CPU seconds of a gigabyte of database, client and server; the clock is no less.
        dump_part: bytes of the back-up, as a part of the database's.
    """

    row_bytes: dict[str, float]
    churn: float
    product_s: float
    page_s: float
    worker_mb: float
    rest_mb: float
    dump_s: float
    restore_s: float
    dump_part: float


def capacity(bench):
    """Measure, and print what each plan needs."""
    (url,) = bench.urls.values()
    (server,) = bench.servers.values()
    found, _ = pipeline.measured(rounds=min(3, bench.rounds), count=600, only_ours=True)
    run = pipeline.medians(found["ours"])
    with tempfile.TemporaryDirectory() as folder:
        _, rest_mb = supervision.at_rest(Path(folder) / "state", 5)
    fresh, _, churn = disorder.rewritten(bench)
    costs = Costs(
        row_bytes=_row_bytes(url),
        churn=churn.values[""],
        product_s=(run.client_s + run.database_s) / BATCH,
        page_s=_page_s(bench),
        worker_mb=run.peak_mb,
        rest_mb=rest_mb,
        **_back_up(bench, url, server),
    )
    print(document(costs), flush=True)
    return [fresh, Row("bytes of a product of that size", {"": costs.row_bytes["product"] / 1e3}, "KB")]


def document(costs):
    """The tables of docs/capacity.md."""
    measured = [
        *((f"bytes of a {what}, indexes included", f"{size:,.0f}") for what, size in costs.row_bytes.items()),
        ("products written anew five times, against fresh ones", f"{costs.churn:.2f} times"),
        ("CPU of a product with its history, reply to commit, client and server", f"{costs.product_s * 1e3:.1f} ms"),
        (f"CPU of a page of {PAGE} new deals, client and server", f"{costs.page_s * 1e3:.0f} ms"),
        ("memory of the supervisor and three workers that wait", f"{costs.rest_mb:.0f} MB"),
        ("memory of a worker at its peak, 100 products a call", f"{costs.worker_mb:.0f} MB"),
        ("CPU of a back-up, for each gigabyte of the database", f"{costs.dump_s:.0f} s"),
        ("bytes of a back-up, as a part of the database", f"{costs.dump_part:.0%}"),
        ("CPU of a restore, for each gigabyte of the database", f"{costs.restore_s:.0f} s"),
    ]
    kept = ("tokens a minute", "after", "calls", "deals", "products", "database", "back-up", "takes", "a restore takes")
    return "\n\n".join(
        (
            _table(("what", "measured"), measured),
            _table(kept, [_kept(costs, plan, span) for plan in PLANS for span in MINUTES]),
            _table(("tokens a minute", "CPU, part of a core", "memory"), [_used(costs, plan) for plan in PLANS]),
        )
    )


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _kept(costs, plan, span):
    minutes = MINUTES[span]
    rounds = plan * minutes / ROUND_TOKENS
    listed, fetched = rounds * PAGE, rounds * (PAGE + PAGE_TOKENS)
    calls = max(minutes, rounds * (1 + PAGE / BATCH + (PAGE + PAGE_TOKENS) / BATCH))
    known_deals, known_products = min(listed, MARKET), min(fetched, MARKET)
    row = costs.row_bytes
    churn = costs.churn if fetched > 2 * MARKET else 1.0
    size = (
        calls * row["call"] + known_deals * row["deal"] + known_products * (row["product"] * churn + row["queue item"])
    )
    cells = (f"{calls / 1e6:.2f} M", f"{known_deals / 1e3:,.0f} k", f"{known_products / 1e3:,.0f} k")
    dump, restore = size / GB * costs.dump_s, size / GB * costs.restore_s
    sizes = (f"{size / GB:.1f} GB", f"{size * costs.dump_part / GB:.1f} GB", _time(dump), _time(restore))
    return (f"{plan:,}", span, *cells, *sizes)


def _used(costs, plan):
    """The part of a core: each token of a round is a product, but for those of the page. The memory of two workers."""
    rounds = plan / 60 / ROUND_TOKENS
    share = rounds * (costs.page_s + (2 * PAGE + PAGE_TOKENS) * costs.product_s)
    return f"{plan:,}", f"{share:.2%}", f"{costs.rest_mb + 2 * costs.worker_mb:.0f} MB"


def _time(seconds):
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6_000
        else f"{seconds / 3600:.1f} h"
    )


def _row_bytes(url):
    with connect(url, application_name="growth", autocommit=True) as conn:
        sizes = dict(conn.execute(BYTES).fetchall())
        return {what: float(sizes[what]) / conn.execute(query).fetchone()[0] for what, query in ROWS.items()}


def _page_s(bench):
    """CPU seconds of a page of new deals, from its bytes to the commit."""
    with Market(2 * PAGE) as market:
        found, _ = market.deals(PAGE)
        page = list(found.values())
    with bench.empty() as url, connect(url, application_name="growth", autocommit=True) as conn:
        server = bench.server(url)
        before = time.process_time() + server.spent_s(conn)
        for number in range(PAGES):
            named = [replace(deal, asin=f"B{number * PAGE + at:09d}") for at, deal in enumerate(page)]
            with conn.transaction():
                deals.write(conn, DOMAIN, named, seen_at=datetime.now(UTC))
        return (time.process_time() + server.spent_s(conn) - before) / PAGES


def _back_up(bench, url, server):
    """CPU seconds of a gigabyte, dumped and restored, and how large the back-up is, as a part of the database."""
    with connect(url, application_name="growth", autocommit=True) as conn, ExitStack() as stack:
        (size,) = conn.execute("SELECT pg_database_size(current_database())").fetchone()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        file = Path(folder) / "sluicegate.dump"
        before = server.spent_s()
        ran = command(url, server, "pg-dump", "--format=custom", f"--file={file}")
        dump_s = ran.cpu_s + server.spent_s() - before
        part = file.stat().st_size / size
        target = stack.enter_context(bench.empty(has_tables=False))
        other = bench.server(target)
        before = other.spent_s()
        ran = command(target, other, "pg-restore", f"{file}")
        restore_s = ran.cpu_s + other.spent_s() - before
    return {"dump_s": dump_s / size * GB, "restore_s": restore_s / size * GB, "dump_part": part}
