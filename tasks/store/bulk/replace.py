"""Newer values for rows that are there, as an update.

A row removed and copied in again costs half as much, and to us it is the same. It is not to others: a foreign key to
the row forbids its removal or takes their rows along, and a trigger is told of a removal that was none. So a table
that somebody else watches is updated in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from tasks.store.bulk.staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tasks.store.bulk.staging import Copied, Row
    from tasks.store.connection import Connection

# Both a foreign key to the table and a trigger of it count as triggers there. We have none of our own.
_WATCHED: Final = "SELECT relhastriggers FROM pg_class WHERE oid = to_regclass(%s)"
# The ASINs stand there once more for the planner, which knows nothing of how many rows a stage has.
_UPDATE: Final = """
UPDATE {table} AS t SET {values} FROM {stage} AS s
WHERE t.domain = %s AND t.asin = ANY(%s) AND ({ours}) = ({theirs}) RETURNING {ours}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """A table of which rows are updated in place.

    Attributes:
        rows: the table.
        key: the columns by which a row is found; the locale and the ASIN are always among them.
        kept: the columns that stay as they are.
    """

    rows: Copied
    key: Sequence[str]
    kept: Sequence[str] = ()

    def is_watched(self, conn: Connection) -> bool:
        """Whether others have a foreign key or a trigger on the table."""
        found = conn.execute(_WATCHED, (self.rows.table,)).fetchone()
        return found is not None and bool(found[0])

    def apply(self, conn: Connection, domain: int, asins: Sequence[str], rows: Iterable[Row]) -> list[tuple[Any, ...]]:
        """Give the rows that are there the values of `rows`, all of one locale; the keys of those that were there.

        Raises:
            psycopg.Error: the database refuses a value.
        """
        stage = Stage(table=f"{self.rows.table}_stage", columns=self.rows.columns)
        stage.fill(conn, rows)
        return conn.execute(self._statement(stage), (domain, list(asins)), prepare=False).fetchall()

    def _statement(self, stage: Stage) -> sql.Composed:
        comma = sql.SQL(", ")
        changed = [name for name in self.rows.columns if name not in {*self.key, *self.kept}]
        return sql.SQL(_UPDATE).format(
            table=sql.Identifier(self.rows.table),
            stage=sql.Identifier(stage.table),
            values=comma.join(sql.SQL("{name} = s.{name}").format(name=sql.Identifier(name)) for name in changed),
            ours=comma.join(sql.Identifier("t", name) for name in self.key),
            theirs=comma.join(sql.Identifier("s", name) for name in self.key),
        )
