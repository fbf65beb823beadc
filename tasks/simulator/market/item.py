"""One product as it is for ever: who it is, what it is worth, how often it changes, which prices it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tasks.simulator.market import catalog, identity, rng, stock

_TRAITS: Final = 48
_OLDEST_MINUTE: Final = 5_600_000
_TRACKING_SPREAD: Final = 27  # per step of a 16-bit draw: histories begin within 1.8 million minutes
_EARLY: Final = 20  # of 256: products whose updates are stamped up to 0.7 minutes ahead
_LIGHTNING: Final = 5  # of 256 had a lightning deal once
_SLOT_MIN: Final = (1_000, 6_000)  # least minutes between price changes, and spread
_BEAT_MIN: Final = (60, 740)  # likewise between looks at the product: ages up to 20 hours were recorded
_SQUARE: Final = 255 * 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product's constants. Times in Keepa minutes."""

    index: int
    asin: str
    root: catalog.Root | None
    slot_min: int  # a change of price falls into each slot of this length
    phase: int
    beat_min: int  # the product is looked at once in each of these
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
    d = rng.traits(seed, index, _TRAITS)
    root = catalog.PICK[d[0]] if d[1] or d[2] & 1 else None
    shelf = root or catalog.ROOTS[-1]
    since = _OLDEST_MINUTE + (d[8] | d[9] << 8) * _TRACKING_SPREAD
    new_offers, used_offers = stock.offers(d, is_used=d[23] < shelf.used_share)
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
    return Item(
        index=index,
        asin=identity.asin(seed, index, is_book=root is not None and root.is_book),
        root=root,
        slot_min=_SLOT_MIN[0] + d[3] * d[4] * _SLOT_MIN[1] // _SQUARE,
        phase=d[12] * 31 + d[13],
        beat_min=_BEAT_MIN[0] + d[14] * d[15] * _BEAT_MIN[1] // _SQUARE,
        is_early=d[16] < _EARLY,
        is_closed=rng.mix(index, seed) < closed_share * 65_536,
        since=since,
        price=held.price,
        rank=held.rank,
        new_offers=new_offers,
        used_offers=used_offers,
        series=stock.series(held),
        fixed=stock.fixed(held),
        lightning=held.lightning,
        draws=d,
    )


def title(item: Item) -> str:
    """The product's title; one in some hundreds holds an HTML entity, as real ones do."""
    d, shelf = item.draws, item.shelf
    amp = "" if d[45] else " &amp; Co."
    noun = shelf.nouns[d[45] % len(shelf.nouns)]
    return f"{catalog.ADJECTIVES[d[46] & 15]} {noun}{amp} {catalog.TAILS[d[46] >> 4]} No. {item.index}"
