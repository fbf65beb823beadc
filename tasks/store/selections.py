"""The selections that have listed deals, each with a number that takes little room beside a deal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_NUMBER: Final = "SELECT number FROM selections WHERE selection_key = %s"
_ADD: Final = "INSERT INTO selections (selection_key) VALUES (%s) ON CONFLICT DO NOTHING RETURNING number"
_NAME: Final = """
UPDATE selections SET name = %(name)s, query = %(query)s::text::json
WHERE selection_key = %(key)s AND (name IS DISTINCT FROM %(name)s OR query::text IS DISTINCT FROM %(query)s)
"""
_ALL: Final = "SELECT number, selection_key AS key, name, query::text AS query FROM selections ORDER BY number"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSelection:
    """A selection that has listed deals, whether or not it is still in the settings.

    Attributes:
        number: what stands beside its deals.
        key: what its walks are kept under.
        name: its name when it listed deals last; None when that was before names were kept.
        query: what it asked for, as JSON; None as for `name`.
    """

    number: int
    key: str
    name: str | None
    query: str | None


def number_of(conn: Connection, key: str) -> int:
    """The number of the selection with that key; a new one when it has none yet, in the caller's transaction."""
    # Looked for first: an insert would use up a number each time. Last again, when another has just added it.
    for statement in (_NUMBER, _ADD, _NUMBER):
        row = conn.execute(statement, (key,)).fetchone()
        if row is not None:
            return int(row[0])
    raise LookupError(f"the selection {key} was deleted at this moment")


def keep_name(conn: Connection, key: str, *, name: str, query: str) -> None:
    """Keep what the selection is called and what it asks for (JSON), if it has listed deals, and if that is new."""
    conn.execute(_NAME, {"key": key, "name": name, "query": query})


def known(conn: Connection) -> list[KnownSelection]:
    """All that have listed deals, in the order in which they did so first."""
    with conn.cursor(row_factory=class_row(KnownSelection)) as cursor:
        return cursor.execute(_ALL).fetchall()
