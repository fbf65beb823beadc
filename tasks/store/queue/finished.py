"""Takes finished items out of the queue for good: without them their products are queued again when they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.queue.changes import change, written_down

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

_FORGET: Final = written_down("""changed AS (
    DELETE FROM fetch_queue WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND state IN ('done', 'given up')
    RETURNING domain, selection_key, detail, state AS was, NULL AS now
)""")
# Two statements: the queue is one table, and the sightings may be spread over servers.
_LISTED: Final = "SELECT asin FROM deal_sightings WHERE domain = %s AND asin = ANY(%s) AND last_seen_at >= %s"
_DROP: Final = written_down("""changed AS (
    DELETE FROM fetch_queue
    WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND state = 'done' AND finished_at < %(before)s
    RETURNING domain, selection_key, detail, state AS was, NULL AS now
)""")


def forget(conn: Connection, domain: int, asins: Sequence[str]) -> int:
    """Delete whatever was fetched or given up of these products; how many items."""
    return change(conn, _FORGET, {"domain": domain, "asins": list(asins)})


def drop_unlisted(conn: Connection, domain: int, asins: Sequence[str], before: datetime) -> int:
    """Delete what was fetched of these products before that, and not listed since; how many items.

    The locale must be locked (`tasks.store.deals.lock`), so that nobody lists them meanwhile.
    """
    listed = {row[0] for row in conn.execute(_LISTED, (domain, list(asins), before), prepare=False).fetchall()}
    unlisted = [asin for asin in asins if asin not in listed]
    return change(conn, _DROP, {"domain": domain, "asins": unlisted, "before": before})
