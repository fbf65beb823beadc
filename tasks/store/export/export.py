"""Takes rows out of the database as they are read: as CSV, as lines of JSON, as batches of columns.

The server writes CSV and JSON, because it makes many times as many lines in a second as any program. The caller holds
one transaction (`query_connection`), so that everything is of one moment. Memory does not grow with what is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import sql

from tasks.store.bulk.copied_out import copied_out
from tasks.store.export.queries import OF_STORED_BYTES, POINTS, Kind, query_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from tasks.store.connection import Connection

_BATCH_ROWS: Final[dict[Kind, int]] = {"deals": 10_000, "history": 10_000, "calls": 10_000, "products": 500}
_COLUMNS_OF_PRODUCTS: Final = """
SELECT attname FROM pg_attribute
WHERE attrelid = 'products'::regclass AND attnum > 0 AND NOT attisdropped AND NOT attname = ANY(%s)
ORDER BY attnum
"""
# A line break in JSON can only stand between its parts, where a space may stand as well. No JSON has the bytes 1 and 2.
_JSON_LINES: Final = """
COPY (SELECT translate(row_to_json(one)::text, E'\\n\\r', '  ') FROM ({query}) AS one)
TO STDOUT (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')
"""
_CSV: Final = "COPY (SELECT {columns} FROM ({query}) AS one) TO STDOUT (FORMAT csv)"
_IN_UTC: Final = "replace(({name} AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"
_INERT: Final = """
CASE WHEN left({name}, 1) IN ('=', '+', '-', '@', E'\\t', E'\\r') THEN '''' || {name} ELSE {name} END
"""
# Written by us, by Amazon or by Keepa, and by no seller.
_NO_FREE_TEXT: Final = frozenset({"asin", "shop", "currency", "price_type", "worker", "tier", "endpoint", "shape"})


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column, with the name of its type in PostgreSQL, such as `int4`, `timestamptz` or `text[]`."""

    name: str
    type_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is taken out of the database.

    Attributes:
        kind: of which rows.
        domain: Keepa's number of the only shop, None for all.
        since: only what was listed, changed, made or fetched since then; None for everything.
        is_daily: one row a day.
    """

    kind: Kind
    domain: int | None = None
    since: datetime | None = None
    is_daily: bool = False


def columns_of(conn: Connection, export: Export) -> list[ExportColumn]:
    """The columns in their order."""
    query = sql.SQL("SELECT * FROM ({query}) AS one LIMIT 0").format(query=_query(conn, export))
    cursor = conn.execute(query, _values(export), prepare=False)
    return [ExportColumn(one.name, one.type_display) for one in cursor.description or ()]


def csv_copied(
    conn: Connection, export: Export, columns: Sequence[ExportColumn]
) -> AbstractContextManager[Iterator[bytes]]:
    """Lines of CSV without a heading: times in UTC, empty where nothing is known, lists as PostgreSQL writes them.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, because sellers write the titles.
    """
    shown = sql.SQL(", ").join(map(_in_csv, columns))
    return copied_out(conn, sql.SQL(_CSV).format(columns=shown, query=_query(conn, export)), _values(export))


def json_copied(conn: Connection, export: Export) -> AbstractContextManager[Iterator[bytes]]:
    """One JSON object in each line."""
    return copied_out(conn, sql.SQL(_JSON_LINES).format(query=_query(conn, export)), _values(export))


def batches(conn: Connection, export: Export, columns: Sequence[ExportColumn]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, some ten megabytes of them at a time; JSON is given as its text."""
    shown = sql.SQL(", ").join(map(_as_value, columns))
    query = sql.SQL("SELECT {columns} FROM ({query}) AS one").format(columns=shown, query=_query(conn, export))
    with conn.cursor("export", binary=True) as cursor:
        cursor.execute(query, _values(export))
        while rows := cursor.fetchmany(_BATCH_ROWS[export.kind]):
            yield rows


def _query(conn: Connection, export: Export) -> sql.Composed:
    query = query_of(export.kind, is_daily=export.is_daily, has_since=export.since is not None)
    columns = _columns_of_products(conn) if export.kind == "products" else sql.SQL("")
    return sql.SQL(query).format(points=sql.SQL(POINTS), columns=columns)


def _columns_of_products(conn: Connection) -> sql.Composed:
    names = conn.execute(_COLUMNS_OF_PRODUCTS, (list(OF_STORED_BYTES),), prepare=False).fetchall()
    return sql.SQL(", ").join(sql.Identifier("p", name) for (name,) in names)


def _values(export: Export) -> dict[str, object]:
    return {"domain": export.domain, "since": export.since}


def _in_csv(column: ExportColumn) -> sql.Composable:
    if column.type_name == "timestamptz":
        return _around(_IN_UTC, column)
    is_free = column.type_name == "text" and column.name not in _NO_FREE_TEXT
    return _around(_INERT, column) if is_free else sql.Identifier(column.name)


def _as_value(column: ExportColumn) -> sql.Composable:
    return _around("{name}::text", column) if column.type_name == "json" else sql.Identifier(column.name)


def _around(expression: LiteralString, column: ExportColumn) -> sql.Composed:
    return sql.SQL(expression).format(name=sql.Identifier(column.name))
