"""What of a deal bounds what it can be sorted by: the best deals are found by these, without a look at all. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.keepa.prices import NAMES, NOT_MONEY, SALES

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIODS: Final = 4  # of the means: day, week, month, quarter
MOST_PERCENT: Final = 255  # what a byte holds, and more than there is
NO_PERCENTS: Final = bytes(PERIODS * len(NAMES))
_MONEY: Final = tuple(number for number in range(len(NAMES)) if number not in NOT_MONEY)


class DealBounds(NamedTuple):
    """The discounts of a deal, and what none of its price types exceeds in any period.

    Attributes:
        percents: discount by period and price type, a byte each (`place_of`); 0 where the price is below no mean.
        drop: greatest difference between a mean and a price, in the smallest unit; 0 likewise.
        price: lowest of the prices that are below a mean; None when none is.
        rank: sales rank; None without one.
    """

    percents: bytes
    drop: int
    price: int | None
    rank: int | None


def place_of(period: int, price_type: int) -> int:
    """Where in `DealBounds.percents` the discount of a price type in a period is."""
    return period * len(NAMES) + price_type


def bounds_of(
    current: Sequence[int], avg: Sequence[Sequence[int]], delta_percent: Sequence[Sequence[int]]
) -> DealBounds:
    """The bounds of a deal with these lists, as `/deal` sends them."""
    slots = len(current)
    offered = [place for place in _MONEY if place < slots and current[place] >= 0]
    percents, below_any, drop = bytearray(NO_PERCENTS), set[int](), 0
    for period, (means, discounts) in enumerate(zip(avg[:PERIODS], delta_percent, strict=False)):
        below = [place for place in offered if discounts[place] > 0 and means[place] > 0]
        if not below:
            continue
        start = place_of(period, 0)
        for place in below:
            percent = discounts[place]
            percents[start + place] = min(MOST_PERCENT, percent)
        drop = max(drop, *[means[place] - current[place] for place in below])
        below_any.update(below)
    price = min([current[place] for place in below_any], default=None)
    rank = current[SALES] if slots > SALES and current[SALES] > 0 else None
    return DealBounds(bytes(percents), drop, price, rank)
