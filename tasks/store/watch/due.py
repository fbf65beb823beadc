"""Puts what is due into the queue, a little at a time, and notes what was fetched, by whomever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.planning.streams import WantedStreams
from tasks.store.queue import leftovers, queue

if TYPE_CHECKING:
    from collections.abc import Collection

    from tasks.settings import WatchListSettings
    from tasks.store.connection import Connection

PRIORITY: Final = 1  # as that of new deals: an item that a selection takes over comes before what its crawl finds

_END: Final = """
WITH ended AS (
    SELECT w.asin, q.finished_at, q.state FROM watched_products AS w
    JOIN fetch_queue AS q ON (q.domain, q.asin, q.detail) = (%(domain)s, w.asin, %(detail)s)
    WHERE w.list_key = %(key)s AND w.queued_at IS NOT NULL AND q.state IN ('done', 'given up')
    ORDER BY w.asin FOR UPDATE OF w SKIP LOCKED
)
UPDATE watched_products AS w SET
    queued_at = NULL, due_at = ended.finished_at + make_interval(secs => %(refresh_s)s),
    fetched_at = CASE WHEN ended.state = 'done' THEN ended.finished_at ELSE w.fetched_at END
FROM ended WHERE w.list_key = %(key)s AND w.asin = ended.asin
"""
# As after `queue drop` by an older build, or by hand.
_LOST: Final = """
UPDATE watched_products AS w SET queued_at = NULL
WHERE list_key = %(key)s AND queued_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM fetch_queue AS q WHERE (q.domain, q.asin, q.detail) = (%(domain)s, w.asin, %(detail)s))
"""
_QUEUED: Final = "SELECT count(*) FROM watched_products WHERE list_key = %(key)s AND queued_at IS NOT NULL"
_DUE: Final = """
SELECT asin FROM watched_products
WHERE list_key = %(key)s AND queued_at IS NULL AND due_at <= now()
ORDER BY due_at, asin LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_KNOWN: Final = """
UPDATE watched_products AS w SET
    due_at = q.finished_at + make_interval(secs => %(refresh_s)s), fetched_at = q.finished_at
FROM fetch_queue AS q
WHERE w.list_key = %(key)s AND w.asin = ANY(%(asins)s)
  AND q.domain = %(domain)s AND q.asin = w.asin AND q.detail = %(detail)s
  AND q.state = 'done' AND q.finished_at > now() - make_interval(secs => %(refresh_s)s)
RETURNING w.asin
"""
_MARK: Final = "UPDATE watched_products SET queued_at = now() WHERE list_key = %(key)s AND asin = ANY(%(asins)s)"
_NEXT_S: Final = """
SELECT extract(epoch FROM min(due_at) - now())::float8 FROM watched_products
WHERE list_key = %(key)s AND queued_at IS NULL AND due_at > '-infinity'
"""


def feed(conn: Connection, watch: WatchListSettings, *, most: int, keys: Collection[str]) -> int:
    """Note what was fetched, and queue what is due, the longest due first; how many of the list wait then.

    Args:
        conn: the connection, in a transaction.
        watch: the list.
        most: how many may wait at a time.
        keys: the keys of all lists: what waits for a selection is taken over, what waits for another list is not.
    """
    values = {"key": watch.key, "domain": watch.domain, "detail": watch.detail, "refresh_s": watch.refresh_s}
    conn.execute(_END, values, prepare=False)
    conn.execute(_LOST, values, prepare=False)
    (queued,) = conn.execute(_QUEUED, values, prepare=False).fetchone() or (0,)
    if queued >= most:
        return int(queued)
    due = [row[0] for row in conn.execute(_DUE, values | {"limit": most - queued}, prepare=False).fetchall()]
    fresh = {row[0] for row in conn.execute(_KNOWN, values | {"asins": due}, prepare=False).fetchall()}
    wanted = [asin for asin in due if asin not in fresh]
    if wanted:
        queue.enqueue(
            conn,
            watch.domain,
            wanted,
            detail=watch.detail,
            priority=PRIORITY,
            again=True,
            selection_key=watch.key,
        )
        chosen = WantedStreams(keys=tuple(keys), domains=())
        leftovers.adopt(conn, watch.domain, wanted, detail=watch.detail, selection_key=watch.key, chosen=chosen)
        conn.execute(_MARK, values | {"asins": wanted}, prepare=False)
    return int(queued) + len(wanted)


def next_due_s(conn: Connection, key: str) -> float | None:
    """Seconds until the next product of the list is due, below 0 when one is; None when all of them are queued."""
    row = conn.execute(_NEXT_S, {"key": key}, prepare=False).fetchone()
    return None if row is None or row[0] is None else float(row[0])
