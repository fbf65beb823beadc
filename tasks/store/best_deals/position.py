"""Where a deal stands in a sorted list, so that the next page of it can begin behind it. Pure.

A page that is found by what its predecessor ended with stays right while deals come and go, and costs as much as the
first one where the order is by what the narrow rows hold (discount, rank, newest).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, LiteralString, NamedTuple, TypeAlias

from tasks.keepa.locales import SHOPS
from tasks.keepa.prices import KEEPA_EPOCH_MIN
from tasks.keepa.request import is_asin

if TYPE_CHECKING:
    from tasks.store.best_deals.candidates import Key, Sort
    from tasks.store.best_deals.conditions import ResaleSort

    ListSort: TypeAlias = Sort | ResaleSort

NO_RANK: Final = 2**31  # behind every rank, also the greatest that the column takes
# What each order compares, before a domain and an ASIN, so that the smaller comes first: the same order as that of
# `best_deals`.
KEYS: Final[dict[ListSort, tuple[LiteralString, ...]]] = {
    "discount": ("-discount_percent", f"coalesce(sales_rank, {NO_RANK})"),
    "drop": ("price - average", "-discount_percent"),
    "price": ("price", "-discount_percent"),
    "rank": (f"coalesce(sales_rank, {NO_RANK})", "-discount_percent"),
    "newest": ("-extract(epoch FROM deal_since) / 60", "-discount_percent"),
    "roi": ("coalesce(-roi_percent, 1099511627776)", "coalesce(-profit, 1099511627776)"),
    "profit": ("coalesce(-profit, 1099511627776)", "coalesce(-roi_percent, 1099511627776)"),
}
_LAST_ASIN: Final = "ZZZZZZZZZZ"
_SEPARATOR: Final = "~"
_MOST_CHARS: Final = 120
HIGHEST: Final = 2**40  # above every price, rank and minute: where a profit stands that is not known


class Position(NamedTuple):
    """A place in the list: what the order compares (`KEYS`), then what tells two such deals apart."""

    keys: tuple[Decimal, ...]
    domain: int
    asin: str

    def text(self) -> str:
        """The position in one word, as it stands in an address: `-54~9431~1~B08N5WRWNW`."""
        return _SEPARATOR.join((*map(str, self.keys), str(self.domain), self.asin))

    def values(self) -> dict[str, object]:
        """The same by the names that `behind` uses."""
        keys = {f"after_{number}": key for number, key in enumerate(self.keys)}
        return {**keys, "after_domain": self.domain, "after_asin": self.asin}


def end_of(sort: Sort, bound: int) -> Position:
    """The place behind all deals of this bound (`tasks.store.best_deals.candidates`), in an order that is by bounds.

    Raises:
        ValueError: the order is none of these.
    """
    last = Decimal(HIGHEST)
    keys: tuple[Decimal, ...]
    match sort:
        case "discount":
            keys = (Decimal(-bound), last)
        case "rank":
            keys = (Decimal(min(-bound, NO_RANK - 1)), last)
        case "newest":
            keys = (Decimal(-(bound + KEEPA_EPOCH_MIN)), last)
        case _:
            raise ValueError(f"{sort} is no order by bounds")
    return Position(keys, max(SHOPS), _LAST_ASIN)


def place_of(sort: Sort, key: Key, domain: int, asin: str) -> Position:
    """The place of a deal with these bounds, in an order that is by bounds (`tasks.store.best_deals.candidates`).

    Raises:
        ValueError: the order is none of these.
    """
    match sort:
        case "discount":
            keys = (Decimal(-key.bound), _rank(key.tie))
        case "rank":
            keys = (_rank(key.bound), Decimal(-key.tie))
        case "newest":
            keys = (Decimal(-(key.bound + KEEPA_EPOCH_MIN)), Decimal(-key.tie))
        case _:
            raise ValueError(f"{sort} is no order by bounds")
    return Position(keys, domain, asin)


def _rank(bound: int) -> Decimal:
    """The rank whose bound that is; one that is not known comes behind all others."""
    return Decimal(min(-bound, NO_RANK))


def behind(sort: ListSort) -> str:
    """The SQL condition that a deal comes after the position whose values are given."""
    keys = KEYS[sort]
    values = ", ".join(f"%(after_{number})s" for number in range(len(keys)))
    return f"({', '.join(keys)}, domain, asin) > ({values}, %(after_domain)s, %(after_asin)s)"


def read(text: str, sort: ListSort) -> Position:
    """The position that `Position.text` wrote for a list of that order.

    Raises:
        ValueError: it is none, or one of another order.
    """
    *keys, domain, asin = text.split(_SEPARATOR) if len(text) <= _MOST_CHARS else []
    if len(keys) != len(KEYS[sort]) or domain not in map(str, SHOPS) or not is_asin(asin):
        raise _wrong(text, sort)
    try:
        found = tuple(map(_key, keys))
    except InvalidOperation:
        raise _wrong(text, sort) from None
    return Position(found, int(domain), asin)


def _key(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number) > HIGHEST:
        raise InvalidOperation
    return number


def _wrong(text: str, sort: ListSort) -> ValueError:
    return ValueError(f"{text[:_MOST_CHARS]!r} is no place in a list sorted by {sort}: begin at its first page")
