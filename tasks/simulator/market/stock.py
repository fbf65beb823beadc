"""Which price types a product has: a table of shares, bases and conditions, read with the product's own draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.simulator.market import price_types as pt

if TYPE_CHECKING:
    from tasks.simulator.market.catalog import Root

ALWAYS: Final = 256
_SHIPPING: Final = 399  # the usual flat rate for a book
_CROWDS: Final = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 9)
_NO_OFFERS: Final = 8  # of 256
_MOST_LISTED: Final = 20  # what a refresh of two pages can count; more is shown by a minus
_NEVER_BY_AMAZON: Final = (84, 190)  # draws between: Amazon is watched and never sold it
_LIGHTNING_MINUTES: Final = 360
_GONE_MIN: Final = (20_000, 1_000)  # what is gone was there so long, and so much longer for each step of a draw
_RENTED: Final = 47  # of 256 books: rent is among their types, and its value unknown (-2)


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
    """A price type that some products have: the draw that decides, and for how many of 256.

    Attributes:
        share: it moves.
        gone: it is there or was there once; the rest of the products never had it.
        permille: its base in thousandths of the product's price.
        needs_new: it is gone where new ones are gone.
    """

    type: int
    draw: int
    share: int
    gone: int
    permille: int
    ships: bool = False
    needs_new: bool = False


_EVERYONE: Final = (
    Money(pt.NEW, 0, ALWAYS, ALWAYS, 1000, needs_new=True),
    Money(pt.AMAZON, 25, _NEVER_BY_AMAZON[0], 0, 1000),
    Money(pt.LIST, 26, 244, 246, 1250),
    Money(pt.NEW_FBM, 27, 225, 250, 1000, ships=True, needs_new=True),
    Money(pt.NEW_FBA, 28, 80, 200, 1000, needs_new=True),
    Money(pt.BUY_BOX, 29, 190, 250, 1000, needs_new=True),
    Money(pt.WAREHOUSE, 30, 24, 90, 800),
    Money(pt.EBAY_NEW, 31, 60, 84, 1000),
    Money(pt.PRIME_EXCLUSIVE, 53, 4, 6, 880, needs_new=True),
)
_USED: Final = (
    Money(pt.USED, 0, ALWAYS, ALWAYS, 800),
    Money(pt.USED_GOOD, 45, 238, 253, 800, ships=True),
    Money(pt.BUY_BOX_USED, 48, 220, 250, 800, ships=True),
    Money(pt.USED_LIKE_NEW, 39, 150, 248, 800, ships=True),
    Money(pt.USED_VERY_GOOD, 40, 190, 250, 800, ships=True),
    Money(pt.USED_ACCEPTABLE, 41, 150, 238, 800, ships=True),
    Money(pt.EBAY_USED, 42, 77, 84, 800),
)
_REFURBISHED: Final = (
    Money(pt.REFURBISHED, 0, ALWAYS, ALWAYS, 700),
    Money(pt.REFURBISHED_SHIPPING, 0, ALWAYS, ALWAYS, 700, ships=True),
)
_COLLECTIBLE: Final = (
    Money(pt.COLLECTIBLE, 0, ALWAYS, ALWAYS, 3000),
    Money(pt.COLLECTIBLE_GOOD, 38, 128, 200, 3000, ships=True),
    Money(pt.COLLECTIBLE_VERY_GOOD, 49, 90, 140, 3000, ships=True),
)
_NO_COLLECTIBLE: Final = tuple(kind._replace(share=0, gone=kind.gone * 2 // 3) for kind in _COLLECTIBLE)


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
    def is_new(self) -> bool:
        """Whether new ones are sold."""
        return self.draws[50] >= self.shelf.new_gone_share

    @property
    def is_used(self) -> bool:
        """Whether used copies are sold."""
        return self.draws[23] < self.shelf.used_share

    def gone(self, kind: int, base: int, draw: int) -> Fixed:
        """A price type that was there once."""
        end = self.since + _GONE_MIN[0] + _GONE_MIN[1] * draw
        begin = self.since + (draw & 15) * 500
        if base == 1:
            return Fixed(kind, (begin, end), (base, -1))
        return Fixed(kind, (begin, (begin + end) // 2, end), (base, base * 9 // 10, -1))


def offers(draws: bytes, *, is_new: bool, is_used: bool) -> tuple[int, int]:
    """Base numbers of new and used offers: a handful for most, dozens for a few: one to ten pages of ten."""
    if draws[19] < _NO_OFFERS:
        return 0, 0
    crowd = _CROWDS[draws[20] & 15]
    return (1 + (draws[21] & 1)) * crowd if is_new else 0, (1 + (draws[22] & 1)) * crowd * 2 if is_used else 0


def types(stock: Stock) -> tuple[tuple[Series, ...], tuple[Fixed, ...]]:
    """The price types that move and those that stand still, each in order."""
    d, shelf = stock.draws, stock.shelf
    moving, still = _counts(stock)
    kinds = _kinds(stock)
    if d[32] < 230:  # noqa: PLR2004 - of 256 have reviews
        moving.append(Series(pt.RATING, 36 + d[33] % 14, 0))
        moving.append(Series(pt.COUNT_REVIEWS, 1 + d[34] * d[35] // 64, 0))
    if d[36] < shelf.refurbished_share:
        moving.append(Series(pt.COUNT_REFURBISHED, 1, 0))
    if d[37] < shelf.collectible_share:
        moving.append(Series(pt.COUNT_COLLECTIBLE, 1, 0))
    shipping = _SHIPPING if d[24] & 1 else 0
    for kind in kinds:
        draw, base = d[kind.draw] if kind.draw else 0, stock.price * kind.permille // 1000 or 1
        if draw < kind.share and (stock.is_new or not kind.needs_new):
            moving.append(Series(kind.type, base, shipping if kind.ships else 0))
        elif draw < kind.gone:
            still.append(stock.gone(kind.type, base, d[51] ^ kind.type))
    still += _still(stock)
    return tuple(sorted(moving)), tuple(sorted(still))


def _kinds(stock: Stock) -> tuple[Money, ...]:
    """The prices that a product of its kind can have."""
    d, shelf = stock.draws, stock.shelf
    kinds: tuple[Money, ...] = _EVERYONE
    if stock.is_used:
        kinds += _USED
    if d[36] < shelf.refurbished_share:
        kinds += _REFURBISHED
    if d[37] < shelf.collectible_share:
        return kinds + _COLLECTIBLE
    return kinds + _NO_COLLECTIBLE if shelf.is_book else kinds


def _still(stock: Stock) -> list[Fixed]:
    """The price types that never move."""
    d, since, price = stock.draws, stock.since, stock.price
    out = []
    if _NEVER_BY_AMAZON[0] <= d[25] < _NEVER_BY_AMAZON[1]:
        out.append(Fixed(pt.AMAZON, (since,), (-1,)))
    elif d[25] >= _NEVER_BY_AMAZON[1]:
        out.append(stock.gone(pt.AMAZON, price, d[51]))
    if not stock.is_used:
        out.append(Fixed(pt.USED, (since,), (-1,)))
    if stock.lightning:
        ends = stock.lightning + _LIGHTNING_MINUTES
        out.append(Fixed(pt.LIGHTNING, (stock.lightning, ends), (price * 7 // 10, -1)))
    if stock.shelf.is_book and d[44] < 100:  # noqa: PLR2004 - of 256 could once be traded in
        out.append(Fixed(pt.TRADE_IN, (since, since + 300_000), (price // 5, -1)))
    if stock.shelf.is_book and d[52] < _RENTED:
        out.append(Fixed(pt.RENT, (since,), (-2,)))
    return out


def _counts(stock: Stock) -> tuple[list[Series], list[Fixed]]:
    """The rank and the numbers of offers."""
    total, new = stock.new_offers + stock.used_offers, max(1, stock.new_offers)
    moving = [
        Series(pt.SALES, stock.rank, 0),
        Series(pt.EXTRA_INFO, -total if total > _MOST_LISTED else max(1, total), 0),
    ]
    if stock.is_used:
        moving.append(Series(pt.COUNT_USED, max(1, stock.used_offers), 0))
    kinds = [(pt.COUNT_NEW, new)]
    if stock.slots > pt.COUNT_NEW_FBM:
        kinds += [(pt.COUNT_NEW_FBA, max(1, new // 3)), (pt.COUNT_NEW_FBM, max(1, new // 2))]
    if stock.is_new:
        return moving + [Series(kind, base, 0) for kind, base in kinds], []
    return moving, [stock.gone(kind, base, stock.draws[51] ^ pt.NEW) for kind, base in kinds]
