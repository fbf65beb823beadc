"""One product as it is for ever: who it is, what it is worth, how often it changes, which prices it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tasks.simulator.market import catalog, clocks, identity, rng, stock

_TRAITS: Final = 64
_OLDEST_MINUTE: Final = 6_950_000
_TRACKING_SPREAD: Final = 6  # per step of a 16-bit draw: histories begin within 393,216 minutes
_EARLY: Final = 20  # of 256: products whose updates are stamped up to 0.7 minutes ahead
_LIGHTNING: Final = 5  # of 256 had a lightning deal once
_LOOK_MIN: Final = (200, 700)  # least minutes between looks, and spread: ages up to 22 hours were recorded
_SQUARE: Final = 255 * 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product's constants. Times in Keepa minutes."""

    index: int
    asin: str
    root: catalog.Root | None
    look_min: int  # the product is looked at once in each slot of this length
    phase: int
    is_early: bool
    is_closed: bool  # deals show it, /product has no data
    since: int
    price: int
    rank: int
    new_offers: int
    used_offers: int
    series: tuple[stock.Series, ...]
    fixed: tuple[stock.Fixed, ...]
    lightning: int  # minute its one lightning deal began, or 0
    draws: bytes
    clocks: bytes  # two for each price type, see `clocks.clock`

    @property
    def is_book(self) -> bool:
        """Whether the ASIN is an ISBN."""
        return self.root is not None and self.root.is_book

    @property
    def shelf(self) -> catalog.Root:
        """Where its words come from, also when its root is unknown."""
        return self.root or catalog.ROOTS[-1]

    def fixed_end(self, kind: int) -> int:
        """When a type that stands still last changed; 0 when the product has none of it."""
        return next((fixed.minutes[-1] for fixed in self.fixed if fixed.type == kind), 0)


def make(seed: int, index: int, *, slots: int, closed_share: float) -> Item:
    """Product `index` of the market `seed`, with `slots` price types."""
    drawn = rng.traits(seed, index, _TRAITS + clocks.BYTES)
    d = drawn[:_TRAITS]
    root = catalog.PICK[d[0]] if d[1] or d[2] & 1 else None
    shelf = root or catalog.ROOTS[-1]
    since = _OLDEST_MINUTE + (d[8] | d[9] << 8) * _TRACKING_SPREAD
    new_offers, used_offers = stock.offers(d, is_new=d[50] >= shelf.new_gone_share, is_used=d[23] < shelf.used_share)
    held = stock.Stock(
        draws=d,
        shelf=shelf,
        price=shelf.price_low + shelf.price_spread * d[5] * d[6] // _SQUARE + d[7],
        rank=max(1, shelf.rank_base * (1 + d[17]) * (1 + d[18]) // 32_768),
        new_offers=new_offers,
        used_offers=used_offers,
        since=since,
        lightning=since + 40_000 + d[10] * 30 if d[11] < _LIGHTNING else 0,
        slots=slots,
    )
    series, fixed = stock.types(held)
    return Item(
        index=index,
        asin=identity.asin(seed, index, is_book=root is not None and root.is_book),
        root=root,
        look_min=_LOOK_MIN[0] + d[14] * d[15] * _LOOK_MIN[1] // _SQUARE,
        phase=d[12] * 31 + d[13],
        is_early=d[16] < _EARLY,
        is_closed=rng.mix(index, seed) < closed_share * 65_536,
        since=since,
        price=held.price,
        rank=held.rank,
        new_offers=new_offers,
        used_offers=used_offers,
        series=series,
        fixed=fixed,
        lightning=held.lightning,
        draws=d,
        clocks=drawn[_TRAITS:],
    )
