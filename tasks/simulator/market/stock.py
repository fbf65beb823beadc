"""Which price types a product has: a table of shares, bases and conditions, read with the product's own draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.market.catalog import Root

ALWAYS: Final = 256
_SHIPPING: Final = 399  # the usual flat rate for a book
_CROWDS: Final = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 6)
_NO_OFFERS: Final = 8  # of 256
_MOST_LISTED: Final = 20  # what a refresh of two pages can count; more is shown by a minus
_NEVER_BY_AMAZON: Final = (90, 180)  # draws between: Amazon is watched and never sold it
_LIGHTNING_MINUTES: Final = 360


class Series(NamedTuple):
    """A price type of one product: base in its unit, and the shipping added to it."""

    type: int
    base: int
    shipping: int


class Fixed(NamedTuple):
    """A price type whose whole history is known: minutes and values."""

    type: int
    minutes: tuple[int, ...]
    values: tuple[int, ...]


class Money(NamedTuple):
    """A price type that some products have: whose draw decides, for how many of 256, and its base."""

    type: int
    draw: int
    share: int
    permille: int
    ships: bool = False


_EVERYONE: Final = (
    Money(pt.NEW, 0, ALWAYS, 1000),
    Money(pt.AMAZON, 25, _NEVER_BY_AMAZON[0], 1000),
    Money(pt.LIST, 26, 230, 1250),
    Money(pt.NEW_FBM, 27, 215, 1000, ships=True),
    Money(pt.NEW_FBA, 28, 100, 1000),
    Money(pt.BUY_BOX, 29, 200, 1000),
    Money(pt.WAREHOUSE, 30, 40, 800),
    Money(pt.EBAY_NEW, 31, 60, 1000),
)
_USED: Final = (
    Money(pt.USED, 0, ALWAYS, 600),
    Money(pt.USED_GOOD, 0, ALWAYS, 600, ships=True),
    Money(pt.BUY_BOX_USED, 0, ALWAYS, 600, ships=True),
    Money(pt.USED_LIKE_NEW, 39, 110, 600, ships=True),
    Money(pt.USED_VERY_GOOD, 40, 170, 600, ships=True),
    Money(pt.USED_ACCEPTABLE, 41, 120, 600, ships=True),
    Money(pt.EBAY_USED, 42, 75, 600),
)
_REFURBISHED: Final = (
    Money(pt.REFURBISHED, 0, ALWAYS, 700),
    Money(pt.REFURBISHED_SHIPPING, 0, ALWAYS, 700, ships=True),
)
_COLLECTIBLE: Final = (
    Money(pt.COLLECTIBLE, 0, ALWAYS, 3000),
    Money(pt.COLLECTIBLE_GOOD, 38, 128, 3000, ships=True),
    Money(pt.COLLECTIBLE_VERY_GOOD, 38, ALWAYS, 3000, ships=True),
)


class Stock(NamedTuple):
    """What decides on the price types of a product."""

    draws: bytes
    shelf: Root
    price: int
    rank: int
    new_offers: int
    used_offers: int
    since: int
    lightning: int
    slots: int

    @property
    def is_used(self) -> bool:
        """Whether used copies are sold."""
        return self.draws[23] < self.shelf.used_share


def offers(draws: bytes, *, is_used: bool) -> tuple[int, int]:
    """Base numbers of new and used offers: a handful for most, dozens for a few: one to ten pages of ten."""
    if draws[19] < _NO_OFFERS:
        return 0, 0
    crowd = _CROWDS[draws[20] & 15]
    return (1 + (draws[21] & 1)) * crowd, (1 + (draws[22] & 1)) * crowd * 2 if is_used else 0


def series(stock: Stock) -> tuple[Series, ...]:
    """The price types that move, in order."""
    d, shelf = stock.draws, stock.shelf
    out = [*_money(stock, _EVERYONE), Series(pt.SALES, stock.rank, 0), *_counts(stock)]
    if d[32] < 230:  # noqa: PLR2004 - of 256 have reviews
        out += [Series(pt.RATING, 36 + d[33] % 14, 0), Series(pt.COUNT_REVIEWS, 1 + d[34] * d[35] // 64, 0)]
    if stock.is_used:
        out += [*_money(stock, _USED), Series(pt.COUNT_USED, max(1, stock.used_offers), 0)]
    if d[36] < shelf.refurbished_share:
        out += [*_money(stock, _REFURBISHED), Series(pt.COUNT_REFURBISHED, 1, 0)]
    if d[37] < shelf.collectible_share:
        out += [*_money(stock, _COLLECTIBLE), Series(pt.COUNT_COLLECTIBLE, 1, 0)]
    return tuple(sorted(out))


def fixed(stock: Stock) -> tuple[Fixed, ...]:
    """The price types that stand still, in order."""
    d, since, price = stock.draws, stock.since, stock.price
    out = []
    if _NEVER_BY_AMAZON[0] <= d[25] < _NEVER_BY_AMAZON[1]:
        out.append(Fixed(pt.AMAZON, (since,), (-1,)))
    if not stock.is_used and d[43] & 1:
        out.append(Fixed(pt.USED, (since,), (-1,)))
    if stock.lightning:
        ends = stock.lightning + _LIGHTNING_MINUTES
        out.append(Fixed(pt.LIGHTNING, (stock.lightning, ends), (price * 7 // 10, -1)))
    if stock.shelf.is_book and d[44] < 40:  # noqa: PLR2004 - of 256 could once be traded in
        out.append(Fixed(pt.TRADE_IN, (since, since + 300_000), (price // 5, -1)))
    return tuple(sorted(out))


def _money(stock: Stock, kinds: tuple[Money, ...]) -> list[Series]:
    shipping = _SHIPPING if stock.draws[24] & 1 else 0
    return [
        Series(kind.type, stock.price * kind.permille // 1000, shipping if kind.ships else 0)
        for kind in kinds
        if stock.draws[kind.draw] < kind.share
    ]


def _counts(stock: Stock) -> list[Series]:
    total, new = stock.new_offers + stock.used_offers, max(1, stock.new_offers)
    out = [
        Series(pt.EXTRA_INFO, -total if total > _MOST_LISTED else max(1, total), 0),
        Series(pt.COUNT_NEW, new, 0),
    ]
    if stock.slots > pt.COUNT_NEW_FBM:
        out += [Series(pt.COUNT_NEW_FBA, max(1, new // 3), 0), Series(pt.COUNT_NEW_FBM, max(1, new // 2), 0)]
    return out
