"""Puts products before all others in the queue, because a person asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.queue import queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

FRONT: Final = 1_000  # above whatever the jobs queue
_RAISE: Final = """
WITH waiting AS (
    SELECT domain, asin, detail FROM fetch_queue
    WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND detail = %(detail)s AND state = 'pending'
      AND priority < %(priority)s
    ORDER BY asin FOR UPDATE
)
UPDATE fetch_queue AS q SET priority = %(priority)s, ready_at = now()
FROM waiting WHERE (q.domain, q.asin, q.detail) = (waiting.domain, waiting.asin, waiting.detail)
"""


def to_front(
    conn: Connection, domain: int, asins: Sequence[str], *, detail: str, selection_key: str | None = None
) -> int:
    """Queue these products before all others, also those fetched before; how many of them were not waiting already.

    Those that wait already come to the front, and stay those of whoever asked for them. What a worker is fetching now
    is left to it. `selection_key` is the selection that the others are booked under.
    """
    queued = queue.enqueue(conn, domain, asins, detail=detail, priority=FRONT, again=True, selection_key=selection_key)
    values = {"domain": domain, "asins": list(asins), "detail": detail, "priority": FRONT}
    conn.execute(_RAISE, values, prepare=False)
    return queued
