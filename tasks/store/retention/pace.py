"""What a year at the present pace adds, reckoned from the rows of the last four weeks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.retention import sizes
from tasks.store.retention.estimate import OF_PRODUCT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.sizes import TableSize

WEEKS: Final = timedelta(days=28)
_CALLS: Final = timedelta(days=7)  # there may be a hundred thousand of them a day
_SHORTEST: Final = timedelta(hours=1)
_YEAR: Final = timedelta(days=365)
# What came new since then, of a table that stands for those that grow with it.
_NEW: Final = {
    "deals": ("deal_rows", "t.first_seen_at >= %(since)s", ("deal_rows", "deal_sightings", "fetch_queue")),
    "products": ("products", "t.first_fetched_at >= %(since)s", tuple(OF_PRODUCT.values())),
    "quarantine": ("quarantine", "t.first_at >= %(since)s", ("quarantine",)),
}
_MADE_AT: Final = "SELECT min(applied_at) FROM schema_migrations"
_NEW_CALLS: Final = "SELECT count(*) FROM calls WHERE at >= %s"


class Growth(NamedTuple):
    """What a year would add of one kind: rows, and the bytes of all tables that grow with them."""

    rows: int
    bytes: int


def year(
    conn: Connection, tables: Mapping[str, TableSize], now: datetime
) -> tuple[timedelta, dict[str, Growth]] | None:
    """The time it is reckoned from, and what a year adds by kind; None for a database younger than an hour."""
    row = conn.execute(_MADE_AT).fetchone()
    known = timedelta() if row is None else now - row[0]
    if known < _SHORTEST:
        return None
    seen = min(known, WEEKS)
    found = {}
    for kind, (table, condition, grown) in _NEW.items():
        new = sizes.sample(conn, tables[table], {"new": condition}, {"since": now - seen}).whole("new")
        rows = new * (_YEAR / seen)
        whole = tables[table].rows
        bytes_each = sum(tables[name].total for name in grown) / whole if whole else 0.0
        found[kind] = Growth(round(rows), round(rows * bytes_each))
    of_calls = min(known, _CALLS)
    count = conn.execute(_NEW_CALLS, (now - of_calls,), prepare=False).fetchone()
    calls = (count[0] if count else 0) * (_YEAR / of_calls)
    found["calls"] = Growth(round(calls), round(calls * tables["calls"].row_bytes))
    return seen, found
