"""Up to which minute a selection's deals are all known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_GET: Final = "SELECT minute FROM watermarks WHERE selection_key = %s AND domain = %s"
_SET: Final = """
INSERT INTO watermarks (selection_key, domain, minute) VALUES (%s, %s, %s)
ON CONFLICT (selection_key, domain) DO UPDATE SET minute = excluded.minute, moved_at = now()
WHERE excluded.minute > watermarks.minute OR watermarks.minute > %s
"""
_ALL: Final = """
SELECT w.selection_key, w.domain, w.minute, c.finished_at FROM watermarks AS w
LEFT JOIN crawls AS c ON c.job = 'upsert' AND (c.selection_key, c.domain) = (w.selection_key, w.domain)
"""


class Mark(NamedTuple):
    """A watermark in Keepa minutes; when the last walk was complete, None while another one is under way."""

    selection_key: str
    domain: int
    minute: int
    walked_at: datetime | None


def every(conn: Connection) -> tuple[Mark, ...]:
    """The watermarks of all selections there ever were."""
    return tuple(Mark(*row) for row in conn.execute(_ALL).fetchall())


def get(conn: Connection, selection_key: str, domain: int) -> int | None:
    """The watermark in Keepa minutes, None before the first complete walk."""
    row = conn.execute(_GET, (selection_key, domain)).fetchone()
    return None if row is None else int(row[0])


def set(conn: Connection, selection_key: str, domain: int, minute: int, *, latest: int) -> None:  # noqa: A001 - watermarks.set reads well
    """Move the watermark forward to `minute`; it moves back only when it stands above `latest`, in the future."""
    conn.execute(_SET, (selection_key, domain, minute, latest))
