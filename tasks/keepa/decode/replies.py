"""Bodies of the API as typed values.

A body is read strictly and in one go, as nearly all can be. One that cannot is read for its frame and its items' bytes,
then item by item: what does not fit in an item costs that field, an item that cannot be read is an `ItemFault` with its
bytes, and the others are kept, since all of it is paid for either way. A body that no parser reads is taken apart by
its bytes (`tasks.keepa.decode.frame`).
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from tasks.errors import NotFromApi, Transient
from tasks.keepa import prices, product_histories
from tasks.keepa.deal import Deal
from tasks.keepa.decode import fields, item, lenient
from tasks.keepa.decode.body_types import PART_BYTES, DealPage, ProductBatch, ProductReply
from tasks.keepa.decode.envelope import Envelope, Head, ServerFault, envelope_of
from tasks.keepa.decode.frame import HEAD, MOST_ITEMS, Frame, take_apart
from tasks.keepa.decode.item import ItemFault, Items, OddItem
from tasks.keepa.decode.lenient import UNREADABLE
from tasks.keepa.product import CategoryNode, FbaFees, Offer, Product, Reviews
from tasks.keepa.product_stats import Stats

__all__ = [
    "CategoryNode",
    "Deal",
    "DealPage",
    "Envelope",
    "FbaFees",
    "ItemFault",
    "OddItem",
    "Offer",
    "Product",
    "ProductBatch",
    "ProductReply",
    "Reviews",
    "ServerFault",
    "Stats",
    "any_envelope",
    "decode_deals",
    "decode_envelope",
    "decode_products",
    "open_products",
]


class _GoodDeals(msgspec.Struct, kw_only=True, rename="camel"):
    dr: list[Deal]
    category_ids: list[int] | None = None
    category_names: list[str] | None = None
    category_count: list[int] | None = None


class _GoodDealsBody(Head, frozen=True, kw_only=True, rename="camel"):
    deals: _GoodDeals


class _GoodProductsBody(Head, frozen=True, kw_only=True, rename="camel"):
    products: list[Product]


# A list, or an object with the same items by name: what one server writes as the one, another does as the other.
_Listed = list[msgspec.Raw] | dict[str, msgspec.Raw]


class _Deals(msgspec.Struct, kw_only=True, rename="camel"):
    dr: _Listed
    category_ids: msgspec.Raw = msgspec.Raw()
    category_names: msgspec.Raw = msgspec.Raw()
    category_count: msgspec.Raw = msgspec.Raw()


class _DealsBody(Head, frozen=True, kw_only=True, rename="camel"):
    deals: _Deals


class _ProductsBody(Head, frozen=True, kw_only=True, rename="camel"):
    # A call in which nothing was found may lack the key altogether; then it has no other endpoint's instead.
    products: _Listed | None = None
    deals: msgspec.Raw = msgspec.Raw()


_B = TypeVar("_B", bound=Head)
_I = TypeVar("_I", bytes, msgspec.Raw)

_HEAD: Final = msgspec.json.Decoder(Head)
_NO_HEAD: Final = Head()
_GOOD_DEALS: Final = msgspec.json.Decoder(_GoodDealsBody)
_GOOD_PRODUCTS: Final = msgspec.json.Decoder(_GoodProductsBody)
_DEALS: Final = msgspec.json.Decoder(_DealsBody)
_PRODUCTS: Final = msgspec.json.Decoder(_ProductsBody)


def decode_envelope(body: bytes) -> Envelope:
    """The envelope of any body of the API, whatever its payload and whatever is odd in it.

    Raises:
        NotFromApi: the body has nothing that a body of the API has: somebody in between wrote it.
    """
    head = _at_once(_HEAD, body)
    if head is None or head == _NO_HEAD:
        frame = take_apart(body)
        head = _head_of(frame)
        if head == _NO_HEAD and not frame.has_list:
            raise NotFromApi(
                f"the reply is not from the API: it has none of the fields that every reply has ({len(body)} bytes)",
                status=200,
            )
    return envelope_of(head)


def any_envelope(body: bytes) -> Envelope:
    """The envelope of any body at all; of one that is not the API's nothing is known."""
    try:
        return decode_envelope(body)
    except NotFromApi:
        return envelope_of(_NO_HEAD)


def decode_deals(body: bytes) -> DealPage:
    """One page of deals.

    Raises:
        Transient: the body has no list of deals, or one beyond all bounds. An empty page has an empty list, and taking
            one for the other would end a walk early.
    """
    good = _good_deals(body)
    if good is not None:
        return _page(
            envelope_of(good),
            Items(good.deals.dr),
            ids=good.deals.category_ids or [],
            names=good.deals.category_names or [],
            counts=good.deals.category_count or [],
        )
    strict = _at_once(_DEALS, body)
    if strict is not None:
        given = (strict.deals.category_ids, strict.deals.category_names, strict.deals.category_count)
        ids, names, counts = _categories(*map(bytes, given))
        return _page(
            envelope_of(strict), item.each(_items(strict.deals.dr), item.deals()), ids=ids, names=names, counts=counts
        )
    frame = _frame(body, "/deal", "deals")
    ids, names, counts = _categories(*map(frame.value, ("categoryIds", "categoryNames", "categoryCount")))
    items = item.each(map(msgspec.Raw, frame.items), item.deals())
    items.faults.extend(frame.faults)
    envelope = envelope_of(_head_of(frame))
    return _page(envelope, items, ids=ids, names=names, counts=counts, is_whole=frame.is_whole)


def decode_products(body: bytes) -> ProductBatch:
    """The products of one call, as sent and all at once.

    Raises:
        Transient: the body has no list of products, and something else in its place; or a list beyond all bounds.
    """
    reply = open_products(body)
    items = item.each(reply.raws, item.products())
    return ProductBatch(
        envelope=reply.envelope,
        products=reply.read or items.found,
        faults=items.faults + reply.faults,
        odd=items.odd,
        is_whole=reply.is_whole,
    )


def open_products(body: bytes) -> ProductReply:
    """The products of one call, to be read in parts.

    Raises:
        Transient: the body has no list of products, and something else in its place; or a list beyond all bounds.
    """
    good = _good_products(body) if len(body) <= PART_BYTES else None
    if good is not None:
        return ProductReply(envelope=envelope_of(good), read=good.products)
    strict = _at_once(_PRODUCTS, body)
    if strict is not None and (strict.products is not None or not bytes(strict.deals)):
        return ProductReply(envelope=envelope_of(strict), raws=_items(strict.products or []))
    frame = _frame(body, "/product", "products")
    return ProductReply(
        envelope=envelope_of(_head_of(frame)),
        raws=[msgspec.Raw(raw) for raw in frame.items],
        faults=frame.faults,
        is_whole=frame.is_whole,
    )


def _items(listed: _Listed) -> list[msgspec.Raw]:
    """The bytes of the items.

    Raises:
        Transient: there are more than any reply has.
    """
    return _bounded(list(listed.values()) if isinstance(listed, dict) else listed)


def _bounded(items: list[_I]) -> list[_I]:
    """The same.

    Raises:
        Transient: there are more than any reply has: to read each would take for ever, and quarantine is for people.
    """
    if len(items) > MOST_ITEMS:
        raise Transient(f"the body cannot be read: its list has more than {MOST_ITEMS} items", status=200)
    return items


def _good_deals(body: bytes) -> _GoodDealsBody | None:
    """The page read in one go, as nearly all can be; None when something in it needs a closer look."""
    page = None if lenient.has_nul(body) else _at_once(_GOOD_DEALS, body)
    return None if page is None or any(deal.ragged() for deal in page.deals.dr) else page


def _good_products(body: bytes) -> _GoodProductsBody | None:
    """The same of a reply with products."""
    reply = None if lenient.has_nul(body) else _at_once(_GOOD_PRODUCTS, body)
    return None if reply is None or any(map(product_histories.misfit, reply.products)) else reply


def _at_once(decoder: msgspec.json.Decoder[_B], body: bytes) -> _B | None:
    try:
        return decoder.decode(body)
    except UNREADABLE:
        return None


def _frame(body: bytes, endpoint: str, name: str) -> Frame:
    """The frame of a body that no parser reads, or that is not what it should be.

    Raises:
        Transient: there is no list in it, or more in it than any reply has.
    """
    frame = take_apart(body, endpoint)
    if not frame.has_list:
        reading = envelope_of(_head_of(frame)).reading
        raise Transient(
            f"the body cannot be read ({len(body)} bytes): it has no list of {name}", status=200, reading=reading
        )
    _bounded([*frame.items, *(fault.raw for fault in frame.faults)])
    return frame


def _head_of(frame: Frame) -> Head:
    return msgspec.convert({name: msgspec.Raw(frame.value(name)) for name in HEAD}, Head)


def _page(
    envelope: Envelope,
    items: Items[Deal],
    *,
    ids: list[int],
    names: list[str],
    counts: list[int],
    is_whole: bool = True,
) -> DealPage:
    return DealPage(
        envelope=envelope,
        server_minute=None if envelope.timestamp_ms is None else prices.minute_of_ms(envelope.timestamp_ms),
        deals=items.found,
        faults=items.faults,
        odd=items.odd,
        category_ids=ids,
        category_names=names,
        category_counts=counts,
        is_whole=is_whole,
    )


def _categories(ids: bytes, names: bytes, counts: bytes) -> tuple[list[int], list[str], list[int]]:
    """The categories of which each of the lists that are there has what it should."""
    all_ids, all_names, all_counts = [fields.list_of(raw) for raw in (ids, names, counts)]
    rows = [
        (number, name, count)
        for number, name, count in zip(all_ids, all_names, all_counts or [0] * len(all_ids), strict=False)
        if type(number) is int and isinstance(name, str) and type(count) is int
    ]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows] if all_counts else []
