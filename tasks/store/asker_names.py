"""What sources and lists were called that once put products into the queue, also those in no settings any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_KEEP: Final = """
UPDATE crawls SET name = %(name)s
WHERE job = 'backfill' AND selection_key = %(key)s AND domain = %(domain)s AND name IS DISTINCT FROM %(name)s
"""
# Before names were kept, one that was refused had its own kept, with the shop behind it.
_FORMER: Final = """
SELECT source_key AS key, regexp_replace(name, ', [^,]*$', '') AS name, 0 AS rank FROM refused_sources
UNION ALL SELECT selection_key, name, 1 FROM crawls WHERE job = 'backfill' AND name IS NOT NULL
UNION ALL SELECT list_key, 'list ' || name, 2 FROM watch_lists
ORDER BY rank
"""


def keep_source_name(conn: Connection, key: str, domain: int, name: str) -> None:
    """Keep what the source is called, if it was read and that is new."""
    conn.execute(_KEEP, {"key": key, "domain": domain, "name": name})


def former(conn: Connection) -> dict[str, str]:
    """The name of each source and list that is known, by its key; also of those that are in no settings any more."""
    return {key: name for key, name, _ in conn.execute(_FORMER).fetchall()}
