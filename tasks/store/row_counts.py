"""Counts rows quickly: exactly while they are few, and as the planner estimates them when they are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_EXACT_UP_TO: Final = 50_000  # counting these takes a few milliseconds

# Rows per page at the last vacuum or analyze, times the pages there are now. Never below what was counted.
_COUNT: Final = """
WITH few AS (SELECT count(*) AS n FROM (SELECT FROM {table} LIMIT %(limit)s) AS first)
SELECT CASE WHEN few.n < %(limit)s OR c.relpages = 0 THEN few.n ELSE greatest(
    few.n, (c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::int))::bigint) END
FROM few, pg_class AS c WHERE c.oid = '{table}'::regclass
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Rows in the tables a person asks about; above 50,000 an estimate."""

    deals: int
    products: int
    price_series: int
    quarantine: int


def counts(conn: Connection) -> RowCounts:
    """How many rows there are now."""
    return RowCounts(
        deals=total(conn, "deal_rows"),
        products=total(conn, "products"),
        price_series=total(conn, "price_series_rows"),
        quarantine=total(conn, "quarantine"),
    )


def total(conn: Connection, table: LiteralString) -> int:
    """Rows in `table`, counted or estimated."""
    row = conn.execute(_COUNT.format(table=table).encode(), {"limit": _EXACT_UP_TO}, prepare=False).fetchone()
    return 0 if row is None else int(row[0])
