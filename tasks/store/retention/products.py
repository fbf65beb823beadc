"""Deletes products that are no deal any more: the row, its histories, its offers, and what the queue knows of it.

The finished items of the queue go with the product, or it would never be fetched again when it becomes a deal again.
What waits stays: it is fetched, and then kept for as long as any product. What a worker has claimed is left alone, and
so is what stands in a list of products to keep fresh, however long ago it was fetched.

Whoever lists deals holds the lock of their locale until the end of its transaction (`tasks.store.deals`). A product is
judged and deleted under the same lock, so that one that is listed at this moment is either seen to be a deal, or queued
again by whoever lists it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tasks.store import deals
from tasks.store.duties.duty import Step
from tasks.store.queue import finished
from tasks.store.retention.keep import cutoff

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep
    from tasks.store.retention.passes import DailyPass

# A reading that told nothing new has not touched the row, and the queue knows when it came. A writer who has the row
# locked writes it now; one who comes later waits for us and writes it anew, histories and all.
_LOCK: Final = """
SELECT asin FROM products
WHERE domain = %(domain)s AND asin = ANY(%(asins)s)
  AND greatest(fetched_at, history_fetched_at, stats_fetched_at, offers_fetched_at) < %(before)s
ORDER BY asin FOR UPDATE SKIP LOCKED
"""
# A statement of its own: the queue is one table, and the products may be spread over servers.
_KEPT: Final = """
SELECT asin FROM fetch_queue
WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND (state = 'leased' OR finished_at >= %(before)s)
UNION ALL SELECT asin FROM watched_products
WHERE list_key IN (SELECT list_key FROM watch_lists WHERE domain = %(domain)s) AND asin = ANY(%(asins)s)
"""
_DELETE: Final = {
    "price_series": "DELETE FROM price_series_rows WHERE domain = %s AND asin = ANY(%s)",
    "offers": "DELETE FROM offers WHERE domain = %s AND asin = ANY(%s)",
    "products": "DELETE FROM products WHERE domain = %s AND asin = ANY(%s)",
}
_NEXT: Final = """
WITH next AS MATERIALIZED (
    SELECT domain, asin FROM products WHERE (domain, asin) > (%(domain)s, %(asin)s)
    ORDER BY domain, asin LIMIT %(stretch)s
), unlisted AS (
    SELECT domain, asin FROM next
    WHERE NOT EXISTS (SELECT FROM deal_sightings AS s WHERE s.domain = next.domain AND s.asin = next.asin)
    ORDER BY domain, asin LIMIT %(batch)s
)
SELECT 'old', domain, asin FROM unlisted
UNION ALL SELECT 'end', domain, asin FROM (SELECT domain, asin FROM next OFFSET %(stretch)s - 1) AS last
"""
_UNLISTED: Final = """
SELECT asin FROM unnest(%(asins)s::text[]) AS a (asin)
WHERE NOT EXISTS (SELECT FROM deal_sightings AS s WHERE s.domain = %(domain)s AND s.asin = a.asin)
"""


def delete(conn: Connection, domain: int, asins: Sequence[str], before: datetime) -> Counter[str]:
    """Delete those of the products that were fetched last before that; rows by table. The locale must be locked."""
    about = {"domain": domain, "asins": list(asins), "before": before}
    locked = [row[0] for row in conn.execute(_LOCK, about, prepare=False).fetchall()]
    kept = {row[0] for row in conn.execute(_KEPT, about | {"asins": locked}, prepare=False).fetchall()}
    old = [asin for asin in locked if asin not in kept]
    if not old:
        return Counter()
    gone = Counter(
        {table: conn.execute(statement, (domain, old), prepare=False).rowcount for table, statement in _DELETE.items()}
    )
    gone["fetch_queue"] = finished.forget(conn, domain, old)
    return gone


def step(conn: Connection, keep: Keep, where: DailyPass, now: datetime, until: datetime | None) -> Step:
    """Delete the next products of which it is not known that they were ever listed.

    Args:
        conn: the connection, in a transaction.
        keep: the settings.
        where: how far the pass has come.
        now: for the pass.
        until: the moment that ages end with; None when nothing is to be judged now.
    """
    before = None if until is None else cutoff(keep.history_d, until)
    if before is None:
        return Step(has_more=False)

    def delete_unlisted(domain: int, asins: list[str]) -> Counter[str]:
        deals.lock(conn, domain)
        unlisted = conn.execute(_UNLISTED, {"domain": domain, "asins": asins}, prepare=False).fetchall()
        return delete(conn, domain, [row[0] for row in unlisted], before)

    return where.step(conn, now, _NEXT, begin={"domain": 0, "asin": ""}, about={}, delete=delete_unlisted)
