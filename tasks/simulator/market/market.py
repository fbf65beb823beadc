"""The shop: its products, and where each stands at a time. A pure function of the seed and the server's time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.simulator.market import identity, item
from tasks.simulator.market.price_timeline import Timeline

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item
    from tasks.simulator.market.price_timeline import State

_FAMILY: Final = 8  # products to a parent
_CHILD: Final = 10  # of 256 have one
# A code that many products have: of a hundred products the first dozen share that of the first. Reported: a code that
# brought 1,500 products.
_SHARING: Final = 12
_OF: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the market is made of."""

    seed: int = 1
    products: int = 12_000
    slots: int = 36
    closed_share: float = 0.002
    has_unknown: bool = True


@dataclass(frozen=True, slots=True)
class Parent:
    """A product that only holds its variations together."""

    asin: str
    children: tuple[str, ...]


class Market:
    """All products of one seed. Products are made when first asked for and kept: about a kilobyte each."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._items: list[Item | None] = [None] * scope.products

    def __len__(self) -> int:
        return self.scope.products

    def item(self, index: int) -> Item:
        """Product `index`."""
        held = self._items[index]
        if held is None:
            scope = self.scope
            held = item.make(scope.seed, index, slots=scope.slots, closed_share=scope.closed_share)
            self._items[index] = held
        return held

    def timeline(self, found: Item, domain: int) -> Timeline:
        """The history of a product in a domain."""
        return Timeline(self.scope.seed, domain, found)

    def state(self, found: Item, domain: int, now_ms: int) -> State | None:
        """Where a product stands at server time `now_ms`."""
        return Timeline(self.scope.seed, domain, found).state(now_ms)

    def find(self, asin: str) -> Item | Parent | None:
        """What an ASIN names; None when nothing."""
        place = identity.index_of(self.scope.seed, asin)
        return None if place is None else self._at(*place)

    def code(self, found: Item) -> str:
        """The EAN of a product; a few have one in common."""
        index = found.index
        if not found.is_book and index % _OF < _SHARING:
            index -= index % _OF
        return identity.ean(self.scope.seed, index, is_book=found.is_book)

    def find_code(self, code: str) -> list[Item]:
        """The products that an EAN names."""
        place = identity.index_of_code(self.scope.seed, code)
        if place is None or place[0] >= len(self):
            return []
        index, is_book = place
        if is_book or index % _OF >= _SHARING:
            found = self.item(index)
            return [found] if found.is_book == is_book else []
        if index % _OF:
            return []
        members = map(self.item, range(index, min(len(self), index + _SHARING)))
        return [one for one in members if not one.is_book]

    def parent_asin(self, found: Item) -> str | None:
        """The ASIN that holds a product's variations together, if it has any."""
        if found.is_book or found.draws[47] >= _CHILD:
            return None
        return identity.asin(self.scope.seed, len(self) + found.index // _FAMILY, is_book=False)

    def _at(self, index: int, is_book: bool) -> Item | Parent | None:  # noqa: FBT001 - half of a pair
        if index < len(self):
            found = self.item(index)
            return found if found.is_book == is_book else None
        family = index - len(self)
        if is_book or family > len(self) // _FAMILY:
            return None
        members = range(family * _FAMILY, min(len(self), (family + 1) * _FAMILY))
        asin = identity.asin(self.scope.seed, index, is_book=False)
        children = tuple(m.asin for m in map(self.item, members) if self.parent_asin(m) is not None)
        return Parent(asin, children) if children else None
