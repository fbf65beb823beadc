"""Counts, drops or adopts the part of the queue that no selection of the settings asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

from tasks.store.queue.selected import IS_CHOSEN, parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.planning.streams import WantedStreams
    from tasks.store.connection import Connection

_LIST: Final = f"""
SELECT domain, selection_key, {IS_CHOSEN} AS is_chosen, count(*) FILTER (WHERE state = 'pending') AS pending,
       count(*) FILTER (WHERE state = 'leased') AS leased, min(enqueued_at) AS since
FROM fetch_queue WHERE state IN ('pending', 'leased')
GROUP BY domain, selection_key ORDER BY is_chosen DESC, domain, selection_key
"""  # noqa: S608 - a fragment of ours
# What another transaction has locked is about to change, and is listed again before long.
_ADOPT: Final = """
WITH found AS (
    SELECT domain, asin, detail FROM fetch_queue
    WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND detail = %(detail)s
      AND (selection_key = ANY(%(keys)s)) IS NOT TRUE
    FOR UPDATE SKIP LOCKED
)
UPDATE fetch_queue AS q SET selection_key = %(selection_key)s
FROM found WHERE (q.domain, q.asin, q.detail) = (found.domain, found.asin, found.detail)
"""
# What a worker has claimed is paid for: it is left to end by itself.
_DROP: Final = f"DELETE FROM fetch_queue WHERE state = 'pending' AND NOT {IS_CHOSEN}"  # noqa: S608 - the same


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedStream:
    """What waits of one stream: a selection in a locale.

    Attributes:
        selection_key: None for what an older build queued, or what was queued by hand.
        is_chosen: whether the settings still ask for it.
        leased: how many of it workers have claimed now.
        since: since when the oldest waits.
    """

    domain: int
    selection_key: str | None
    is_chosen: bool
    pending: int
    leased: int
    since: datetime


def queued_streams(conn: Connection, chosen: WantedStreams | None) -> list[QueuedStream]:
    """The queue by selection and locale, what the settings ask for first."""
    with conn.cursor(row_factory=class_row(QueuedStream)) as cursor:
        return cursor.execute(_LIST.encode(), parameters(chosen), prepare=False).fetchall()


def adopt(
    conn: Connection, domain: int, asins: Sequence[str], *, detail: str, selection_key: str, chosen: WantedStreams
) -> int:
    """Assign to a selection what it lists and no selection in `chosen` has listed before; how many items."""
    names = {"domain": domain, "asins": list(asins), "detail": detail, "selection_key": selection_key}
    return conn.execute(_ADOPT, names | {"keys": list(chosen.keys)}, prepare=False).rowcount


def drop(conn: Connection, chosen: WantedStreams | None) -> int:
    """Delete what waits and is no longer asked for; how many items that were."""
    return conn.execute(_DROP, parameters(chosen), prepare=False).rowcount
