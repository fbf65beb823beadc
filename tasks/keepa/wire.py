"""Bodies of the API as typed values.

A body is read for its frame and its items' bytes, then item by item: one item that does not fit is an `ItemFault`
with its bytes, and the others are kept, since the page is paid for either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tasks.errors import Transient
from tasks.keepa import item, prices
from tasks.keepa.deal import Deal
from tasks.keepa.envelope import Envelope, Head, ServerFault, envelope_of
from tasks.keepa.item import ItemFault
from tasks.keepa.product import CategoryNode, FbaFees, Offer, Product
from tasks.keepa.product_stats import Stats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger import Reading

__all__ = [
    "CategoryNode",
    "Deal",
    "DealPage",
    "Envelope",
    "FbaFees",
    "ItemFault",
    "Offer",
    "Product",
    "ProductBatch",
    "ProductReply",
    "ServerFault",
    "Stats",
    "decode_deals",
    "decode_envelope",
    "decode_products",
    "open_products",
]

PART_BYTES: Final = 4 << 20  # of products, as JSON, that are read and written at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class DealPage:
    """One page of `/deal` in the server's order, and how many deals each root category has, whatever the filter.

    `server_minute` is the server's clock when it answered, in Keepa minutes.
    """

    envelope: Envelope
    server_minute: int
    deals: list[Deal] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    category_ids: list[int] = field(default_factory=list)
    category_names: list[str] = field(default_factory=list)
    category_counts: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductBatch:
    """Products of one `/product` call, which has one for each ASIN asked, unknown ones included."""

    envelope: Envelope
    products: list[Product] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductReply:
    """A `/product` body of which only the frame is read: as values, a whole one takes six times its size."""

    envelope: Envelope
    raws: list[msgspec.Raw] = field(repr=False, default_factory=list)
    read: list[Product] = field(repr=False, default_factory=list)  # a small one, in which nothing is odd

    def parts(self, *, most_bytes: int = PART_BYTES) -> Iterator[ProductBatch]:
        """The products in the order of their ASINs, a few at a time, read when their turn comes."""
        if self.read:
            yield ProductBatch(envelope=self.envelope, products=self.read)
        raws: list[msgspec.Raw] = []
        size = 0
        for raw in sorted(self.raws, key=lambda raw: item.asin_of(raw) or ""):
            raws.append(raw)
            size += memoryview(raw).nbytes
            if size >= most_bytes:
                yield self._made(raws)
                raws, size = [], 0
        if raws:
            yield self._made(raws)

    def _made(self, raws: list[msgspec.Raw]) -> ProductBatch:
        products, faults = item.each(raws, item.product)
        return ProductBatch(envelope=self.envelope, products=products, faults=faults)


class _DealCounts(msgspec.Struct, kw_only=True, rename="camel"):
    category_ids: list[int] | None = None
    category_names: list[str] | None = None
    category_count: list[int] | None = None


class _Deals(_DealCounts):
    dr: list[msgspec.Raw]


class _DealsBody(Head, frozen=True, kw_only=True, rename="camel"):
    deals: _Deals


class _ProductsBody(Head, frozen=True, kw_only=True, rename="camel"):
    # A call in which nothing was found may lack the key altogether.
    products: list[msgspec.Raw] | None = None


class _GoodDeals(_DealCounts):
    dr: list[Deal]


class _GoodProductsBody(Head, frozen=True, kw_only=True, rename="camel"):
    products: list[Product] | None = None


class _GoodDealsBody(Head, frozen=True, kw_only=True, rename="camel"):
    deals: _GoodDeals


_B = TypeVar("_B", bound=Head)

_HEAD: Final = msgspec.json.Decoder(Head)
_GOOD_DEALS: Final = msgspec.json.Decoder(_GoodDealsBody)
_GOOD_PRODUCTS: Final = msgspec.json.Decoder(_GoodProductsBody)
_DEALS: Final = msgspec.json.Decoder(_DealsBody)
_PRODUCTS: Final = msgspec.json.Decoder(_ProductsBody)
_ANYTHING: Final = msgspec.json.Decoder()


def decode_envelope(body: bytes) -> Envelope:
    """The envelope of any JSON body, whatever its payload and whatever is odd in it.

    Raises:
        Transient: the body is no JSON: cut, or written by somebody in between.
    """
    try:
        return envelope_of(_HEAD.decode(body))
    except msgspec.ValidationError:
        return _envelope_of_other(body)  # not an object; whether it is whole has not been looked at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(body, error) from None


def decode_deals(body: bytes) -> DealPage:
    """One page of deals.

    Raises:
        Transient: the body as a whole cannot be read, does not tell its time, or has no list of deals. An empty page
            has an empty list, and taking one for the other would end a walk early.
    """
    good = _good_deals(body)
    frame = _frame(_DEALS, body) if good is None else good
    envelope = envelope_of(frame)
    if envelope.timestamp_ms is None:
        raise _unreadable(body, "no usable timestamp", envelope.reading)
    deals, faults = item.each(frame.deals.dr, item.deal) if isinstance(frame, _DealsBody) else (frame.deals.dr, [])
    return DealPage(
        envelope=envelope,
        server_minute=prices.minute_of_ms(envelope.timestamp_ms),
        deals=deals,
        faults=faults,
        category_ids=frame.deals.category_ids or [],
        category_names=frame.deals.category_names or [],
        category_counts=frame.deals.category_count or [],
    )


def decode_products(body: bytes) -> ProductBatch:
    """The products of one call, as sent and all at once.

    Raises:
        Transient: the body as a whole cannot be read.
    """
    reply = open_products(body)
    products, faults = item.each(reply.raws, item.product)
    return ProductBatch(envelope=reply.envelope, products=reply.read or products, faults=faults)


def open_products(body: bytes) -> ProductReply:
    """The products of one call, to be read in parts.

    Raises:
        Transient: the body as a whole cannot be read.
    """
    good = _good_products(body) if len(body) <= PART_BYTES else None
    if good is not None:
        return ProductReply(envelope=envelope_of(good), read=good.products or [])
    frame = _frame(_PRODUCTS, body)
    return ProductReply(envelope=envelope_of(frame), raws=frame.products or [])


def _good_deals(body: bytes) -> _GoodDealsBody | None:
    """The page read in one go, as nearly all can be; None when something in it needs a closer look."""
    page = _at_once(_GOOD_DEALS, body)
    return None if page is None or any(deal.ragged() for deal in page.deals.dr) else page


def _good_products(body: bytes) -> _GoodProductsBody | None:
    """The same of a reply with products."""
    reply = _at_once(_GOOD_PRODUCTS, body)
    return None if reply is None or any(prices.fault(product.csv) for product in reply.products or ()) else reply


def _at_once(decoder: msgspec.json.Decoder[_B], body: bytes) -> _B | None:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _frame(decoder: msgspec.json.Decoder[_B], body: bytes) -> _B:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(body, error, _reading(body)) from None


def _unreadable(body: bytes, reason: object, reading: Reading | None = None) -> Transient:
    return Transient(f"the body cannot be read ({len(body)} bytes): {reason}", status=200, reading=reading)


def _reading(body: bytes) -> Reading | None:
    head = _at_once(_HEAD, body)
    return None if head is None else envelope_of(head).reading


def _envelope_of_other(body: bytes) -> Envelope:
    """The envelope of a whole body that is JSON but no object: nothing is known but what stands there.

    Raises:
        Transient: it is not whole.
    """
    try:
        _ANYTHING.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(body, error) from None
    return envelope_of(Head(error=msgspec.Raw(body)))
