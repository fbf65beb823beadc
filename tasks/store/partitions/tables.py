"""Which tables are parted by the hash of the ASIN, and what their parts are called. Pure.

All of them have the ASIN in their key and in every unique index, so that the rows of a product are in one part of each.
The queue, the walks and the calls stay whole: they are small, and their order goes across all products.
"""

from __future__ import annotations

from typing import Final, LiteralString

KEYS: Final[dict[LiteralString, tuple[LiteralString, ...]]] = {
    "deal_rows": ("domain", "asin"),
    "deal_sightings": ("domain", "asin"),
    "products": ("domain", "asin"),
    "price_series_rows": ("domain", "asin", "price_type"),
    "offers": ("domain", "asin", "place"),
}
"""The primary key of each, in the order of its columns."""
BY: Final = "asin"
PARTS: Final = 16
FEWEST: Final = 2
MOST: Final = 256


def filling(table: str) -> str:
    """What the table in parts is called until it takes the place of the one that is there."""
    return f"{table}_in_parts"


def part(table: str, number: int) -> str:
    """What a part is called, then and later; `number` from 0."""
    return f"{table}_p{number:03}"
