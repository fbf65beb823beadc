"""Counts, drops or adopts the part of the queue that no selection of the settings asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

from tasks.roles import BACKFILL
from tasks.store import crawls
from tasks.store.queue.changes import change, written_down
from tasks.store.queue.claim_sql import IN_ORDER
from tasks.store.queue.selected import ASKER, IS_CHOSEN, parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.planning.streams import WantedStreams
    from tasks.store.connection import Connection

# The sums tell which selections wait and how many items; of each selection only the first item of each priority is
# read, by the index of who asks, and tells since when. Where nothing is found the sums are wrong, and nothing waits.
_LIST: Final = f"""
WITH RECURSIVE kept AS (
    SELECT domain, selection_key, sum(waiting)::bigint AS waiting FROM fetch_queue_counts
    GROUP BY domain, selection_key
), held AS (
    SELECT domain, selection_key, count(*) AS leased FROM fetch_queue
    WHERE state = 'leased' GROUP BY domain, selection_key
), firsts AS (
    SELECT kept.domain, kept.selection_key, first.* FROM kept, LATERAL (
        SELECT priority, enqueued_at FROM fetch_queue
        WHERE state IN ('pending', 'leased') AND {ASKER} = coalesce(kept.selection_key, kept.domain::text)
          AND domain = kept.domain
        {IN_ORDER} LIMIT 1
    ) AS first WHERE kept.waiting > 0
    UNION ALL
    SELECT firsts.domain, firsts.selection_key, next.* FROM firsts, LATERAL (
        SELECT priority, enqueued_at FROM fetch_queue
        WHERE state IN ('pending', 'leased') AND {ASKER} = coalesce(firsts.selection_key, firsts.domain::text)
          AND domain = firsts.domain AND -priority > -firsts.priority
        {IN_ORDER} LIMIT 1
    ) AS next
), since AS (
    SELECT domain, selection_key, min(enqueued_at) AS since FROM firsts GROUP BY domain, selection_key
)
SELECT domain, selection_key, {IS_CHOSEN} AS is_chosen, greatest(0, waiting - leased) AS pending, leased, since
FROM (
    SELECT kept.domain, kept.selection_key, kept.waiting, coalesce(held.leased, 0) AS leased, since.since
    FROM kept
    JOIN since ON since.domain = kept.domain AND since.selection_key IS NOT DISTINCT FROM kept.selection_key
    LEFT JOIN held ON held.domain = kept.domain AND held.selection_key IS NOT DISTINCT FROM kept.selection_key
) AS waiting ORDER BY is_chosen DESC, domain, selection_key
"""  # noqa: S608 - fragments of ours
# What another transaction has locked is about to change, and is listed again before long.
_ADOPT: Final = written_down(
    """found AS (
    SELECT domain, asin, detail, selection_key FROM fetch_queue
    WHERE domain = %(domain)s AND asin = ANY(%(asins)s) AND detail = %(detail)s
      AND (selection_key = ANY(%(keys)s)) IS NOT TRUE
    FOR UPDATE SKIP LOCKED
), adopted AS (
    UPDATE fetch_queue AS q SET selection_key = %(selection_key)s
    FROM found WHERE (q.domain, q.asin, q.detail) = (found.domain, found.asin, found.detail)
    RETURNING q.domain, q.detail, q.selection_key, found.selection_key AS was_asked_by, q.state
), changed AS (
    SELECT domain, was_asked_by AS selection_key, detail, state AS was, NULL AS now FROM adopted
    UNION ALL SELECT domain, selection_key, detail, NULL, state FROM adopted
)""",
    each="now IS NOT NULL",
)
# What a worker has claimed is paid for: it is left to end by itself. Whatever has listed some of the rest counts as
# never read to its end, or begun: otherwise it would list them again only when its time is over. An item names one of
# those who list it, the first. Another that has listed it since, wanted or not, is not to be told from the others but
# by what stands beside a deal; a source stands nowhere, and may have listed anything of its locale while it waited.
# Deals may be spread over servers and the queue never is, so no statement changes the one and reads the other.
_LOCK: Final = f"""
SELECT domain, array_agg(asin) FROM (
    SELECT domain, asin FROM fetch_queue WHERE state = 'pending' AND NOT {IS_CHOSEN}
    ORDER BY domain, asin, detail FOR UPDATE
) AS found GROUP BY domain
"""  # noqa: S608 - fragments of ours
# Of a selection that is known to list a deal, when it was read says nothing: what was fetched long ago and is fetched
# again waits since it was queued first, or since somebody asked for it anew, and nobody notes which.
_LISTERS: Final = f"""
SELECT DISTINCT domain, unnest(coalesce(nullif(seen.selections, '{{}}'), ARRAY[NULL::smallint])) AS number
FROM fetch_queue JOIN deal_sightings AS seen USING (domain, asin) WHERE state = 'pending' AND NOT {IS_CHOSEN}
"""  # noqa: S608 - the same
_DROP: Final = written_down(f"""dropped AS (
    DELETE FROM fetch_queue WHERE state = 'pending' AND NOT {IS_CHOSEN}
      AND (domain, asin) IN (SELECT * FROM unnest(%(product_domains)s::smallint[], %(asins)s::text[]))
    RETURNING domain, selection_key, detail, state, enqueued_at
), affected AS (
    SELECT domain, min(enqueued_at) AS since FROM dropped GROUP BY domain
), listers AS (
    SELECT lister.domain, selections.selection_key
    FROM unnest(%(domains)s::smallint[], %(numbers)s::smallint[]) AS lister (domain, number)
    LEFT JOIN selections USING (number)
), forgotten AS (
    DELETE FROM crawls AS walk USING affected
    WHERE walk.job = 'backfill' AND walk.domain = affected.domain AND (
        (walk.selection_key, walk.domain) IN (SELECT selection_key, domain FROM dropped)
        OR (walk.selection_key, walk.domain) IN (SELECT selection_key, domain FROM listers)
        OR coalesce(walk.finished_at, 'infinity') >= affected.since AND (
            NOT EXISTS (SELECT FROM selections WHERE selections.selection_key = walk.selection_key)
            OR EXISTS (SELECT FROM listers WHERE listers.domain = walk.domain AND listers.selection_key IS NULL)
        )
    )
), changed AS (
    SELECT domain, selection_key, detail, state AS was, NULL AS now FROM dropped
)""")  # noqa: S608 - the same

_COUNT: Final = f"""
SELECT count(*) FROM (SELECT FROM fetch_queue WHERE state = 'pending' AND NOT {IS_CHOSEN} LIMIT %(most)s) AS found
"""  # noqa: S608 - the same


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
    return change(conn, _ADOPT, names | {"keys": list(chosen.keys)})


def drop(conn: Connection, chosen: WantedStreams | None) -> int:
    """Delete what waits and is no longer asked for; how many items that were.

    The sources and selections that had listed some of it too, whether or not they are still asked for, are read anew by
    backfill: how far they were read is forgotten. So what one that stays lists as well comes back.
    """
    crawls.lock_walks(conn, BACKFILL)
    asked = parameters(chosen)
    products = conn.execute(_LOCK.encode(), asked, prepare=False).fetchall()
    listers = conn.execute(_LISTERS.encode(), asked, prepare=False).fetchall()
    names = {
        "product_domains": [domain for domain, asins in products for _ in asins],
        "asins": [asin for _, asins in products for asin in asins],
        "domains": [domain for domain, _ in listers],
        "numbers": [number for _, number in listers],
    }
    return change(conn, _DROP, {**asked, **names})


def count(conn: Connection, chosen: WantedStreams | None, *, most: int) -> int:
    """How many items `drop` would delete, counted one by one up to `most`."""
    row = conn.execute(_COUNT.encode(), {**parameters(chosen), "most": most}, prepare=False).fetchone()
    return 0 if row is None else row[0]
