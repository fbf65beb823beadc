"""Which sources of products are refused now, since when and why, for all workers and over restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

SOURCE: Final = "source "  # before the name of a refused source, in the key of its fault in the quarantine

_REFUSE: Final = """
INSERT INTO refused_sources (source_key, domain, name, reason) VALUES (%s, %s, %s, %s)
ON CONFLICT (source_key, domain) DO UPDATE SET reason = excluded.reason
"""
_ACCEPT: Final = "DELETE FROM refused_sources WHERE source_key = %s AND domain = %s"
_ALL: Final = "SELECT source_key, domain, name, reason, since FROM refused_sources ORDER BY since, name"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSource:
    """A source that is refused."""

    source_key: str
    domain: int
    name: str
    reason: str
    since: datetime


def refuse(conn: Connection, key: str, domain: int, *, name: str, reason: str) -> None:
    """Note that the source is refused; it keeps its beginning and gets the new reason."""
    conn.execute(_REFUSE, (key, domain, name, reason))


def accept(conn: Connection, key: str, domain: int) -> None:
    """Note that the source is refused no more."""
    conn.execute(_ACCEPT, (key, domain))


def all_refused(conn: Connection) -> list[RefusedSource]:
    """Every source that is refused, the longest first; also those that are in nobody's settings any more."""
    with conn.cursor(row_factory=class_row(RefusedSource)) as cursor:
        return cursor.execute(_ALL).fetchall()
