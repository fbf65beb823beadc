"""Pure: the partitions in which a selection too long for one walk is walked: category by category, then price by price.

The server shows at most 10,000 rows of a query. Where a category has more, the walk narrows to those below a price of
which about half of the rows lie, and goes on above it when it has come to the end there; a half that is still too long
is halved again. So a row is out of reach only when more than 10,000 of its category have the very same price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tasks.keepa.selection.rules import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.planning.walk_end import PageFacts

HIGHEST: Final = 2**31 - 1  # prices are 32-bit numbers


@dataclass(frozen=True, slots=True)
class Partition:
    """What is asked for of a selection: all of it, one category, one range of prices, or one of both.

    Attributes:
        root_cat: a category, or None for all.
        price_low: the lowest current price, in the units of the selection's price type; None for any price.
        price_high: the highest; None with `price_low`.
    """

    root_cat: int | None = None
    price_low: int | None = None
    price_high: int | None = None

    def __str__(self) -> str:
        category = "all categories" if self.root_cat is None else f"category {self.root_cat}"
        return category if self.price_low is None else f"{category}, prices {self.price_low} to {self.price_high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divisions:
    """What a selection can be divided by.

    Attributes:
        categories: its categories, ascending.
        counts: rows of the whole selection by category, as the page tells them; empty when it names categories itself,
            for the server's counts leave those out of account.
        price_low: the lowest price it asks for.
        price_high: the highest.
    """

    categories: Sequence[int] = ()
    counts: Mapping[int, int]
    price_low: int = 0
    price_high: int = HIGHEST


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is walked after a page: the next page of the same partition, the first page of another, or nothing.

    Attributes:
        partition: where the walk stands then.
        page: its page.
        is_over: whether nothing is left.
        is_cut: whether rows of the partition just walked are out of reach.
    """

    partition: Partition
    page: int
    is_over: bool = False
    is_cut: bool = False


def next_step(partition: Partition, page: PageFacts, divisions: Divisions) -> NextStep:
    """What follows the page just read of `partition`."""
    if page.is_at_limit or _will_not_end(partition, page, divisions):
        narrower = _divided(partition, page, divisions)
        if narrower is not None:
            return NextStep(narrower, 0)
    if not page.is_last and not page.is_at_limit:
        return NextStep(partition, page.number + 1)
    following = _next(partition, divisions)
    if following is None:
        return NextStep(partition, page.number + 1, is_over=True, is_cut=page.is_at_limit)
    return NextStep(following, 0, is_cut=page.is_at_limit)


def next_category(partition: Partition, categories: Sequence[int]) -> Partition | None:
    """The first category after that of `partition`; None when it was the last, or `partition` is in none."""
    if partition.root_cat is None:
        return None
    later = min((category for category in categories if category > partition.root_cat), default=None)
    return None if later is None else Partition(later)


def _will_not_end(partition: Partition, page: PageFacts, divisions: Divisions) -> bool:
    """Whether page 0 of a partition says that it holds more rows than can be reached."""
    if page.number or partition.price_low is not None:
        return False
    if partition.root_cat is None:
        return sum(divisions.counts.values()) > MAX_ROWS
    return divisions.counts.get(partition.root_cat, 0) > MAX_ROWS


def _divided(partition: Partition, page: PageFacts, divisions: Divisions) -> Partition | None:
    """The first of the partitions that `partition` divides into; None when it cannot be divided."""
    if partition.root_cat is None and partition.price_low is None and len(divisions.categories) > 1:
        return Partition(divisions.categories[0])
    low = divisions.price_low if partition.price_low is None else partition.price_low
    high = divisions.price_high if partition.price_high is None else partition.price_high
    below = sorted(price for price in page.prices if low <= price < high)
    return replace(partition, price_low=low, price_high=below[len(below) // 2]) if below else None


def _next(partition: Partition, divisions: Divisions) -> Partition | None:
    if partition.price_high is not None and partition.price_high < divisions.price_high:
        return replace(partition, price_low=partition.price_high + 1, price_high=divisions.price_high)
    return next_category(partition, divisions.categories)
