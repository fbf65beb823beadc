"""Keepa's packed price histories and its clock, decoded in one place. Pure.

A history is a flat list of groups, one per change: minute and value, or minute, price and shipping. What a value of
-1 means (no offer, no rank) is left to the reader of the series: it is a fact of the history, not a hole in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

KEEPA_EPOCH_MIN: Final = 21_564_000  # Unix minutes at Keepa's minute 0, 2011-01-01T00:00Z. Source: API documentation.
# Types whose groups carry shipping. Source: CsvType of the official client; checked against recorded bodies.
TRIPLES: Final = frozenset({7, *range(18, 30), 32})
NAMES: Final = (
    *("AMAZON", "NEW", "USED", "SALES", "LISTPRICE", "COLLECTIBLE", "REFURBISHED", "NEW_FBM_SHIPPING"),
    *("LIGHTNING_DEAL", "WAREHOUSE", "NEW_FBA", "COUNT_NEW", "COUNT_USED", "COUNT_REFURBISHED"),
    *("COUNT_COLLECTIBLE", "EXTRA_INFO_UPDATES", "RATING", "COUNT_REVIEWS", "BUY_BOX_SHIPPING"),
    *("USED_NEW_SHIPPING", "USED_VERY_GOOD_SHIPPING", "USED_GOOD_SHIPPING", "USED_ACCEPTABLE_SHIPPING"),
    *("COLLECTIBLE_NEW_SHIPPING", "COLLECTIBLE_VERY_GOOD_SHIPPING", "COLLECTIBLE_GOOD_SHIPPING"),
    *("COLLECTIBLE_ACCEPTABLE_SHIPPING", "REFURBISHED_SHIPPING", "EBAY_NEW_SHIPPING", "EBAY_USED_SHIPPING"),
    *("TRADE_IN", "RENT", "BUY_BOX_USED_SHIPPING", "PRIME_EXCL", "COUNT_NEW_FBA", "COUNT_NEW_FBM"),
)
SALES: Final = NAMES.index("SALES")

# The two histories that a product has outside `csv`, numbered beyond all that Keepa may ever add to it.
VARIATION_RATINGS: Final = 1_000
VARIATION_REVIEWS: Final = 1_001
ALL_NAMES: Final = {
    **dict(enumerate(NAMES)),
    VARIATION_RATINGS: "COUNT_VARIATION_RATINGS",
    VARIATION_REVIEWS: "COUNT_VARIATION_REVIEWS",
}
# Of these the discount of a deal is against the mean of Amazon's price, or of the new one where Amazon has none, not
# against their own mean. Source: API documentation.
COMPARED_WITH_OTHERS: Final = tuple(NAMES[number] for number in (8, 9, 33))
OTHERS: Final = "AMAZON or NEW"
# As in the table `price_types`; a test holds the two together.
# Ranks, counts and ratings.
NOT_MONEY: Final = frozenset({SALES, *range(11, 18), 34, 35, VARIATION_RATINGS, VARIATION_REVIEWS})

_PAIR: Final = 2
_TRIPLE: Final = 3


class BrokenHistory(ValueError):
    """A flat history whose length fits no whole number of groups: it was cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One price type's history: three lists of one length, minutes strictly increasing.

    Attributes:
        price_type: number as in `ALL_NAMES`; may be none of them.
        minutes: Keepa minutes.
        prices: values; of the types with shipping without it. -1: none at that time.
        shipping: of the types that carry it, else None.
    """

    price_type: int
    minutes: list[int]
    prices: list[int]
    shipping: list[int] | None


class Flat(NamedTuple):
    """One price type's history as it came: groups of `width` values, the minute first."""

    price_type: int
    width: int
    values: list[int]


def minute_of_ms(milliseconds: int) -> int:
    """The Keepa minute in which a Unix time in milliseconds lies, such as an envelope's `timestamp_ms`."""
    return milliseconds // 60_000 - KEEPA_EPOCH_MIN


def decode(csv: Sequence[list[int] | None] | None) -> list[Series]:
    """Decode the histories that are there, by rising price type; empty without any.

    The server stores changes in order. Should a minute come twice or too early, the later group wins and the order
    is restored: one odd group must not cost the product its history.

    Raises:
        BrokenHistory: a history does not make whole groups.
    """
    return [series_of(flat) for flat in flats(csv)]


def flats(csv: Sequence[list[int] | None] | None) -> list[Flat]:
    """Return the histories that are there, by rising price type, as they came; `series_of` decodes one.

    Raises:
        BrokenHistory: a history does not make whole groups.
    """
    return [
        Flat(price_type, _width(price_type, values), values) for price_type, values in enumerate(csv or ()) if values
    ]


def fault(csv: Sequence[list[int] | None] | None) -> str | None:
    """Say why `decode` would refuse these histories; None when it would not."""
    try:
        flats(csv)
    except BrokenHistory as broken:
        return str(broken)
    return None


def series_of(flat: Flat) -> Series:
    """Decode the history in a flat list, in order, each minute once."""
    price_type, width, values = flat
    minutes = values[::width]
    columns = [values[at::width] for at in range(1, width)]
    if not _increases(minutes):
        last = dict(zip(minutes, zip(*columns, strict=True), strict=True))
        minutes = sorted(last)
        columns = [list(column) for column in zip(*(last[minute] for minute in minutes), strict=True)]
    shipping = columns[1] if width == _TRIPLE else None
    return Series(price_type=price_type, minutes=minutes, prices=columns[0], shipping=shipping)


def _width(price_type: int, flat: list[int]) -> int:
    """Values in a group. A type that is not documented is what its minutes say: only at the right width they rise."""
    is_known = price_type < len(NAMES)
    for width in [_TRIPLE if price_type in TRIPLES else _PAIR] if is_known else (_PAIR, _TRIPLE):
        if len(flat) % width == 0 and (is_known or _increases(flat[::width])):
            return width
    raise BrokenHistory(f"csv[{price_type}]: {len(flat)} values do not make whole groups")


def _increases(minutes: list[int]) -> bool:
    return all(map(lt, minutes, islice(minutes, 1, None)))
