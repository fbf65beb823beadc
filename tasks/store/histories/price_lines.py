"""Reads the histories of one product as numbers: what is drawn and reckoned with, ten times as fast as row by row."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.keepa.prices import ALL_NAMES, NOT_MONEY
from tasks.store.bulk import byte_planes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tasks.store.connection import Connection

_ROWS: Final = """
SELECT price_type, points, first_minute, minute_pages, minute_bytes, price_bytes, shipping_bytes,
       minutes, prices, shipping
FROM price_series_rows
WHERE domain = %(domain)s AND asin = %(asin)s AND points > 0
  AND (%(price_types)s::int[] IS NULL OR price_type = ANY(%(price_types)s))
ORDER BY price_type
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One history: from each minute on the value beside it holds.

    Attributes:
        price_type: Keepa's number of it.
        minutes: Keepa minutes, rising.
        values: with shipping where the type has it, in the smallest unit of the currency; or ranks, counts and tenths
            of a star. -1: there was none.
    """

    price_type: int
    minutes: array[int]
    values: array[int]

    @property
    def name(self) -> str:
        """Keepa's name of the price type, or `TYPE_` and its number."""
        return ALL_NAMES.get(self.price_type, f"TYPE_{self.price_type}")

    @property
    def is_money(self) -> bool:
        """Whether the values are prices."""
        return self.price_type in ALL_NAMES and self.price_type not in NOT_MONEY


def lines(conn: Connection, domain: int, asin: str, *, price_types: Iterable[int] | None = None) -> list[Line]:
    """The histories of the product by price type; of all types when none is named."""
    values = {"domain": domain, "asin": asin, "price_types": None if price_types is None else list(price_types)}
    with conn.cursor(binary=True) as cursor:
        return [_line(row) for row in cursor.execute(_ROWS, values, prepare=False)]


def _line(row: Sequence[Any]) -> Line:
    price_type, points, first, pages, minute_bytes, price_bytes, shipping_bytes, minutes, prices, shipping = row
    if minutes is not None:  # the form of an older build
        read, values = array("i", minutes), array("i", prices)
        costs = None if shipping is None else array("i", shipping)
    else:
        read = byte_planes.read_minutes(pages, minute_bytes, points, first)
        values = byte_planes.read_values(price_bytes, points)
        costs = None if shipping_bytes is None else byte_planes.read_values(shipping_bytes, points)
    return Line(price_type=price_type, minutes=read, values=values if costs is None else _with_shipping(values, costs))


def _with_shipping(values: array[int], costs: array[int]) -> array[int]:
    """The prices with shipping where there are both; a sum that no column holds stays below 2^31."""
    both = zip(values, costs, strict=True)
    return array("i", [min(value + cost, 2**31 - 1) if value >= 0 and cost > 0 else value for value, cost in both])
