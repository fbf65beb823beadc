"""Copies of the smallest size's rows under other ASINs and at other times, until a table is as long as it should be.

Copied is whatever table has an ASIN, column by column, so that a table which a later schema brings grows like the
others. What a copy keeps is what a product is; what it does not are its name and all its times: each moment lies as far
from when the copy was seen as the original's does.
"""

from __future__ import annotations

import re
import time

from psycopg import sql

from benchmarks.growth.fill import YEAR
from tasks.store.calls import figures
from tasks.store.queue.check import check

# The copies in the order in which they were seen, as a table that grew over a year has its rows.
_COPIES = """
CREATE TEMP TABLE copies AS
SELECT one.*, floor(extract(epoch FROM shift) / 60)::int AS minutes FROM (
    SELECT DISTINCT ON (asin) base, number, asin,
        now() - {year}::interval * power(('x' || right(digest, 8))::bit(32)::bigint / 4294967296.0, 2) - at AS shift
    FROM (
        SELECT s.asin AS base, n AS number, s.at, md5(s.asin || ' ' || n) AS digest,
            'B' || upper(left(md5(s.asin || ' ' || n), 9)) AS asin
        FROM growth.seen AS s, generate_series(1, {most} - 1) AS n
    ) AS named
    ORDER BY asin
) AS one JOIN growth.seen AS s ON s.asin = one.base
ORDER BY s.at + one.shift
"""
_TABLES = """
SELECT c.relname, array_agg((a.attname, format_type(a.atttypid, NULL))::text ORDER BY a.attnum) AS columns
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
GROUP BY c.oid, c.relname ORDER BY c.relname
"""
# Copied row by row along the copies, by the key of the originals: any other way would not keep the order.
_ALONG_THE_COPIES = (
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET work_mem = '256MB'",
    "SET max_parallel_workers_per_gather = 0",
)
_MOMENTS = {"timestamp with time zone": "{} + c.shift", "date": "({} + c.shift)::date"}
_MINUTES = re.compile(r"(.*_)?(minute|since|update|start|end|date)")
_CALLS = """
INSERT INTO calls ({columns}) SELECT {values}
FROM generate_series(1, {more}) AS n JOIN originals AS t ON t.at_place = 1 + n::bigint * 7919 %% {known}
"""
_SUMS = """
TRUNCATE calls_hourly;
INSERT INTO calls_hourly (hour, account, host, worker, tier, endpoint, shape, {names})
SELECT {hour}, account, host, worker, tier, endpoint, shape, {figures}
FROM calls GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1
"""
_FAULTS = """
INSERT INTO quarantine (kind, domain, key, reason, raw, first_at, last_at, times)
SELECT kind, domain, key || '-' || n, reason, raw, m.at, m.at, times
FROM generate_series(1, %(more)s) AS n
JOIN originals AS t ON t.at_place = 1 + n::bigint * 7919 %% %(known)s,
LATERAL (SELECT now() - %(year)s::interval * (1 - n / (%(more)s + 1.0)) AS at) AS m
"""
_ORIGINALS = """
CREATE TEMP TABLE originals AS SELECT *, row_number() OVER (ORDER BY id) AS at_place FROM {table};
CREATE UNIQUE INDEX ON originals (at_place);
ANALYZE originals;
"""


def multiply(conn, base, size, *, log=print):
    """Grow the tables of the size `base` to `size`, and forget `growth.seen`.

    Args:
        conn: a connection outside a transaction, of which this changes the settings.
        base: the size that is there.
        size: the size wanted.
        log: told what is being done.
    """
    times = {
        "deals": size.deals // base.deals,
        "products": size.products // base.products,
        "pending": size.pending // base.pending,
    }
    for setting in _ALONG_THE_COPIES:
        conn.execute(setting)
    tables = {name: [_pair(column) for column in columns] for name, columns in conn.execute(_TABLES).fetchall()}
    if max(times.values()) > 1:
        most = max(times.values())
        conn.execute(sql.SQL(_COPIES).format(year=sql.Literal(YEAR), most=sql.Literal(most)))
        conn.execute("ANALYZE copies")
        for name, columns in tables.items():
            if {"domain", "asin"} <= dict(columns).keys():  # lists of the user's own do not grow with what is gathered
                began_s = time.monotonic()
                _copy(conn, name, columns, times)
                log(f"  {size.name}: {name}, {time.monotonic() - began_s:.0f} s")
    with conn.transaction():
        check(conn)
    _copy_calls(conn, [name for name, _ in tables["calls"]], size.calls)
    _copy_faults(conn, size.quarantine)
    conn.execute("DROP SCHEMA growth CASCADE")
    conn.execute("VACUUM (ANALYZE)")


def _pair(column):
    """Name and type of `(name,type)`."""
    name, _, kind = column[1:-1].partition(",")
    return name.strip('"'), kind.strip('"')


def _copy(conn, name, columns, times):
    def copied(where, most):
        statement = sql.SQL(
            "INSERT INTO {table} ({names}) SELECT {values} FROM copies AS c JOIN {table} AS t ON t.asin = c.base"
            " AND t.domain = 1 WHERE c.number < {most} AND {where}"
        ).format(
            table=sql.Identifier(name),
            names=sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns),
            values=sql.SQL(", ").join(_value(name, *column) for column in columns),
            most=sql.Literal(most),
            where=sql.SQL(where),
        )
        conn.execute(statement)

    if name == "fetch_queue":
        copied("t.state = 'pending'", times["pending"])
        copied("t.state = 'done'", times["products"])
    else:
        copied("true", times["products" if re.match("product|price|offer|histor", name) else "deals"])


def _value(table, column, kind):
    """What a copy has in that column."""
    name = sql.Identifier("t", column)
    if column == "asin":
        return sql.SQL("c.asin")
    if kind in _MOMENTS:
        return sql.SQL(_MOMENTS[kind]).format(name)
    if (table, column) == ("fetch_queue", "place"):
        return sql.SQL("{} + (c.minutes * 60000000000)").format(name)
    if table.startswith("deal") and _MINUTES.fullmatch(column):
        moved = "CASE WHEN {0} > 0 THEN {0} + c.minutes ELSE {0} END"
        if kind == "integer":
            return sql.SQL(moved).format(name)
        if kind == "integer[]":
            each = sql.SQL(moved).format(sql.SQL("v"))
            return sql.SQL("(SELECT array_agg({} ORDER BY n) FROM unnest({}) WITH ORDINALITY AS u (v, n))").format(
                each, name
            )
    return name


def _copy_calls(conn, columns, wanted):
    more, known = _originals(conn, "calls", wanted)
    if more:
        at = f"now() - interval '{YEAR.days} days' * (1 - n / ({more} + 1.0))"
        values = [{"at": at, "key": "gen_random_uuid()"}.get(name, f"t.{name}") for name in columns]
        conn.execute(
            _CALLS.format(columns=", ".join(columns), values=", ".join(values), more=more, known=known).encode(), ()
        )
        hour = figures.hour("at")
        conn.execute(_SUMS.format(names=figures.NAMES, hour=hour, figures=figures.OF_CALLS).encode())
    conn.execute("DROP TABLE originals")


def _copy_faults(conn, wanted):
    more, known = _originals(conn, "quarantine", wanted)
    if more:
        conn.execute(_FAULTS, {"more": more, "known": known, "year": YEAR})
    conn.execute("DROP TABLE originals")


def _originals(conn, table, wanted):
    """How many rows are missing, and how many there are; those are in the table `originals` then."""
    conn.execute(_ORIGINALS.format(table=table))
    (known,) = conn.execute("SELECT count(*) FROM originals").fetchone()
    return max(0, wanted - known), known
