"""Reads the offers of one product that stood at the last reply with offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_OFFERS: Final = """
SELECT seller_id, condition, price, shipping, is_amazon, is_fba, is_prime, price_since, last_seen_at
FROM live_offers WHERE domain = %(domain)s AND asin = %(asin)s ORDER BY place LIMIT %(limit)s
"""
_FETCHED: Final = "SELECT offers_fetched_at FROM products WHERE domain = %(domain)s AND asin = %(asin)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOffer:
    """An offer as people see it; what is not known is None.

    Attributes:
        price: in the currency, without shipping.
        is_amazon: whether Amazon itself sells it.
        is_fba: whether Amazon ships it for the seller.
        price_since: since when it has had this price.
        last_seen_at: when Keepa saw the offer last.
    """

    seller_id: str | None
    condition: str | None
    price: Decimal | None
    shipping: Decimal | None
    is_amazon: bool | None
    is_fba: bool | None
    is_prime: bool | None
    price_since: datetime | None
    last_seen_at: datetime | None


def live_offers(conn: Connection, domain: int, asin: str, *, limit: int | None = None) -> list[LiveOffer]:
    """At most so many of them, in the shop's order; all of them without a limit."""
    values = {"domain": domain, "asin": asin, "limit": limit}
    with conn.cursor(row_factory=class_row(LiveOffer)) as cursor:
        return cursor.execute(_OFFERS, values, prepare=False).fetchall()


def fetched_at(conn: Connection, domain: int, asin: str) -> datetime | None:
    """When the offers were last fetched; None when they never were."""
    row = conn.execute(_FETCHED, {"domain": domain, "asin": asin}, prepare=False).fetchone()
    return None if row is None else row[0]
