"""What pruning would delete now, by setting and table, without deleting anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString, NamedTuple

from tasks.store.calls import months
from tasks.store.retention import deals, sizes
from tasks.store.retention.keep import cutoff
from tasks.store.retention.sizes import TableSize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep

# Of a product: the tables that have rows of it, and what those are called when they are reported.
OF_PRODUCT: Final = {"products": "products", "price_series": "price_series_rows", "offers": "offers"}
_IS_LISTED: Final = "EXISTS (SELECT FROM deal_sightings AS s WHERE s.domain = t.domain AND s.asin = t.asin"
_FETCHED_BEFORE: Final = (
    "greatest(t.fetched_at, t.history_fetched_at, t.stats_fetched_at, t.offers_fetched_at) < %(history)s"
)
_OLD_DEAL: Final[Mapping[str, LiteralString]] = {
    "deals": "t.last_seen_at < %(deals)s "
    "AND EXISTS (SELECT FROM deal_rows AS d WHERE d.domain = t.domain AND d.asin = t.asin)",
}
_OLD_PRODUCT: Final[Mapping[str, LiteralString]] = {
    "products": f"{_FETCHED_BEFORE} AND NOT {_IS_LISTED} AND s.last_seen_at >= %(history)s)",
}
_OLD_ITEM: Final[Mapping[str, LiteralString]] = {
    "fetch_queue": "t.state = 'done' AND t.finished_at < %(queue)s "
    f"AND NOT {_IS_LISTED} AND s.last_seen_at >= %(queue)s)",
}
_OLD_CALL: Final[Mapping[str, LiteralString]] = {"calls": "t.at < %(calls)s"}
_OLD_FAULT: Final[Mapping[str, LiteralString]] = {"quarantine": "t.last_at < %(quarantine)s"}


class Freed(NamedTuple):
    """What one setting would delete: rows by table, and about how many bytes that is."""

    rows: Mapping[str, int]
    bytes: int
    is_estimate: bool


NOTHING: Final = Freed({}, 0, is_estimate=False)


def due(
    conn: Connection, tables: Mapping[str, TableSize], keep: Keep, now: datetime, until: datetime | None
) -> dict[str, Freed]:
    """What each setting would delete, by the setting's name in `Keep`; the same row may be counted for two of them.

    Args:
        conn: the connection.
        tables: what `sizes.table_sizes` gives.
        keep: the settings.
        now: the moment that the ages of calls and faults end with.
        until: the moment that all other ages end with; None when there was no walk yet.
    """
    calls, quarantine = cutoff(keep.calls_d, now), cutoff(keep.quarantine_d, now)
    found = dict.fromkeys(keep._fields, NOTHING)
    if calls is not None:
        found["calls_d"] = _calls(conn, calls)
    if quarantine is not None:
        found["quarantine_d"] = _freed(conn, tables, "quarantine", _OLD_FAULT, {"quarantine": quarantine})
    if until is None:
        return found
    before = deals.cutoffs(keep, until)
    if before.deals is not None:
        found["deals_d"] = _deals(conn, tables, {"deals": before.deals})
    if before.history is not None:
        found["history_d"] = _products(conn, tables, {"history": before.history})
    queue = cutoff(keep.queue_d, until)
    if queue is not None:
        found["queue_d"] = _freed(conn, tables, "fetch_queue", _OLD_ITEM, {"queue": queue})
    return found


def _calls(conn: Connection, before: datetime) -> Freed:
    """Whole months, and what is too old of all that was before the first one."""
    whole = months.droppable(conn, before)
    rows, freed = sum(part.rows for part in whole), sum(part.size for part in whole)
    for part in months.parts(conn):
        if part.begin is None and part not in whole and part.rows:
            size = TableSize(part.name, part.rows, part.size, part.size, 0, 0, is_estimate=True)
            old = sizes.sample(conn, size, _OLD_CALL, {"calls": before}).whole("calls")
            rows, freed = rows + old, freed + round(old * size.row_bytes)
    return Freed({"calls": rows}, freed, is_estimate=rows > 0)


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
    rows = sizes.sample(conn, seen, _OLD_DEAL, about).whole("deals")
    return Freed({"deals": rows}, round(rows * (tables["deal_rows"].row_bytes + seen.row_bytes)), seen.is_estimate)


def _products(conn: Connection, tables: Mapping[str, TableSize], about: Mapping[str, object]) -> Freed:
    """A product takes its mean part of each table with it, and one item of the queue."""
    whole = tables["products"]
    old = sizes.sample(conn, whole, _OLD_PRODUCT, about).whole("products")
    part = old / whole.rows if whole.rows else 0.0
    rows = {name: round(part * tables[table].rows) for name, table in OF_PRODUCT.items()}
    freed = sum(part * tables[table].total for table in OF_PRODUCT.values()) + old * tables["fetch_queue"].row_bytes
    is_estimate = any(tables[table].is_estimate for table in OF_PRODUCT.values()) or old not in {0, whole.rows}
    return Freed(rows | {"fetch_queue": old}, round(freed), is_estimate)
