"""Reads products as they were fetched last: names, and what each price type was then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

_PRODUCTS: Final = """
SELECT p.domain, m.host AS shop, m.currency, p.asin, p.is_found, p.title, p.brand, p.monthly_sold,
       coalesce(p.ean_list, '{}') || coalesce(p.upc_list, '{}') || coalesce(p.gtin_list, '{}') AS codes,
       keepa_time(p.last_update) AS updated_at, p.fetched_at, p.stats_fetched_at, p.history_fetched_at,
       p.offers_fetched_at
FROM products AS p LEFT JOIN domains AS m ON m.id = p.domain
WHERE p.domain = %(domain)s AND p.asin = ANY(%(asins)s)
"""
# The figures as they came: a number that is too large for any price is none.
_FIGURES: Final = """
SELECT p.asin, t.name AS price_type,
       CASE WHEN t.is_money THEN keepa_money(f.now::int, p.domain) END AS price,
       CASE WHEN t.is_money THEN keepa_money(f.mean::int, p.domain) END AS mean,
       f.now::int AS value
FROM products AS p
CROSS JOIN price_types AS t
CROSS JOIN LATERAL (
    SELECT (p.stats -> 'current' ->> t.id::int)::numeric AS now, (p.stats -> 'avg90' ->> t.id::int)::numeric AS mean
) AS f
WHERE p.domain = %(domain)s AND p.asin = ANY(%(asins)s)
  AND f.now BETWEEN 0 AND 2147483647 AND (f.mean IS NULL OR f.mean BETWEEN -2147483648 AND 2147483647)
ORDER BY p.asin, t.id
"""
# Read from end to end: nobody asks by code but after a kill.
_BY_CODE: Final = """
SELECT asin FROM products WHERE domain = %(domain)s
  AND (ean_list && %(codes)s OR upc_list && %(codes)s OR gtin_list && %(codes)s) ORDER BY asin
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductNow:
    """A product as it was fetched last.

    Attributes:
        is_found: whether Keepa knew it then.
        codes: its EANs, UPCs and GTINs.
        updated_at: when Keepa looked at it last; None when it does not say.
        stats_fetched_at: when its figures were fetched; None: never. The others likewise.
    """

    domain: int
    shop: str | None
    currency: str | None
    asin: str
    is_found: bool
    title: str | None
    brand: str | None
    monthly_sold: int | None
    codes: list[str]
    updated_at: datetime | None
    fetched_at: datetime
    stats_fetched_at: datetime | None
    history_fetched_at: datetime | None
    offers_fetched_at: datetime | None

    @property
    def news_at(self) -> datetime:
        """When anything new of it was fetched last: a reply that Keepa had given before changes nothing."""
        parts = (self.stats_fetched_at, self.history_fetched_at, self.offers_fetched_at)
        return max([self.fetched_at, *(part for part in parts if part is not None)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one price type of a product was when it was fetched last.

    Attributes:
        price: in the currency, with shipping where the type has it; None of what is no price.
        mean: of the last 90 days, likewise.
        value: as received: the price in the smallest unit, or the rank, count or rating.
    """

    asin: str
    price_type: str
    price: Decimal | None
    mean: Decimal | None
    value: int


def products_now(conn: Connection, domain: int, asins: Sequence[str]) -> dict[str, ProductNow]:
    """Those of these products that are known, by ASIN."""
    with conn.cursor(row_factory=class_row(ProductNow)) as cursor:
        found = cursor.execute(_PRODUCTS, {"domain": domain, "asins": list(asins)}, prepare=False).fetchall()
    return {one.asin: one for one in found}


def figures(conn: Connection, domain: int, asins: Sequence[str]) -> dict[str, list[Figure]]:
    """By ASIN: the price types of which there was an offer, a rank, a count or a rating, in Keepa's order."""
    found: dict[str, list[Figure]] = {asin: [] for asin in asins}
    with conn.cursor(row_factory=class_row(Figure)) as cursor:
        for one in cursor.execute(_FIGURES, {"domain": domain, "asins": list(asins)}, prepare=False):
            found[one.asin].append(one)
    return found


def asins_with(conn: Connection, domain: int, code: str) -> list[str]:
    """The known products that have this EAN or UPC."""
    codes = [code, f"0{code}"]  # a UPC is an EAN with a zero before it
    return [row[0] for row in conn.execute(_BY_CODE, {"domain": domain, "codes": codes}, prepare=False)]
