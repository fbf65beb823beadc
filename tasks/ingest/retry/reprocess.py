"""Rows out of kept bytes, by the same ways that replies take: an item by itself, a page, a batch.

In the caller's transaction. Nothing here asks the API for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tasks.errors import Error, Transient
from tasks.ingest.unreadable import keep_faults
from tasks.keepa.decode.replies import decode_deals, decode_products
from tasks.keepa.detail import BASES
from tasks.store import deals
from tasks.store.products import products
from tasks.store.queue import queue, requeue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.keepa.decode.replies import Deal, ItemFault, Product
    from tasks.keepa.request import Detail
    from tasks.store.connection import Connection
    from tasks.store.quarantine import StoredFault

_T = TypeVar("_T")


class StillUnreadable(Error):
    """What is kept is of no more use than before: whatever was written on the way must be taken back."""


class _Written(NamedTuple):
    """Rows written, and items the database refused."""

    rows: int
    refused: int


def deal(conn: Connection, kept: StoredFault, raw: bytes, *, detail: Detail) -> str:
    """What a deal that was quarantined by itself brought, in words.

    Raises:
        StillUnreadable: it cannot be used now either.
    """
    # Read as the only one of a page, so that there is one way to read.
    page = read(decode_deals, b'{"timestamp":1,"deals":{"dr":[%b]}}' % raw)
    found = _only(page.deals, page.faults)
    written = _listed(conn, kept, [found], detail)
    _check(written)
    return _summary(written, f"the deal {found.asin}")


def product(conn: Connection, kept: StoredFault, raw: bytes) -> str:
    """What a product that was quarantined by itself brought, in words.

    Raises:
        StillUnreadable: it cannot be used now either.
    """
    batch = read(decode_products, b'{"products":[%b]}' % raw)
    found = _only(batch.products, batch.faults)
    written = _write(conn, kept, [found])
    _check(written)
    return _summary(written, f"the product {found.asin}")


def page(conn: Connection, kept: StoredFault, body: bytes, *, detail: Detail) -> str:
    """What a page of deals brought, in words. The walk it was for has asked for the page again, so it moves none.

    Raises:
        StillUnreadable: it cannot be read now either.
    """
    page = read(decode_deals, body)
    _check_whole(page.is_whole)
    local = [deal for deal in page.deals if deal.is_of(kept.domain)]
    if page.deals and not local:
        raise StillUnreadable("all deals in it are of another locale: there is nothing in it for this one; drop it")
    written = _listed(conn, kept, local, detail)
    deals.write_categories(conn, kept.domain, page.category_ids, page.category_names)
    keep_faults(conn, "deal", kept.domain, page.faults)
    return _summary(written, f"a page of {len(local)} deals", page.faults)


def batch(conn: Connection, kept: StoredFault, body: bytes) -> str:
    """What a batch of products brought, in words.

    Raises:
        StillUnreadable: it cannot be read now either.
    """
    batch = read(decode_products, body)
    _check_whole(batch.is_whole)
    local = [product for product in batch.products if product.is_of(kept.domain)]
    written = _write(conn, kept, local)
    keep_faults(conn, "product", kept.domain, batch.faults)
    return _summary(written, f"{len(local)} products", batch.faults)


def read(decode: Callable[[bytes], _T], body: bytes) -> _T:
    """The body as `decode` reads it.

    Raises:
        StillUnreadable: it cannot.
    """
    try:
        return decode(body)
    except Transient as fault:
        raise StillUnreadable(f"this build cannot read it either: {fault}") from None


def _listed(conn: Connection, kept: StoredFault, found: list[Deal], detail: Detail) -> _Written:
    """Write the deals, and queue their products as any page does."""
    written = deals.write(conn, kept.domain, found, seen_at=kept.last_at)
    queue.enqueue(conn, kept.domain, [deal.asin for deal in found], detail=detail)
    return _Written(written.inserted + written.updated, written.refused)


def _write(conn: Connection, kept: StoredFault, found: Sequence[Product]) -> _Written:
    """Write the products, and take from the queue what they answer; what they answer is seen by what came."""
    rows = refused = 0
    for has_history in (False, True):
        part = [product for product in found if (product.csv is not None) is has_history]
        written = products.write(conn, kept.domain, part, fetched_at=kept.last_at, has_history=has_history)
        rows += written.inserted + written.updated
        refused += written.refused
    for detail in BASES:
        asins = [product.asin for product in found if _answers(product, detail)]
        requeue.mark_done(conn, kept.domain, asins, detail=detail, received_at=kept.last_at)
    return _Written(rows, refused)


def _answers(product: Product, detail: Detail) -> bool:
    """Whether that detail need not be asked for: it is there, or the product is not."""
    if not product.is_found or detail == "stats":
        return True
    return (product.csv if detail == "history" else product.offers) is not None


def _only(items: list[_T], item_faults: list[ItemFault]) -> _T:
    """The one item that was kept."""
    if item_faults:
        raise StillUnreadable(f"this build cannot read it either: {item_faults[0].reason}")
    if len(items) != 1:
        raise StillUnreadable(f"what is kept is not one item but {len(items)}")
    return items[0]


def _check(written: _Written) -> None:
    if written.refused:
        raise StillUnreadable("it can be read, and the database still refuses it")


def _check_whole(is_whole: bool) -> None:  # noqa: FBT001 - it is all that is looked at
    if not is_whole:
        raise StillUnreadable(
            "it ends in its middle: what can be read of it was written at once, and the rest asked for again"
        )


def _summary(written: _Written, what: str, item_faults: Sequence[ItemFault] = ()) -> str:
    quarantined = written.refused + len(item_faults)
    rows = f"{written.rows} rows written" if written.rows else "nothing newer than what is there"
    return f"{what}: {rows}" + (f", {quarantined} quarantined one by one" if quarantined else "")
