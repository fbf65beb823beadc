"""Queues products that were given up again, and takes those out whose answer turned up after all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

_STATES: Final = "SELECT detail, state, finished_at FROM fetch_queue WHERE domain = %s AND asin = %s FOR UPDATE"
_REQUEUE: Final = """
UPDATE fetch_queue SET
    state = 'pending', attempts = 0, deaths = 0, reason = NULL,
    enqueued_at = now(), ready_at = now(), finished_at = NULL,
    place = extract(epoch FROM clock_timestamp()) * 1000000000
WHERE domain = %s AND asin = %s AND detail = ANY(%s) AND state = 'given up'
"""
_MARK_DONE: Final = """
UPDATE fetch_queue SET state = 'done', finished_at = now()
WHERE domain = %s AND asin = ANY(%s) AND detail = %s AND state IN ('pending', 'given up') AND enqueued_at <= %s
"""


def states(conn: Connection, domain: int, asin: str) -> dict[str, tuple[str, datetime | None]]:
    """By level of detail: the product's state in the queue and when it was finished; locked by the transaction."""
    return {detail: (state, at) for detail, state, at in conn.execute(_STATES, (domain, asin)).fetchall()}


def requeue_failed(conn: Connection, domain: int, asin: str, details: Sequence[str]) -> int:
    """Queue again what was given up of the product, with all its attempts before it; how many levels of detail."""
    return conn.execute(_REQUEUE, (domain, asin, list(details)), prepare=False).rowcount


def mark_done(conn: Connection, domain: int, asins: Sequence[str], *, detail: str, received_at: datetime) -> int:
    """Mark as done what was queued before an answer to it came, and is claimed by nobody; how many items."""
    return conn.execute(_MARK_DONE, (domain, list(asins), detail, received_at), prepare=False).rowcount
