"""A batch on its way into a table: copied into a temporary table, from where one statement takes it over.

The temporary table has no compression (STORAGE EXTERNAL): rows that turn out to be known already are thrown away, and
compressing them first would cost more than all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.store.connection import Connection

Row = tuple[object, ...]

_EXISTS: Final = "SELECT to_regclass('pg_temp.' || %s) IS NOT NULL"
_LONG: Final = frozenset({"int4[]", "int8[]", "bool[]", "text[]", "json", "text"})
# What arrives as bytes already in the form the column's type has on the wire.
_PACKED: Final = frozenset({"int4[]", "int8[]", "bool[]", "text[]", "json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The columns of a batch, by name, with their types; `name` is that of the temporary table."""

    name: str
    columns: Mapping[str, str]

    def fill(self, conn: Connection, rows: Iterable[Row]) -> None:
        """Put `rows` there, and nothing else; lists and JSON are bytes made by `packed` and a JSON encoder.

        Raises:
            psycopg.Error: the database refuses a value.
        """
        table = sql.Identifier(self.name)
        found = conn.execute(_EXISTS, (self.name,)).fetchone()
        if found is not None and found[0]:
            # Empty in a new transaction; of one that writes several batches the last one is still there.
            conn.execute(sql.SQL("DELETE FROM {}").format(table))
        else:
            self._create(conn)
        self.copy(conn, rows)

    def copy(self, conn: Connection, rows: Iterable[Row]) -> None:
        """Append `rows` to the table of that name, which is there.

        Raises:
            psycopg.Error: the database refuses a value.
        """
        names = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        copy_in = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(self.name), names)
        with conn.cursor() as cursor, cursor.copy(copy_in) as copy:
            copy.set_types(["bytea" if kind in _PACKED else kind for kind in self.columns.values()])
            for row in rows:
                copy.write_row(row)

    def _create(self, conn: Connection) -> None:
        table = sql.Identifier(self.name)
        columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in self.columns.items()]
        storage = [
            sql.SQL("ALTER {} SET STORAGE EXTERNAL").format(sql.Identifier(name))
            for name, kind in self.columns.items()
            if kind in _LONG
        ]
        comma = sql.SQL(", ")
        create = sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DELETE ROWS")
        conn.execute(create.format(table, comma.join(columns)))
        conn.execute(sql.SQL("ALTER TABLE {} {}").format(table, comma.join(storage)))
