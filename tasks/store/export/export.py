"""Takes rows out of the database as they are read: as CSV, as lines of JSON, as batches of columns.

The server writes CSV and JSON, because it makes many times as many lines in a second as any program; sales ranks alone
are made into JSON here (`packed_ranks`). The caller holds one transaction (`query_connection`), so that everything is
of one moment. Memory does not grow with what is read.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from tasks.store.bulk.copied_out import copied_out
from tasks.store.export import as_text, packed_ranks
from tasks.store.export.as_text import ExportColumn
from tasks.store.export.queries import OF_STORED_BYTES, POINTS, Kind, query_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

_BATCH_ROWS: Final[dict[Kind, int]] = {"deals": 500, "history": 2_000, "calls": 2_000, "products": 10}
_COLUMNS_OF_PRODUCTS: Final = """
SELECT attname FROM pg_attribute
WHERE attrelid = 'products'::regclass AND attnum > 0 AND NOT attisdropped AND NOT attname = ANY(%s)
ORDER BY attnum
"""
# No JSON has the bytes 1 and 2, so that nothing of it is put into quotes.
_JSON_LINES: Final = """
COPY (SELECT {members} FROM ({query}) AS one) TO STDOUT (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')
"""
_BEHIND_JSON: Final = b"\x02"
_CSV: Final = "COPY (SELECT {columns} FROM ({query}) AS one) TO STDOUT (FORMAT csv)"


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
    query = sql.SQL("SELECT * FROM ({query}) AS one LIMIT 0").format(query=_query(conn, export, are_ranks_packed=False))
    cursor = conn.execute(query, _values(export), prepare=False)
    return [ExportColumn(one.name, one.type_display) for one in cursor.description or ()]


@contextmanager
def csv_copied(conn: Connection, export: Export, columns: Sequence[ExportColumn]) -> Iterator[Iterator[bytes]]:
    """Lines of CSV without a heading: times in UTC, empty where nothing is known, lists as PostgreSQL writes them.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, because sellers write the titles.
    """
    shown = sql.SQL(", ").join(map(as_text.in_csv, columns))
    statement = sql.SQL(_CSV).format(columns=shown, query=_query(conn, export, are_ranks_packed=True))
    with copied_out(conn, statement, _values(export)) as lines:
        yield map(_csv_with_ranks, lines) if _has_ranks(export) else lines


@contextmanager
def json_copied(conn: Connection, export: Export, columns: Sequence[ExportColumn]) -> Iterator[Iterator[bytes]]:
    """One JSON object in each line."""
    if _has_ranks(export):
        members = sql.SQL("{those}, {ranks}").format(
            those=as_text.as_object(columns[:-1]), ranks=sql.Identifier(packed_ranks.NAME)
        )
    else:
        members = sql.SQL("{those} || '}}'").format(those=as_text.as_object(columns))
    statement = sql.SQL(_JSON_LINES).format(members=members, query=_query(conn, export, are_ranks_packed=True))
    with copied_out(conn, statement, _values(export)) as lines:
        yield map(_json_with_ranks, lines) if _has_ranks(export) else lines


def batches(conn: Connection, export: Export, columns: Sequence[ExportColumn]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, up to a megabyte of them at a time, of which a program makes several; JSON is given as its text."""
    shown = sql.SQL(", ").join(map(_as_value, columns))
    source = _query(conn, export, are_ranks_packed=True)
    query = sql.SQL("SELECT {columns} FROM ({query}) AS one").format(columns=shown, query=source)
    with conn.cursor("export", binary=True) as cursor:
        cursor.execute(query, _values(export))
        while rows := cursor.fetchmany(_BATCH_ROWS[export.kind]):
            yield [*map(_row_with_ranks, rows)] if _has_ranks(export) else rows


def _has_ranks(export: Export) -> bool:
    """Whether the last column is that of sales ranks, which are made into JSON here."""
    return export.kind == "products"


def _csv_with_ranks(line: bytes) -> bytes:
    known, _, packed = line[:-1].rpartition(b",")
    ranks = packed_ranks.unpacked(packed)
    return b'%b,"%b"\n' % (known, ranks.replace(b'"', b'""')) if ranks else known + b",\n"


def _json_with_ranks(line: bytes) -> bytes:
    known, _, packed = line[:-1].rpartition(_BEHIND_JSON)
    return b'%b,"%b":%b}\n' % (known, packed_ranks.NAME.encode(), packed_ranks.unpacked(packed) or b"null")


def _row_with_ranks(row: tuple[Any, ...]) -> tuple[Any, ...]:
    ranks = packed_ranks.unpacked((row[-1] or "").encode())
    return (*row[:-1], ranks.decode() or None)


def _query(conn: Connection, export: Export, *, are_ranks_packed: bool) -> sql.Composed:
    query = query_of(export.kind, is_daily=export.is_daily, has_since=export.since is not None)
    return sql.SQL(query).format(
        points=sql.SQL(POINTS),
        columns=_columns_of_products(conn) if _has_ranks(export) else sql.SQL(""),
        ranks=sql.SQL(packed_ranks.PACKED if are_ranks_packed else "p.sales_ranks"),
        sales=sql.SQL(packed_ranks.SALES if are_ranks_packed else ""),
    )


def _columns_of_products(conn: Connection) -> sql.Composed:
    names = conn.execute(_COLUMNS_OF_PRODUCTS, (list(OF_STORED_BYTES),), prepare=False).fetchall()
    return sql.SQL(", ").join(sql.Identifier("p", name) for (name,) in names)


def _values(export: Export) -> dict[str, object]:
    return {"domain": export.domain, "since": export.since}


def _as_value(column: ExportColumn) -> sql.Composable:
    name = sql.Identifier(column.name)
    return sql.SQL("{name}::text").format(name=name) if column.type_name == "json" else name
