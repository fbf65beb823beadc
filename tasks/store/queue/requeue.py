"""Queues products that were given up again, and takes those out whose answer turned up after all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.queue.changes import change, written_down

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

_STATES: Final = "SELECT detail, state, finished_at FROM fetch_queue WHERE domain = %s AND asin = %s FOR UPDATE"
_REQUEUE: Final = written_down("""changed AS (
    UPDATE fetch_queue SET
        state = 'pending', attempts = 0, deaths = 0, reason = NULL,
        enqueued_at = now(), ready_at = now(), finished_at = NULL,
        place = extract(epoch FROM clock_timestamp()) * 1000000000
    WHERE domain = %(domain)s AND asin = %(asin)s AND detail = ANY(%(details)s) AND state = 'given up'
    RETURNING domain, selection_key, detail, 'given up' AS was, state AS now
)""")
_MARK_DONE: Final = written_down("""found AS (
    SELECT domain, asin, detail, state FROM fetch_queue
    WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND detail = %(detail)s
      AND state IN ('pending', 'given up') AND enqueued_at <= %(received_at)s
    ORDER BY asin FOR UPDATE
), changed AS (
    UPDATE fetch_queue AS q SET state = 'done', finished_at = now()
    FROM found WHERE (q.domain, q.asin, q.detail) = (found.domain, found.asin, found.detail)
    RETURNING q.domain, q.selection_key, q.detail, found.state AS was, q.state AS now
)""")


def states(conn: Connection, domain: int, asin: str) -> dict[str, tuple[str, datetime | None]]:
    """By level of detail: the product's state in the queue and when it was finished; locked by the transaction."""
    return {detail: (state, at) for detail, state, at in conn.execute(_STATES, (domain, asin)).fetchall()}


def requeue_failed(conn: Connection, domain: int, asin: str, details: Sequence[str]) -> int:
    """Queue again what was given up of the product, with all its attempts before it; how many levels of detail."""
    return change(conn, _REQUEUE, {"domain": domain, "asin": asin, "details": list(details)})


def mark_done(conn: Connection, domain: int, asins: Sequence[str], *, detail: str, received_at: datetime) -> int:
    """Mark as done what was queued before an answer to it came, and is claimed by nobody; how many items."""
    values = {"domain": domain, "asins": list(asins), "detail": detail, "received_at": received_at}
    return change(conn, _MARK_DONE, values)
