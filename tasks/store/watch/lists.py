"""The lists that are kept fresh: their contents are taken over and counted, and why one cannot be read is noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.settings import WatchListSettings
    from tasks.store.connection import Connection

_STANDING: Final = "SELECT digest, refresh_s, reason IS NULL FROM watch_lists WHERE list_key = %s"
_SAVE: Final = """
INSERT INTO watch_lists AS l (list_key, name, domain, detail, refresh_s, digest, loaded_at, products)
VALUES (%(key)s, %(name)s, %(domain)s, %(detail)s, %(refresh_s)s, %(digest)s, now(), %(products)s)
ON CONFLICT (list_key) DO UPDATE SET
    refresh_s = excluded.refresh_s, digest = excluded.digest, loaded_at = excluded.loaded_at,
    products = excluded.products, reason = NULL, since = NULL
"""
_ADD: Final = """
INSERT INTO watched_products (list_key, asin)
SELECT %(key)s, asin FROM unnest(%(asins)s::text[]) AS a (asin) ORDER BY asin
ON CONFLICT (list_key, asin) DO NOTHING
"""
_REMOVE: Final = """
DELETE FROM watched_products AS w WHERE list_key = %(key)s
  AND NOT EXISTS (SELECT FROM unnest(%(asins)s::text[]) AS a (asin) WHERE a.asin = w.asin)
"""
_RESCHEDULE: Final = """
UPDATE watched_products SET due_at = fetched_at + make_interval(secs => %(refresh_s)s)
WHERE list_key = %(key)s AND fetched_at IS NOT NULL AND queued_at IS NULL
"""
_REFUSE: Final = """
INSERT INTO watch_lists AS l (list_key, name, domain, detail, refresh_s, digest, loaded_at, reason, since)
VALUES (%(key)s, %(name)s, %(domain)s, %(detail)s, %(refresh_s)s, '', now(), %(reason)s, now())
ON CONFLICT (list_key) DO UPDATE SET reason = excluded.reason, since = coalesce(l.since, excluded.since)
"""
_COUNT: Final = """
UPDATE watch_lists AS l SET
    products = c.products, fetched = c.fetched, overdue = c.overdue, oldest_at = c.oldest_at, counted_at = now()
FROM (
    SELECT count(*) AS products, count(fetched_at) AS fetched, min(fetched_at) AS oldest_at,
           count(*) FILTER (WHERE due_at <= now() OR queued_at IS NOT NULL) AS overdue
    FROM watched_products WHERE list_key = %(key)s
) AS c WHERE l.list_key = %(key)s
"""
# Of a product the last fetch is known. Before that it was fetched as often as the list wants.
_FETCHES: Final = """
SELECT coalesce(sum(greatest(1, %(window_s)s / l.refresh_s)), 0)::float8
FROM watch_lists AS l JOIN watched_products AS w USING (list_key)
WHERE l.list_key = ANY(%(keys)s) AND w.fetched_at > now() - make_interval(secs => %(window_s)s)
"""
_ALL: Final = """
SELECT list_key, name, domain, detail, refresh_s, loaded_at, products, fetched, overdue, oldest_at, reason, since
FROM watch_lists ORDER BY name, domain, detail
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchList:
    """A list as it stands.

    Attributes:
        refresh_s: seconds after which a product is fetched again.
        fetched: products that were fetched at least once.
        overdue: products that are to be fetched and are not yet.
        oldest_at: when the one was fetched that was fetched longest ago; None before the first.
        reason: why the list cannot be read now, and `since` when; None when it can.
    """

    list_key: str
    name: str
    domain: int
    detail: str
    refresh_s: float
    loaded_at: datetime
    products: int
    fetched: int
    overdue: int
    oldest_at: datetime | None
    reason: str | None
    since: datetime | None


def is_current(conn: Connection, watch: WatchListSettings, digest: str) -> bool:
    """Whether these very contents were taken over, at the refresh that the settings have now."""
    row = conn.execute(_STANDING, (watch.key,)).fetchone()
    return row is not None and tuple(row) == (digest, watch.refresh_s, True)


def take_over(conn: Connection, watch: WatchListSettings, digest: str, asins: Sequence[str]) -> int:
    """Make these the products of the list, in the caller's transaction; how many were added or removed.

    What was fetched stays known; what is new is due at once.
    """
    values = {"key": watch.key, "asins": list(asins), "refresh_s": watch.refresh_s}
    about = {"name": watch.name, "domain": watch.domain, "detail": watch.detail, "digest": digest}
    conn.execute(_SAVE, values | about | {"products": len(asins)})
    removed = conn.execute(_REMOVE, values, prepare=False).rowcount
    added = conn.execute(_ADD, values, prepare=False).rowcount
    conn.execute(_RESCHEDULE, values, prepare=False)
    conn.execute(_COUNT, values, prepare=False)
    return added + removed


def refuse(conn: Connection, watch: WatchListSettings, reason: str) -> None:
    """Note why the list cannot be read; what was taken over before stays."""
    about = {"key": watch.key, "name": watch.name, "domain": watch.domain, "detail": watch.detail}
    conn.execute(_REFUSE, about | {"refresh_s": watch.refresh_s, "reason": reason})


def count(conn: Connection, key: str) -> None:
    """Count the list anew: some milliseconds for each ten thousand products."""
    conn.execute(_COUNT, {"key": key}, prepare=False)


def fetches(conn: Connection, keys: Sequence[str], *, window_s: float) -> float:
    """About how often products of these lists were fetched in the last `window_s` seconds."""
    row = conn.execute(_FETCHES, {"keys": list(keys), "window_s": window_s}, prepare=False).fetchone()
    return 0.0 if row is None else float(row[0])


def all_lists(conn: Connection) -> list[WatchList]:
    """Every list that there ever was, by name."""
    with conn.cursor(row_factory=class_row(WatchList)) as cursor:
        return cursor.execute(_ALL).fetchall()
