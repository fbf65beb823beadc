"""What bodies hold: a page of deals, a batch of products. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import msgspec

from tasks.keepa.decode import item
from tasks.keepa.decode.item import ItemFault
from tasks.keepa.request import is_asin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tasks.keepa.deal import Deal
    from tasks.keepa.decode.envelope import Envelope
    from tasks.keepa.decode.item import OddItem
    from tasks.keepa.product import Product

PART_BYTES: Final = 4 << 20  # of products, as JSON, that are read and written at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class DealPage:
    """One page of `/deal` in the server's order, and how many deals each root category has, whatever the filter.

    Attributes:
        server_minute: the server's clock when it answered, in Keepa minutes; None when it does not say.
        faults: what could not be read.
        odd: the deals in which something was not as it should be.
        is_whole: whether the page was not cut off.
        is_counted: whether it is known how many deals there were.
    """

    envelope: Envelope
    server_minute: int | None
    deals: list[Deal] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    odd: list[OddItem] = field(default_factory=list)
    category_ids: list[int] = field(default_factory=list)
    category_names: list[str] = field(default_factory=list)
    category_counts: list[int] = field(default_factory=list)
    is_whole: bool = True

    @property
    def is_counted(self) -> bool:
        """See above."""
        return self.is_whole and not any(fault.is_stretch for fault in self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductBatch:
    """Products of one `/product` call, which has one for each ASIN asked, unknown ones included.

    Attributes:
        faults: what could not be read.
        odd: the products in which something was not as it should be.
        strangers: products that were not asked for, unread; empty when it is not known what was asked for.
        is_whole: whether the body was not cut off.
    """

    envelope: Envelope
    products: list[Product] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    odd: list[OddItem] = field(default_factory=list)
    strangers: list[ItemFault] = field(default_factory=list)
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductReply:
    """A `/product` body of which only the frame is read: as values, a whole one takes six times its size."""

    envelope: Envelope
    raws: list[msgspec.Raw] = field(repr=False, default_factory=list)
    read: list[Product] = field(repr=False, default_factory=list)  # a small one, in which nothing is odd
    faults: list[ItemFault] = field(repr=False, default_factory=list)
    is_whole: bool = True

    def parts(self, *, asked: Collection[str] | None = None, most_bytes: int = PART_BYTES) -> Iterator[ProductBatch]:
        """The products in the order of their ASINs, a few at a time, read when their turn comes.

        Those whose ASIN is not among `asked` are not read; None: all are.
        """
        known = [product for product in self.read if asked is None or product.asin in asked]
        strangers = [
            _stranger(msgspec.json.encode(one), one.asin) for one in self.read if asked and one.asin not in asked
        ]
        raws: list[msgspec.Raw] = []
        size = 0
        if known or strangers or self.faults:
            yield ProductBatch(
                envelope=self.envelope,
                products=known,
                faults=self.faults,
                strangers=strangers,
                is_whole=self.is_whole,
            )
        for asin, raw in sorted(((item.asin_of(raw) or "", raw) for raw in self.raws), key=itemgetter(0)):
            if asked is not None and asin not in asked and is_asin(asin):
                yield ProductBatch(envelope=self.envelope, strangers=[_stranger(raw, asin)], is_whole=self.is_whole)
                continue
            raws.append(raw)
            size += memoryview(raw).nbytes
            if size >= most_bytes:
                yield self._made(raws)
                raws, size = [], 0
        if raws:
            yield self._made(raws)

    def _made(self, raws: list[msgspec.Raw]) -> ProductBatch:
        items = item.each(raws, item.products())
        return ProductBatch(
            envelope=self.envelope,
            products=items.found,
            faults=items.faults,
            odd=items.odd,
            is_whole=self.is_whole,
        )


def _stranger(raw: bytes | msgspec.Raw, asin: str) -> ItemFault:
    return ItemFault(asin=asin, reason=f"its ASIN is {asin}, which was not asked for", raw=bytes(raw))
