"""Up to which minute a selection's deals are all known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_GET: Final = "SELECT minute FROM watermarks WHERE selection_key = %s AND domain = %s"
_SET: Final = """
INSERT INTO watermarks (selection_key, domain, minute) VALUES (%s, %s, %s)
ON CONFLICT (selection_key, domain) DO UPDATE SET minute = excluded.minute, moved_at = now()
WHERE excluded.minute > watermarks.minute
"""


def get(conn: Connection, selection_key: str, domain: int) -> int | None:
    """The watermark in Keepa minutes, None before the first complete walk."""
    row = conn.execute(_GET, (selection_key, domain)).fetchone()
    return None if row is None else int(row[0])


def set(conn: Connection, selection_key: str, domain: int, minute: int) -> None:  # noqa: A001 - watermarks.set reads well
    """Move the watermark forward to `minute`; it never moves back."""
    conn.execute(_SET, (selection_key, domain, minute))
