"""Queues again what was fetched too long ago, as far as it is a deal still: listed again since it was fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.store.queue.changes import written_down

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

RENEWED_PRIORITY: Final = -1  # what nobody has yet comes before what is to be fetched anew
LOOK_AT: Final = 10_000  # done items a call looks at: some tens of milliseconds, however many were never listed again

# What is looked at ends with all that were finished at one moment, so that the next look begins after that moment.
_RENEW: Final = written_down(
    """next AS (
    SELECT domain, asin, detail, finished_at FROM fetch_queue
    WHERE state = 'done' AND finished_at > %(after)s AND finished_at < now() - make_interval(secs => %(age_s)s)
    ORDER BY finished_at FETCH FIRST %(look_at)s ROWS WITH TIES
), old AS (
    SELECT q.domain, q.asin, q.detail FROM next
    JOIN fetch_queue AS q USING (domain, asin, detail, finished_at)
    JOIN deal_sightings AS s USING (domain, asin)
    WHERE q.state = 'done' AND q.detail = %(detail)s AND s.last_seen_at > q.finished_at
    ORDER BY q.finished_at LIMIT %(limit)s FOR UPDATE OF q SKIP LOCKED
), changed AS (
    UPDATE fetch_queue AS q SET
        state = 'pending', priority = %(priority)s, place = extract(epoch FROM q.finished_at) * 1000000000,
        attempts = 0, deaths = 0, enqueued_at = now(), ready_at = now(), finished_at = NULL
    FROM old WHERE (q.domain, q.asin, q.detail) = (old.domain, old.asin, old.detail)
    RETURNING q.domain, q.selection_key, q.detail, 'done' AS was, q.state AS now
)""",
    result="SELECT (SELECT count(*) FROM changed), count(*) >= %(look_at)s, max(finished_at) FROM next",
)


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
    values = {"detail": detail, "age_s": age_s, "limit": limit, "priority": RENEWED_PRIORITY, "look_at": look_at}
    row = conn.execute(_RENEW.encode(), values | {"after": after or "-infinity"}, prepare=False).fetchone()
    count, has_more, last = row or (0, False, None)
    if count >= limit:
        return Renewed(count=count, after=after)  # those renewed are done no more, and the rest is looked at again
    return Renewed(count=count, after=last if has_more else None)
