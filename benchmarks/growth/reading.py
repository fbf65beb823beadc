"""What reading takes: the figures of the queue, `deals`, the documented queries, `spend` and `quarantine list`."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from benchmarks.growth.fill import stream
from benchmarks.growth.measure import Aim, Row, command, connections, interleaved
from tasks.planning import streams
from tasks.store.queue.counts import queue_counts

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "queries.md"
EXAMPLE = "'B08N5WRWNW'"
TYPES = "--type NEW --type AMAZON --type BUY_BOX_SHIPPING --type USED"
# One with a price of Amazon and one of anybody, so that each query about one product finds something.
PRODUCT = """
SELECT asin FROM price_series WHERE domain = 1 AND price_type IN (0, 1)
GROUP BY asin HAVING count(*) = 2 ORDER BY asin LIMIT 1
"""
WAITING = "SELECT count(*) FROM fetch_queue WHERE state = 'pending'"


def queue_figures(bench):
    """The figures that the supervisor asks for, and how far off they are."""
    chosen = streams.wanted_streams([stream()])
    off = {}
    with connections(bench.urls) as conns:
        ways = {name: partial(queue_counts, conn, chosen) for name, conn in conns.items()}
        took = interleaved(ways, bench.spent(conns), bench.rounds)
        for name, conn in conns.items():
            (true,) = conn.execute(WAITING).fetchone()
            told = queue_counts(conn, chosen)
            off[name] = 100 * abs(told.pending + told.unwanted - true) / true
    return [
        *took.rows("figures of the queue", Aim("all", 5)),
        Row("  how far off what waits is", off, "%", Aim("all", 1)),
    ]


def deals(bench):
    """The command as a whole, Python's start included."""
    some = _commands(
        bench,
        ("deals", Aim("L/S", 1.3)),
        (f"deals --within 365d {TYPES}", Aim("L/S", 2)),
        *((f"deals --sort {sort}", Aim("L/S", 1.3)) for sort in ("drop", "price", "rank", "newest")),
        ("deals --min-discount 60 --over month", Aim("L/S", 1.3)),
    )
    every = "deals --top 1000000 --csv --within 365d"
    ran = {name: command(url, bench.servers[name], *every.split()) for name, url in bench.urls.items()}
    rate = {name: (one.lines - 1) / one.wall_s for name, one in ran.items()}
    return [
        *some,
        Row(every, {name: one.wall_s * 1e3 for name, one in ran.items()}),
        Row("  its rows", {name: one.lines - 1 for name, one in ran.items()}, "rows"),
        Row("  its rows a second", rate, "/s", Aim("L", 150_000, at_least=True)),
        Row("  its peak memory", {name: one.peak_mb for name, one in ran.items()}, "MB", Aim("L/S", 1.2)),
    ]


def queries(bench):
    """Every query of docs/queries.md, all its rows fetched."""
    found = {
        section.partition("\n")[0]: query
        for section in DOCUMENT.read_text().split("\n## ")
        for query in re.findall(r"^```sql\n([^`]*)^```", section, re.MULTILINE)
    }
    rows = []
    with connections(bench.urls) as conns:
        products = {name: conn.execute(PRODUCT).fetchone()[0] for name, conn in conns.items()}
        for title, query in found.items():
            texts = {name: query.replace(EXAMPLE, f"'{products[name]}'").encode() for name in conns}
            ways = {name: partial(_fetch, conns[name], text) for name, text in texts.items()}
            rows += interleaved(ways, bench.spent(conns), bench.rounds).rows(f"query: {title}", Aim("L", 1_000))
    return rows


def spend(bench):
    """The sums of a year, by each name, and of shorter times."""
    year = (f"spend --by {by} --since 365d" for by in ("tier", "endpoint", "shape"))
    return _commands(bench, *((words, Aim("L/S", 1.5)) for words in (*year, "spend", "spend --since 7d")))


def quarantine(bench):
    """The latest faults, and those that a filter finds."""
    ways = ("quarantine list", "quarantine list --kind deal", "quarantine list --reason csv")
    return _commands(bench, *((words, Aim("L/S", 1.5)) for words in ways))


def _fetch(conn, text):
    return conn.execute(text, prepare=False).fetchall()


def _commands(bench, *ways):
    """A row for each command and its aim."""
    rows = []
    for words, aim in ways:
        ways = {name: partial(command, url, bench.servers[name], *words.split()) for name, url in bench.urls.items()}
        rows += interleaved(ways, bench.spent(), bench.rounds).rows(words, aim)
    return rows
