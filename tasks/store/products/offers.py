"""Sellers' offers into `offers`: those of a product are replaced as a whole.

The caller holds the lock on each product's row, and gives only readings whose offers are to be taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tasks.store.bulk import arrays
from tasks.store.bulk.asins import AMONG
from tasks.store.bulk.batch import UNSTORABLE, Refusal, reason_of, write_each
from tasks.store.bulk.staging import Copied

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tasks.keepa.decode.replies import Offer, Product
    from tasks.store.bulk.staging import Row
    from tasks.store.connection import Connection

_NUMBERS: Final = ("offer_id", "condition", "last_seen", "last_stock_update", "min_order_qty", "coupon")
_FLAGS: Final = (
    *("is_amazon", "is_fba", "is_prime", "is_prime_excl", "is_map", "is_shippable", "is_preorder"),
    *("is_warehouse_deal", "is_scam", "is_addon_item", "ships_from_china"),
)
_LISTS: Final = ("stock_csv", "prime_excl_csv", "coupon_history")
_ROWS: Final = Copied(
    table="offers",
    columns={
        "domain": "int2",
        "asin": "text",
        "place": "int4",
        "live_place": "int4",
        **dict.fromkeys(_NUMBERS, "int4"),
        "seller_id": "text",
        "condition_comment": "text",
        **dict.fromkeys(_FLAGS, "bool"),
        "minutes": "int4[]",
        "prices": "int4[]",
        "shipping": "int4[]",
        **dict.fromkeys(_LISTS, "int4[]"),
        "offer_duplicates": "json",
        "extra": "json",
    },
)
_REMOVE: Final = f"DELETE FROM offers WHERE domain = %s AND asin = {AMONG}"  # noqa: S608 - a fragment of ours
_GROUP: Final = 3  # minute, price and shipping


def write(conn: Connection, domain: int, products: Iterable[Product]) -> tuple[int, list[Refusal[Product]]]:
    """Replace the offers of `products`; how many rows there are of them now, and whose offers were refused.

    Of a product whose offers are refused the known ones stay.

    Raises:
        psycopg.Error: what is no offer's fault.
    """
    rows, refusals = _rows(domain, products)

    def put(batch: Sequence[tuple[Product, list[Row]]]) -> list[int]:
        conn.execute(_REMOVE.encode(), (domain, [product.asin for product, _ in batch]), prepare=False)
        _ROWS.append(conn, (row for _, offers in batch for row in offers))
        return [len(offers) for _, offers in batch]

    written, refused = write_each(conn, rows, put)
    refusals += [Refusal(refusal.item[0], f"offers: {refusal.reason}") for refusal in refused]
    return sum(written), refusals


def _rows(domain: int, products: Iterable[Product]) -> tuple[list[tuple[Product, list[Row]]], list[Refusal[Product]]]:
    rows, refusals = [], []
    for product in products:
        live = {place: at for at, place in enumerate(product.live_offers_order or ())}
        try:
            offers = [
                (domain, product.asin, place, live.get(place), *_row(offer))
                for place, offer in enumerate(product.offers or ())
            ]
        except UNSTORABLE as error:
            refusals.append(Refusal(product, f"offers: {reason_of(error)}"))
        else:
            rows.append((product, offers))
    return rows, refusals


def _row(offer: Offer) -> Row:
    """The columns of `_ROWS` from the sixth on, in its order.

    Raises:
        OverflowError: a number does not fit its column; and `ValueError` for a list that was cut.
    """
    numbers = [getattr(offer, name) for name in _NUMBERS]
    arrays.check_int4s(numbers)
    history = offer.offer_csv or []
    if len(history) % _GROUP:
        raise ValueError(f"offerCSV: {len(history)} values do not make whole groups")
    lists = [getattr(offer, name) for name in _LISTS]
    return (
        *numbers,
        offer.seller_id,
        offer.condition_comment,
        *(getattr(offer, name) for name in _FLAGS),
        *(arrays.ints(history[at::_GROUP]) for at in range(_GROUP)),
        *(None if values is None else arrays.ints(values) for values in lists),
        *(None if value is None else msgspec.json.encode(value) for value in (offer.offer_duplicates, offer.extra)),
    )
