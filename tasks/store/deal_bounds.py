"""What the price types of a deal come to at the most: by these the best deals are found without a look at all. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.keepa.prices import NAMES, NOT_MONEY

if TYPE_CHECKING:
    from collections.abc import Sequence

_MONEY: Final = tuple(number for number in range(len(NAMES)) if number not in NOT_MONEY)
_SALES_RANK: Final = 3
MOST_PERCENT: Final = 255  # what a byte holds, and more than there is
NO_PERCENTS: Final = bytes(len(NAMES))


class DealBounds(NamedTuple):
    """No price type that has an offer exceeds these, whatever the period of the mean it is compared with.

    Attributes:
        percents: greatest discount of each price type, a byte each; 0 where the price is below no mean.
        drop: greatest difference between a mean and a price, in the smallest unit; 0 likewise.
        price: lowest of the prices that are below a mean; None when none is.
        rank: sales rank; None without one.
    """

    percents: bytes
    drop: int
    price: int | None
    rank: int | None


def bounds_of(
    current: Sequence[int], avg: Sequence[Sequence[int]], delta_percent: Sequence[Sequence[int]]
) -> DealBounds:
    """The bounds of a deal with these lists, as `/deal` sends them."""
    slots = len(current)
    percents = bytearray(NO_PERCENTS)
    drop, price = 0, None
    offered = [place for place in _MONEY if place < slots and current[place] >= 0]
    for means, discounts in zip(avg, delta_percent, strict=False):
        for place in offered:
            percent = discounts[place]
            if percent > 0 and means[place] > 0:
                if percent > percents[place]:
                    percents[place] = min(percent, MOST_PERCENT)
                drop = max(drop, means[place] - current[place])
                price = current[place] if price is None else min(price, current[place])
    rank = current[_SALES_RANK] if slots > _SALES_RANK and current[_SALES_RANK] > 0 else None
    return DealBounds(bytes(percents), drop, price, rank)
