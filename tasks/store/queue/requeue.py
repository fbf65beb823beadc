"""Products that were given up, back into the queue; and those whose answer turned up after all, out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

_STATES: Final = "SELECT detail, state, finished_at FROM fetch_queue WHERE domain = %s AND asin = %s FOR UPDATE"
_REVIVE: Final = """
UPDATE fetch_queue SET
    state = 'pending', attempts = 0, deaths = 0, reason = NULL,
    enqueued_at = now(), ready_at = now(), finished_at = NULL,
    place = extract(epoch FROM clock_timestamp()) * 1000000000
WHERE domain = %s AND asin = %s AND detail = ANY(%s) AND state = 'given up'
"""
_SETTLE: Final = """
UPDATE fetch_queue SET state = 'done', finished_at = now()
WHERE domain = %s AND asin = ANY(%s) AND detail = %s AND state IN ('pending', 'given up') AND enqueued_at <= %s
"""


def states(conn: Connection, domain: int, asin: str) -> dict[str, tuple[str, datetime | None]]:
    """By level of detail: the product's state in the queue and when it was finished; locked by the transaction."""
    return {detail: (state, at) for detail, state, at in conn.execute(_STATES, (domain, asin)).fetchall()}


def revive(conn: Connection, domain: int, asin: str, details: Sequence[str]) -> int:
    """Queue again what was given up of the product, with all its attempts before it; how many levels of detail."""
    return conn.execute(_REVIVE, (domain, asin, list(details)), prepare=False).rowcount


def settle(conn: Connection, domain: int, asins: Sequence[str], *, detail: str, received_at: datetime) -> int:
    """Mark as done what was queued before an answer to it came, and is in nobody's hands; how many items."""
    return conn.execute(_SETTLE, (domain, list(asins), detail, received_at), prepare=False).rowcount
