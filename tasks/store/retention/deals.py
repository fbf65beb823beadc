"""Deletes deals that are not listed any more, and in the same pass the products that are no deal any more.

When a deal was last listed stays known (`deal_sightings`) for as long as anything else is judged by it. The walks are
not touched: what a walk passed once stays passed, and a deal that is listed again is written as any new one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store import deals
from tasks.store.duties.duty import Step
from tasks.store.retention import products
from tasks.store.retention.keep import cutoff

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.retention.keep import Keep
    from tasks.store.retention.passes import DailyPass

# A row is due when a deal or a product goes, or when it goes itself. The first keys of the next stretch that are due,
# and the last key of the stretch unless it is the end.
_NEXT: Final = """
WITH next AS MATERIALIZED (
    SELECT domain, asin, last_seen_at FROM deal_sightings WHERE (domain, asin) > (%(domain)s, %(asin)s)
    ORDER BY domain, asin LIMIT %(stretch)s
), due AS (
    SELECT domain, asin FROM next AS n
    WHERE last_seen_at < %(forgotten)s
       OR (last_seen_at < %(deals)s
           AND EXISTS (SELECT FROM deal_rows AS d WHERE d.domain = n.domain AND d.asin = n.asin))
       OR (last_seen_at < %(history)s
           AND EXISTS (SELECT FROM products AS p WHERE p.domain = n.domain AND p.asin = n.asin))
    ORDER BY domain, asin LIMIT %(batch)s
)
SELECT 'old', domain, asin FROM due
UNION ALL SELECT 'end', domain, asin FROM (SELECT domain, asin FROM next OFFSET %(stretch)s - 1) AS last
"""
_AGES: Final = "SELECT asin, last_seen_at FROM deal_sightings WHERE domain = %s AND asin = ANY(%s)"


class Cutoffs(NamedTuple):
    """A deal, a product, the knowledge when a deal was listed: each goes when that was before; None for never."""

    deals: datetime | None
    history: datetime | None
    forgotten: datetime | None


def cutoffs(keep: Keep, until: datetime) -> Cutoffs:
    """What is too old at that moment."""
    deals_before, history = cutoff(keep.deals_d, until), cutoff(keep.history_d, until)
    judged_by = [found for found in (history, cutoff(keep.queue_d, until)) if found is not None]
    return Cutoffs(deals_before, history, None if deals_before is None else min([deals_before, *judged_by]))


def step(conn: Connection, keep: Keep, where: DailyPass, now: datetime, until: datetime | None) -> Step:
    """Delete what is due among the next keys; the arguments are those of `products.step`."""
    if until is None or not (keep.deals_d or keep.history_d):
        return Step(has_more=False)
    before = cutoffs(keep, until)
    return where.step(
        conn,
        now,
        _NEXT,
        begin={"domain": 0, "asin": ""},
        about=before._asdict(),
        delete=lambda domain, asins: _delete(conn, domain, asins, before),
    )


def _delete(conn: Connection, domain: int, asins: Sequence[str], before: Cutoffs) -> Counter[str]:
    """Delete what is still due once nobody lists deals of the locale; rows by table."""
    deals.lock(conn, domain)
    ages: dict[str, datetime] = dict(conn.execute(_AGES, (domain, list(asins)), prepare=False).fetchall())

    def older(than: datetime | None) -> list[str]:
        return [] if than is None else [asin for asin, seen_at in ages.items() if seen_at < than]

    gone: Counter[str] = Counter()
    if before.history is not None:
        gone += products.delete(conn, domain, older(before.history), before.history)
    gone["deals"] += deals.remove(conn, domain, older(before.deals))
    deals.forget(conn, domain, older(before.forgotten))
    return gone
