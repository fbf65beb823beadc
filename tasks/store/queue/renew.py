"""Queues again what was fetched too long ago, as far as it is a deal still: listed again since it was fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.store.queue.changes import change, written_down

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

RENEWED_PRIORITY: Final = -1  # what nobody has yet comes before what is to be fetched anew
LOOK_AT: Final = 10_000  # done items a call looks at: some tens of milliseconds, however many were never listed again

# What is looked at ends with all that were finished at one moment, so that the next look begins after that moment.
# Nothing is locked here: the queue is one table and the sightings may be spread over servers, and no lock reaches both.
_LOOK: Final = """
WITH next AS MATERIALIZED (
    SELECT domain, asin, detail, finished_at FROM fetch_queue
    WHERE state = 'done' AND finished_at > %(after)s AND finished_at < now() - make_interval(secs => %(age_s)s)
    ORDER BY finished_at FETCH FIRST %(look_at)s ROWS WITH TIES
), due AS MATERIALIZED (
    SELECT next.domain, next.asin, next.finished_at FROM next JOIN deal_sightings AS s USING (domain, asin)
    WHERE next.detail = %(detail)s AND s.last_seen_at > next.finished_at
    ORDER BY next.finished_at LIMIT %(limit)s
)
SELECT count(*) >= %(look_at)s, max(finished_at),
    (SELECT array_agg(domain) FROM due), (SELECT array_agg(asin) FROM due), (SELECT array_agg(finished_at) FROM due)
FROM next
"""
# Whoever has one in hand, or has changed it since the look, keeps it.
_RENEW: Final = written_down("""old AS (
    SELECT q.domain, q.asin, q.detail
    FROM unnest(%(domains)s::smallint[], %(asins)s::text[], %(moments)s::timestamptz[])
        AS due (domain, asin, finished_at)
    JOIN fetch_queue AS q USING (domain, asin, finished_at)
    WHERE q.detail = %(detail)s AND q.state = 'done'
    ORDER BY q.domain, q.asin FOR UPDATE OF q SKIP LOCKED
), changed AS (
    UPDATE fetch_queue AS q SET
        state = 'pending', priority = %(priority)s, place = extract(epoch FROM q.finished_at) * 1000000000,
        attempts = 0, deaths = 0, enqueued_at = now(), ready_at = now(), finished_at = NULL
    FROM old WHERE (q.domain, q.asin, q.detail) = (old.domain, old.asin, old.detail)
    RETURNING q.domain, q.selection_key, q.detail, 'done' AS was, q.state AS now
)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """What a look at the items that are done brought.

    Attributes:
        count: how many were queued again.
        after: from where the next look goes on; None when this one came to the end, and the next begins anew.
    """

    count: int
    after: datetime | None


def renew(
    conn: Connection, *, detail: str, age_s: float, limit: int, after: datetime | None = None, look_at: int = LOOK_AT
) -> Renewed:
    """Queue again, after all others and the oldest first, what was fetched more than `age_s` seconds ago.

    Args:
        conn: the connection.
        detail: the level of detail that is fetched again.
        age_s: seconds.
        limit: how many at the most.
        after: where the last look ended (`Renewed.after`); None for the beginning.
        look_at: how many items are looked at, at the most; those that ended at the same moment count as one.
    """
    values = {"detail": detail, "age_s": age_s, "limit": limit, "look_at": look_at, "after": after or "-infinity"}
    row = conn.execute(_LOOK, values, prepare=False).fetchone()
    has_more, last, domains, asins, moments = row or (False, None, None, None, None)
    due = {"domains": domains or [], "asins": asins or [], "moments": moments or []}
    count = 0
    if domains:
        count = change(conn, _RENEW, {**due, "detail": detail, "priority": RENEWED_PRIORITY})
    if len(due["asins"]) >= limit:
        return Renewed(count=count, after=after)  # those renewed are done no more, and the rest is looked at again
    return Renewed(count=count, after=last if has_more else None)
