"""Reads the best deals page by page, and counts those that have come since a page was read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, assert_never

from tasks.store.best_deals import best_deals, walk
from tasks.store.best_deals.best_deals import units
from tasks.store.best_deals.position import HIGHEST, NO_RANK, Position
from tasks.store.best_deals.resale import resale_of

if TYPE_CHECKING:
    from tasks.store.best_deals.best_deals import BestDeal
    from tasks.store.best_deals.candidates import Sort
    from tasks.store.best_deals.deal_filter import DealFilter
    from tasks.store.connection import Connection

MOST_ARRIVALS: Final = 100
_READ: Final = 1_000  # the newest deals of a shop, among which those that match are looked for
# Of each shop from the end of an index: what it costs does not depend on how many deals there are.
_LATEST: Final = """
SELECT max(newest.creation_date)
FROM unnest(%(domains)s::smallint[]) AS m (id) CROSS JOIN LATERAL (
    SELECT r.creation_date FROM deal_rows AS r WHERE r.domain = m.id ORDER BY r.creation_date DESC LIMIT 1
) AS newest
"""
_ARRIVED: Final = """
WITH fresh AS MATERIALIZED (
    SELECT newest.domain, newest.asin
    FROM unnest(%(domains)s::smallint[]) AS m (id) CROSS JOIN LATERAL (
        SELECT r.domain, r.asin FROM deal_rows AS r
        WHERE r.domain = m.id AND r.creation_date > %(since)s ORDER BY r.creation_date DESC LIMIT %(read)s
    ) AS newest
)
SELECT coalesce(array_agg(domain), '{}'), coalesce(array_agg(asin), '{}') FROM fresh
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealPage:
    """One page of a list of deals.

    Attributes:
        after: the last place on it, behind which the next page begins; None on the last page.
        looked_at: as of `walk.Walked`.
        goes_on: whether the next page looks at those that were not looked at.
    """

    deals: list[BestDeal]
    after: Position | None
    looked_at: int | None = None
    goes_on: bool = False


def read_page(conn: Connection, which: DealFilter, *, most: int = walk.LOOKED_AT) -> DealPage:
    """The deals of `which` from its `after` on, at most `top` of them, of which `most` are looked at."""
    found = walk.walk(conn, which, most=most)
    after = _place(conn, which, found.deals[-1]) if found.has_more else found.goes_on
    return DealPage(deals=found.deals, after=after, looked_at=found.looked_at, goes_on=found.goes_on is not None)


def _place(conn: Connection, which: DealFilter, deal: BestDeal) -> Position:
    """Where the deal stands in the list of `which`."""
    if which.conditions.sort is None:
        return position_of(deal, which.sort)
    (resale,) = resale_of(conn, [deal], which.conditions.terms)
    unknown = Decimal(HIGHEST)
    profit = unknown if resale.profit is None else Decimal(-units(resale.profit))
    roi = unknown if resale.roi_percent is None else -resale.roi_percent
    keys = (roi, profit) if which.conditions.sort == "roi" else (profit, roi)
    return Position(keys, deal.domain, deal.asin)


def position_of(deal: BestDeal, sort: Sort) -> Position:
    """Where the deal stands in a list of that order."""
    percent, rank = Decimal(-deal.discount_percent), Decimal(NO_RANK if deal.sales_rank is None else deal.sales_rank)
    keys: tuple[Decimal, ...]
    match sort:
        case "discount":
            keys = (percent, rank)
        case "drop":
            keys = (deal.price - deal.average, percent)
        case "price":
            keys = (deal.price, percent)
        case "rank":
            keys = (rank, percent)
        case "newest":
            keys = (Decimal(-int(deal.deal_since.timestamp() // 60)), percent)
        case _:
            assert_never(sort)
    return Position(keys, deal.domain, deal.asin)


def latest(conn: Connection, which: DealFilter) -> int | None:
    """The Keepa minute of the newest deal of the locales of `which`, whatever it is like; None without any."""
    row = conn.execute(_LATEST, which.values(), prepare=False).fetchone()
    return None if row is None else row[0]


def arrivals(conn: Connection, which: DealFilter, since: int) -> int:
    """How many deals of `which` have become deals after that Keepa minute, up to `MOST_ARRIVALS`.

    Of each locale the newest thousand are looked at.
    """
    row = conn.execute(_ARRIVED, {**which.values(), "since": since, "read": _READ}, prepare=False).fetchone()
    domains, asins = row or ([], [])
    if not asins:
        return 0
    return len(best_deals.among(conn, replace(which, top=MOST_ARRIVALS, after=None), domains, asins))
