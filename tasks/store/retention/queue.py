"""Deletes fetched items of the queue that were fetched, and listed last, too long ago.

An item of a deal that is still listed stays, however old: without it the product would be fetched again at once.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tasks.store import deals
from tasks.store.duties.duty import Step
from tasks.store.queue import finished
from tasks.store.retention.keep import cutoff

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep
    from tasks.store.retention.passes import DailyPass

# In the order of an index; items of one moment are sorted by their key.
_NEXT: Final = """
WITH next AS MATERIALIZED (
    SELECT finished_at, domain, asin, detail FROM fetch_queue
    WHERE state = 'done' AND finished_at >= %(at)s::timestamptz AND finished_at < %(before)s
      AND (finished_at, domain, asin, detail) > (%(at)s::timestamptz, %(domain)s::smallint, %(asin)s, %(detail)s)
    ORDER BY finished_at, domain, asin, detail LIMIT %(stretch)s
), due AS (
    SELECT * FROM next AS n WHERE NOT EXISTS (
        SELECT FROM deal_sightings AS s WHERE s.domain = n.domain AND s.asin = n.asin AND s.last_seen_at >= %(before)s)
    ORDER BY finished_at, domain, asin, detail LIMIT %(batch)s
)
SELECT 'old', finished_at, domain, asin, detail FROM due
UNION ALL SELECT 'end', finished_at, domain, asin, detail FROM (SELECT * FROM next OFFSET %(stretch)s - 1) AS last
"""


def step(conn: Connection, keep: Keep, where: DailyPass, now: datetime, until: datetime | None) -> Step:
    """Delete what is due among the next items; the arguments are those of `products.step`."""
    before = None if until is None else cutoff(keep.queue_d, until)
    if before is None:
        return Step(has_more=False)

    def delete_unlisted(domain: int, asins: list[str]) -> Counter[str]:
        deals.lock(conn, domain)
        return Counter({"fetch_queue": finished.drop_unlisted(conn, domain, asins, before)})

    begin = {"at": "-infinity", "domain": 0, "asin": "", "detail": ""}
    return where.step(conn, now, _NEXT, begin=begin, about={"before": before}, delete=delete_unlisted)
