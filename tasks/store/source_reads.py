"""How far each source of products has been read, and why it is refused if it is: a row for each, never a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_ALL: Final = """
SELECT coalesce(c.selection_key, r.source_key), coalesce(c.domain, r.domain), coalesce(c.rows, 0), c.finished_at,
       r.reason, r.since
FROM (SELECT selection_key, domain, rows, finished_at FROM crawls WHERE job = 'backfill') AS c
FULL JOIN refused_sources AS r ON r.source_key = c.selection_key AND r.domain = c.domain
"""


class SourceRead(NamedTuple):
    """One source in one locale.

    Attributes:
        products: products that it listed when it was read last; while it is read, those so far.
        read_at: when it was read to its end; None while it is read, and before.
        reason: why it is refused, and `since` when; None when it is not.
    """

    source_key: str
    domain: int
    products: int
    read_at: datetime | None
    reason: str | None
    since: datetime | None


def all_reads(conn: Connection) -> tuple[SourceRead, ...]:
    """Those of all sources, and of selections as well: backfill reads both, and the settings tell them apart."""
    return tuple(SourceRead(*row) for row in conn.execute(_ALL).fetchall())
