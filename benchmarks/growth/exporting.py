"""What `export` takes: each kind in each format, against a bare COPY of the same rows."""

from __future__ import annotations

from functools import partial

from psycopg import sql

from benchmarks.growth.measure import Aim, Row, command, connections, interleaved
from tasks.store.export import export
from tasks.store.export.queries import QUERIES

# Rows that a second of CPU makes, ours and the server's together: with a core for each there are more in a second.
AIMS = {("history", False, "csv"): 500_000, ("deals", False, "csv"): 150_000}
NOTHING = ("export", "deals", "--domain", "in")  # the start of the command, which is taken off
FORMATS = ("csv", "jsonl", "parquet")
MOST_MB = 100
PARQUET_MB = 180  # pyarrow alone takes more than the rest, and loads pandas where that is installed, as here


def exports(bench):
    """Rows a second of CPU of each kind and format, how many times the CPU of the bare COPY that is, and the memory."""
    rows = []
    with connections(bench.urls) as conns:
        for kind, is_daily in QUERIES:
            if (kind, is_daily) == ("calls", True):
                continue  # sums of some rows into fewer
            bare = _bare(bench, conns, kind, is_daily=is_daily)
            for form in FORMATS:
                words = ["export", kind, "--format", form, *(["--daily"] if is_daily else [])]
                rows += _rows(bench, words, bare, AIMS.get((kind, is_daily, form)))
    return rows


def _rows(bench, words, bare, aim):
    """The three rows of a command; `bare` has how many rows there are and the CPU of copying them, by size."""
    ran, cpu_s = {}, {}
    for name, url in bench.urls.items():
        _, start_s = _run(url, bench.servers[name], NOTHING)
        ran[name], whole_s = _run(url, bench.servers[name], words)
        cpu_s[name] = max(whole_s - start_s, 0.001)
    rate = {name: bare[name][0] / cpu_s[name] for name in ran}
    ratio = {name: cpu_s[name] / bare[name][1] for name in ran}
    most_mb = PARQUET_MB if "parquet" in words else MOST_MB
    return [
        Row(f"{' '.join(words)}, rows", rate, "/s", None if aim is None else Aim("all", aim, at_least=True)),
        Row("  CPU of a bare COPY of these rows", ratio, "times"),
        Row("  peak memory", {name: one.peak_mb for name, one in ran.items()}, "MB", Aim("all", most_mb)),
    ]


def _run(url, server, words):
    """What the command took, and its CPU seconds with those of the server."""
    spent_s = server.spent_s()
    ran = command(url, server, *words)
    return ran, ran.cpu_s + server.spent_s() - spent_s


def _bare(bench, conns, kind, *, is_daily):
    """By size, the rows and the CPU seconds of a bare COPY."""
    found = {}
    wanted = export.Export(kind=kind, is_daily=is_daily)
    for name, conn in conns.items():
        query = export._query(conn, wanted, are_ranks_packed=False)  # noqa: SLF001 - the very rows
        made = sql.SQL("CREATE TEMP TABLE bare AS {query}").format(query=query)
        conn.execute(made, {"domain": None, "since": None}, prepare=False)
        took = interleaved(
            {name: partial(_copy, conn)}, {name: partial(bench.servers[name].spent_s, conn)}, bench.rounds
        )
        (count,) = conn.execute("SELECT count(*) FROM bare").fetchone()
        conn.execute("DROP TABLE bare")
        found[name] = count, took.cpu_ms[name] / 1e3
    return found


def _copy(conn):
    with conn.cursor() as cursor, cursor.copy("COPY bare TO STDOUT (FORMAT csv)") as copy:
        for _ in copy:
            pass
