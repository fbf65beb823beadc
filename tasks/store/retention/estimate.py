"""What pruning would delete now, by setting and table, without deleting anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString, NamedTuple

from psycopg import sql

from tasks.store.calls import months
from tasks.store.retention import deals, sizes
from tasks.store.retention.keep import cutoff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep
    from tasks.store.retention.sizes import TableSize

# Of a product: the tables that have rows of it, and what those are called when they are reported.
OF_PRODUCT: Final = {"products": "products", "price_series": "price_series_rows", "offers": "offers"}
# What each setting deletes of, by its name in `Keep`.
_TABLES: Final = {
    "calls_d": ("calls",),
    "deals_d": ("deals",),
    "history_d": (*OF_PRODUCT, "fetch_queue"),
    "queue_d": ("fetch_queue",),
    "quarantine_d": ("quarantine",),
}
_OLD_CALL: Final[Mapping[str, LiteralString]] = {"calls": "t.at < %(calls)s"}
_OLD_FAULT: Final[Mapping[str, LiteralString]] = {"quarantine": "t.last_at < %(quarantine)s"}
_OLD_DEAL: Final[Mapping[str, LiteralString]] = {
    "deals": "t.last_seen_at < %(deals)s "
    "AND EXISTS (SELECT FROM deal_rows AS d WHERE d.domain = t.domain AND d.asin = t.asin)",
    "sightings": "t.last_seen_at < %(forgotten)s",
}
# As `products.delete` and `products.step` judge one, which is called {p}.
_IS_OLD_PRODUCT: Final[LiteralString] = """
    greatest({p}.fetched_at, {p}.history_fetched_at, {p}.stats_fetched_at, {p}.offers_fetched_at) < %(history)s
    AND NOT EXISTS (SELECT FROM deal_sightings AS s
        WHERE s.domain = {p}.domain AND s.asin = {p}.asin AND s.last_seen_at >= %(history)s)
    AND NOT EXISTS (SELECT FROM fetch_queue AS q
        WHERE q.domain = {p}.domain AND q.asin = {p}.asin AND (q.state = 'leased' OR q.finished_at >= %(history)s))
    AND NOT EXISTS (SELECT FROM watched_products AS w
        WHERE w.list_key IN (SELECT list_key FROM watch_lists WHERE domain = {p}.domain) AND w.asin = {p}.asin)
"""
# With a product go its rows in these tables.
_OLD_PRODUCTS: Final = """
SELECT count(*), count(*) FILTER (WHERE is_old), coalesce(sum((
    SELECT count(*) FROM price_series_rows AS s WHERE s.domain = t.domain AND s.asin = t.asin
)) FILTER (WHERE is_old), 0)::bigint, coalesce(sum((
    SELECT count(*) FROM offers AS o WHERE o.domain = t.domain AND o.asin = t.asin
)) FILTER (WHERE is_old), 0)::bigint, coalesce(sum((
    SELECT count(*) FROM fetch_queue AS q
    WHERE q.domain = t.domain AND q.asin = t.asin AND q.state IN ('done', 'given up')
)) FILTER (WHERE is_old), 0)::bigint
FROM ({looked_at} OFFSET 0) AS t
"""
_OLD_ITEM: Final[LiteralString] = """
    t.state = 'done' AND t.finished_at < %(queue)s
    AND NOT EXISTS (SELECT FROM deal_sightings AS s
        WHERE s.domain = t.domain AND s.asin = t.asin AND s.last_seen_at >= %(queue)s)
"""
_GOES_WITH_PRODUCT: Final[LiteralString] = """
    AND NOT EXISTS (SELECT FROM products AS p WHERE p.domain = t.domain AND p.asin = t.asin AND {is_old})
"""


class Freed(NamedTuple):
    """What one setting would delete: rows by table, and about how many bytes that is."""

    rows: Mapping[str, int]
    bytes: int
    is_estimate: bool


def due(
    conn: Connection, tables: Mapping[str, TableSize], keep: Keep, now: datetime, until: datetime | None
) -> dict[str, Freed]:
    """What each setting would delete, by the setting's name in `Keep`; each row counts for one of them.

    Args:
        conn: the connection.
        tables: what `sizes.table_sizes` gives.
        keep: the settings.
        now: the moment that the ages of calls and faults end with.
        until: the moment that all other ages end with; None when there was no walk yet.
    """
    calls, quarantine = cutoff(keep.calls_d, now), cutoff(keep.quarantine_d, now)
    found = {name: Freed(dict.fromkeys(of, 0), 0, is_estimate=False) for name, of in _TABLES.items()}
    if calls is not None:
        found["calls_d"] = _calls(conn, tables, calls)
    if quarantine is not None:
        found["quarantine_d"] = _freed(conn, tables, "quarantine", _OLD_FAULT, {"quarantine": quarantine})
    if until is None:
        return found
    before = deals.cutoffs(keep, until)
    if before.deals is not None:
        found["deals_d"] = _deals(conn, tables, {"deals": before.deals, "forgotten": before.forgotten})
    if before.history is not None:
        found["history_d"] = _products(conn, tables, {"history": before.history})
    queue = cutoff(keep.queue_d, until)
    if queue is not None:
        old = _OLD_ITEM
        if before.history is not None:
            old += _GOES_WITH_PRODUCT.format(is_old=_IS_OLD_PRODUCT.format(p="p"))
        found["queue_d"] = _freed(
            conn, tables, "fetch_queue", {"fetch_queue": old}, {"queue": queue, "history": before.history}
        )
    return found


def _calls(conn: Connection, tables: Mapping[str, TableSize], before: datetime) -> Freed:
    """Whole months, and single calls that no month has."""
    whole = [part.name for part in months.droppable(conn, before)]
    by_row = [name for name in months.deleted_by_row(conn) if name not in whole]
    parts = {"calls": tables["calls"]} | sizes.table_sizes(conn, [*whole, *by_row])
    rows, freed = sum(parts[name].rows for name in whole), sum(parts[name].total for name in whole)
    for name in by_row:
        old = sizes.sample(conn, parts[name], _OLD_CALL, {"calls": before}).whole("calls")
        rows, freed = rows + old, freed + round(old * parts[name].row_bytes)
    return Freed({"calls": rows}, freed, is_estimate=any(parts[name].is_estimate for name in (*whole, *by_row)))


def _freed(
    conn: Connection,
    tables: Mapping[str, TableSize],
    table: str,
    condition: Mapping[str, LiteralString],
    about: Mapping[str, object],
) -> Freed:
    rows = sizes.sample(conn, tables[table], condition, about).whole(table)
    return Freed({table: rows}, round(rows * tables[table].row_bytes), tables[table].is_estimate)


def _deals(conn: Connection, tables: Mapping[str, TableSize], about: Mapping[str, object]) -> Freed:
    seen = tables["deal_sightings"]
    old = sizes.sample(conn, seen, _OLD_DEAL, about)
    freed = old.whole("deals") * tables["deal_rows"].row_bytes + old.whole("sightings") * seen.row_bytes
    return Freed({"deals": old.whole("deals")}, round(freed), seen.is_estimate)


def _products(conn: Connection, tables: Mapping[str, TableSize], about: Mapping[str, object]) -> Freed:
    """Products, and what goes with them: histories, offers, and what the queue has of them but that they wait."""
    size, names = tables["products"], _TABLES["history_d"]
    is_old = sql.SQL(_IS_OLD_PRODUCT.format(p="t"))
    looked_at = sizes.sampled(size, sql.SQL("t.domain, t.asin, {} AS is_old").format(is_old))
    old = sizes.sample_of(conn, size, sql.SQL(_OLD_PRODUCTS).format(looked_at=looked_at), names, about)
    rows = {name: old.whole(name) for name in names}
    freed = sum(count * tables[OF_PRODUCT.get(name, name)].row_bytes for name, count in rows.items())
    return Freed(rows, round(freed), size.is_estimate)
