"""Rows by binary COPY, into a table or into a temporary one from where a statement takes them over.

The temporary table neither compresses its values nor moves them out of the row (STORAGE EXTERNAL, and a row may fill a
page): rows that turn out to be known are thrown away, and compressing them first would cost more than all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.store.connection import Connection

Row = tuple[object, ...]

_IS_THERE: Final = "SELECT to_regclass('pg_temp.' || %s) IS NOT NULL"
# What arrives as bytes already in the form the column's type has on the wire.
_PACKED: Final = frozenset({"int4[]", "int8[]", "bool[]", "text[]", "json"})
_LONG: Final = _PACKED | {"text", "bytea"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A table's columns to be copied, by name, with their types; lists and JSON are bytes made by `packed`."""

    table: str
    columns: Mapping[str, str]

    def append(self, conn: Connection, rows: Iterable[Row]) -> None:
        """Add `rows` to the table. Made one by one, they are packed while the server stores those before.

        Raises:
            psycopg.Error: the database refuses a value.
        """
        with conn.cursor() as cursor, cursor.copy(_copy_in(self.table, tuple(self.columns))) as copy:
            copy.set_types(["bytea" if kind in _PACKED else kind for kind in self.columns.values()])
            for row in rows:
                copy.write_row(row)


@lru_cache
def _copy_in(table: str, names: tuple[str, ...]) -> bytes:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), columns)
    return statement.as_bytes(None)


class Stage(Copied):
    """A temporary table, made anew for each batch, and gone at the end of the transaction."""

    __slots__ = ()

    def fill(self, conn: Connection, rows: Iterable[Row]) -> None:
        """Put `rows` there, and nothing else.

        Raises:
            psycopg.Error: the database refuses a value.
        """
        found = conn.execute(_IS_THERE, (self.table,)).fetchone()
        if found is not None and found[0]:  # of the last batch, or what another user of a pooler left in this session
            conn.execute(sql.SQL("DROP TABLE pg_temp.{}").format(sql.Identifier(self.table)))
        self._create(conn)
        self.append(conn, rows)

    def _create(self, conn: Connection) -> None:
        for statement in _create_stage(self.table, tuple(self.columns.items())):
            conn.execute(statement)


@lru_cache
def _create_stage(name: str, columns: tuple[tuple[str, str], ...]) -> tuple[bytes, bytes]:
    """The statements; to put those of a hundred columns together takes 2 ms."""
    table, comma = sql.Identifier(name), sql.SQL(", ")
    kinds = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns]
    storage = [
        sql.SQL("ALTER {} SET STORAGE EXTERNAL").format(sql.Identifier(column))
        for column, kind in columns
        if kind in _LONG
    ]
    create = sql.SQL("CREATE TEMP TABLE {} ({}) WITH (toast_tuple_target = 8160) ON COMMIT DROP")
    statements = (
        create.format(table, comma.join(kinds)),
        sql.SQL("ALTER TABLE {} {}").format(table, comma.join(storage)),
    )
    return statements[0].as_bytes(None), statements[1].as_bytes(None)
