"""Reads the price history of one product, and what is known of it when there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

# Each locale is looked up by itself: the key begins with it, and a search by ASIN alone would read the whole index.
_DOMAINS: Final = """
SELECT d.id FROM domains AS d
WHERE EXISTS (SELECT FROM products AS p WHERE p.domain = d.id AND p.asin = %(asin)s)
   OR EXISTS (SELECT FROM deal_rows AS r WHERE r.domain = d.id AND r.asin = %(asin)s)
   OR EXISTS (SELECT FROM fetch_queue AS q WHERE q.domain = d.id AND q.asin = %(asin)s)
ORDER BY d.id
"""
_PRODUCT: Final = """
SELECT d.id AS domain, d.host AS shop, d.currency, d.minor_digits, %(asin)s AS asin,
       coalesce(p.title, r.title) AS title, p.is_found, p.history_fetched_at,
       (SELECT min(q.state) FROM fetch_queue AS q WHERE q.domain = d.id AND q.asin = %(asin)s) AS queued
FROM domains AS d
LEFT JOIN products AS p ON p.domain = d.id AND p.asin = %(asin)s
LEFT JOIN deal_rows AS r ON r.domain = d.id AND r.asin = %(asin)s
WHERE d.id = %(domain)s
"""
_POINTS: Final = """
SELECT coalesce(price_type, 'TYPE_' || price_type_id) AS price_type, at, price, shipping, value
FROM price_history
WHERE domain = %(domain)s AND asin = %(asin)s
  AND (%(price_types)s::text[] IS NULL OR price_history.price_type = ANY(%(price_types)s))
ORDER BY price_type_id, at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSummary:
    """What is known of a product.

    Attributes:
        is_found: whether Keepa knows it; None while it was never fetched.
        queued: its state in the queue, None when it is not there.
    """

    domain: int
    shop: str
    currency: str
    minor_digits: int
    asin: str
    title: str | None
    is_found: bool | None
    history_fetched_at: datetime | None
    queued: str | None

    @property
    def is_any(self) -> bool:
        """Whether anything is."""
        return not (self.title is None and self.is_found is None and self.queued is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A change: from `at` on the value holds.

    Attributes:
        price: in the currency, without shipping; None when there was none, and for what is no price.
        shipping: likewise.
        value: as received: the price in the smallest unit, or the rank, count or rating; None when there was none.
    """

    price_type: str
    at: datetime
    price: Decimal | None
    shipping: Decimal | None
    value: int | None


def domains_of(conn: Connection, asin: str) -> list[int]:
    """The locales in which anything is known of the product."""
    return [row[0] for row in conn.execute(_DOMAINS, {"asin": asin}, prepare=False).fetchall()]


def product_summary(conn: Connection, domain: int, asin: str) -> ProductSummary | None:
    """What is known of the product there; None when there is no such locale."""
    with conn.cursor(row_factory=class_row(ProductSummary)) as cursor:
        return cursor.execute(_PRODUCT, {"domain": domain, "asin": asin}, prepare=False).fetchone()


def points(conn: Connection, domain: int, asin: str, *, price_types: Sequence[str] | None) -> list[Point]:
    """The changes by price type and time; of all price types when none is named."""
    values = {"domain": domain, "asin": asin, "price_types": None if price_types is None else list(price_types)}
    with conn.cursor(row_factory=class_row(Point)) as cursor:
        return cursor.execute(_POINTS, values, prepare=False).fetchall()
