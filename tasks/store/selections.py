"""The selections that have listed deals, each with a number that takes little room beside a deal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_NUMBER: Final = "SELECT number FROM selections WHERE selection_key = %s"
_ADD: Final = "INSERT INTO selections (selection_key) VALUES (%s) ON CONFLICT DO NOTHING RETURNING number"
_ALL: Final = "SELECT selection_key, number FROM selections"


def number_of(conn: Connection, key: str) -> int:
    """The number of the selection with that key; a new one when it has none yet, in the caller's transaction."""
    # Looked for first: an insert would use up a number each time. Last again, when another has just added it.
    for statement in (_NUMBER, _ADD, _NUMBER):
        row = conn.execute(statement, (key,)).fetchone()
        if row is not None:
            return int(row[0])
    raise LookupError(f"the selection {key} was deleted at this moment")


def numbers(conn: Connection) -> dict[str, int]:
    """The numbers of all selections by their keys."""
    return dict(conn.execute(_ALL).fetchall())
