"""Finds the best of the current deals, each product once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from decimal import Decimal

    from tasks.store.connection import Connection

Over = Literal["day", "week", "month", "quarter"]
Sort = Literal["discount", "drop", "price", "rank", "newest"]

_ORDERS: Final[dict[Sort, LiteralString]] = {
    "discount": "discount_percent DESC, currency, average - price DESC",
    "drop": "average - price DESC, discount_percent DESC",
    "price": "price, discount_percent DESC",
    "rank": "sales_rank NULLS LAST, discount_percent DESC",
    "newest": "deal_since DESC, discount_percent DESC",
}
_FIND: Final = """
SELECT * FROM (
    SELECT DISTINCT ON (d.domain, d.asin)
        d.domain, d.shop, d.asin, d.title, d.root_cat, d.category, d.price_type, d.currency, d.price,
        d.avg_{over} AS average, d.discount_percent_{over} AS discount_percent, d.price_before, d.price_since,
        d.sales_rank, d.deal_since, d.updated_at, d.first_seen_at, d.last_seen_at
    FROM current_deals AS d
    WHERE d.price_type = ANY(%(price_types)s) AND d.discount_percent_{over} >= %(min_discount)s
      AND (%(domain)s::smallint IS NULL OR d.domain = %(domain)s)
      AND d.last_seen_at >= now() - %(within)s::interval
    ORDER BY d.domain, d.asin, d.discount_percent_{over} DESC, d.price
) AS best
ORDER BY {order}, domain, asin LIMIT %(top)s
"""
_CURRENCIES: Final = """
SELECT DISTINCT m.currency, m.host FROM deal_sightings AS s JOIN domains AS m ON m.id = s.domain
WHERE s.last_seen_at >= now() - %(within)s::interval AND (%(domain)s::smallint IS NULL OR s.domain = %(domain)s)
ORDER BY m.currency, m.host
"""
_NEWEST: Final = (
    "SELECT max(last_seen_at) FROM deal_sightings WHERE %(domain)s::smallint IS NULL OR domain = %(domain)s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BestDeal:
    """A deal as people see it: money in the currency's own unit.

    Attributes:
        average: weighted mean of the price over the range asked for.
        discount_percent: how far the price is below it.
        price_before: before the last change, None when that is not known.
        deal_since: when the change happened that made it a deal.
    """

    domain: int
    shop: str | None
    asin: str
    title: str | None
    root_cat: int | None
    category: str | None
    price_type: str
    currency: str | None
    price: Decimal
    average: Decimal
    discount_percent: int
    price_before: Decimal | None
    price_since: datetime
    sales_rank: int | None
    deal_since: datetime
    updated_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFilter:
    """Which deals, and which first.

    Attributes:
        price_types: names of the price types that count.
        over: the range whose mean a price is compared with.
        within: how long ago the deal may have been listed last.
        domain: only this locale; None for all.
        min_discount: by how many percent the price must be below the mean.
        top: how many.
    """

    price_types: Sequence[str]
    over: Over
    within: timedelta
    top: int
    domain: int | None = None
    min_discount: int = 1
    sort: Sort = "discount"


def find(conn: Connection, which: DealFilter) -> list[BestDeal]:
    """The deals that `which` selects, best first, each product once: by the price type with the greatest discount."""
    values = {
        "price_types": list(which.price_types),
        "within": which.within,
        "domain": which.domain,
        "min_discount": which.min_discount,
        "top": which.top,
    }
    statement = _FIND.format(over=which.over, order=_ORDERS[which.sort]).encode()
    with conn.cursor(row_factory=class_row(BestDeal)) as cursor:
        return cursor.execute(statement, values, prepare=False).fetchall()


def currencies(conn: Connection, which: DealFilter) -> dict[str, list[str]]:
    """The shops that have deals of the locale and the time that `which` gives, by their currency."""
    found: dict[str, list[str]] = {}
    values = {"within": which.within, "domain": which.domain}
    for currency, shop in conn.execute(_CURRENCIES, values, prepare=False).fetchall():
        found.setdefault(currency, []).append(shop)
    return found


def newest(conn: Connection, *, domain: int | None = None) -> datetime | None:
    """When any deal was last listed; None when there is none."""
    row = conn.execute(_NEWEST, {"domain": domain}).fetchone()
    return None if row is None else row[0]
