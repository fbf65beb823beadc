"""Pure: a product as a row: how each field is put on the wire in its column."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasks.keepa import prices
from tasks.keepa.product import CategoryNode
from tasks.keepa.product_stats import Stats
from tasks.store.bulk import arrays
from tasks.store.histories import sales_ranks
from tasks.store.products.product_columns import AGES, BUY_BOX, COLUMNS, PARTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.keepa.decode.replies import Product
    from tasks.store.bulk.staging import Row

_EMPTY: Final = b"{}"
_NOT_KNOWN: Final = -2  # of a figure that was not asked for


_OWN: Final = [name for name in COLUMNS if name not in {*PARTS, *AGES, *sales_ranks.COLUMNS, "extra", "stats_known"}]
_own: Final[Callable[[Product], tuple[object, ...]]] = attrgetter(*_OWN)


def age(product: Product) -> int:
    """How new the reading is, in Keepa minutes; 0 when it does not say."""
    return product.last_update or 0


def row(product: Product, *, has_history: bool) -> Row:
    """The values of `COLUMNS`, in their order.

    A history that could not be used, and lies in `extra`, is none: `has_history` is for the others.

    Raises:
        OverflowError: a number does not fit its column; and `TypeError` or `ValueError` for a malformed list.
    """
    ages = {
        "history_update": age(product) if has_history and "csv" not in (product.extra or ()) else None,
        "stats_update": None if product.stats is None else age(product),
        "offers_update": None if product.offers is None else age(product),
        "buy_box_update": age(product) if _knows_buy_box(product.stats) else None,
    }
    found: dict[str, Any] = dict(zip(_OWN, _own(product), strict=True)) | ages
    found["extra"] = _extra(product)
    for name, (part, field) in PARTS.items():
        found[name] = getattr(getattr(product, part), field, None)
    found["stats_known"] = None if product.stats is None else _known(product.stats)
    if ages["buy_box_update"] is None:
        found |= dict.fromkeys(BUY_BOX)
    packed = {name: pack(value) for name, pack in _PACKERS if (value := found[name]) is not None}
    sales = None if ages["history_update"] is None else _sales(product)
    packed |= zip(sales_ranks.COLUMNS, sales_ranks.row(product.sales_ranks, sales), strict=True)
    return tuple(map(packed.get, COLUMNS))


def _knows_buy_box(stats: Stats | None) -> bool:
    """Whether the buy box was asked for: then somebody has it, or nobody."""
    return stats is not None and stats.buy_box_price not in {None, _NOT_KNOWN}


def _known(stats: Stats) -> int:
    """How much the figures tell: of two readings of one moment, that of the richer detail tells more."""
    asked = (stats.offer_count_fba, stats.stock_amazon, stats.stock_per_condition_fbm)
    others = sum(value not in (None, _NOT_KNOWN) for value in asked)
    return sum(value >= 0 for value in stats.current or ()) + _knows_buy_box(stats) + others


def _sales(product: Product) -> list[int] | None:
    """The history of SALES, when there is one."""
    csv = product.csv or []
    return csv[prices.SALES] if len(csv) > prices.SALES else None


def _extra(product: Product) -> dict[str, object] | None:
    """The unknown fields, those of the fees and the reviews in their place: the known ones of these have columns."""
    parts = {
        name: part.extra
        for name, part in (("fbaFees", product.fba_fees), ("reviews", product.reviews))
        if part is not None and part.extra is not None
    }
    return (product.extra or {}) | parts if parts else product.extra


def _as_it_is(value: object) -> object:
    return value


def _int4(value: int) -> int:
    arrays.check_int4s((value,))
    return value


def _json(value: object) -> bytes:
    """JSON with the unknown fields back in their places."""
    if isinstance(value, Stats):
        return _as_received(value)
    if isinstance(value, list) and any(isinstance(one, CategoryNode) and one.extra for one in value):
        return b"[%b]" % b",".join(map(_as_received, value))
    return msgspec.json.encode(value)


def _as_received(value: Stats | CategoryNode) -> bytes:
    if value.extra is None:
        return msgspec.json.encode(value)
    known = msgspec.json.encode(msgspec.structs.replace(value, extra=None))
    unknown = msgspec.json.encode(value.extra)
    return known[:-1] + (b"," if len(known) > len(_EMPTY) and len(unknown) > len(_EMPTY) else b"") + unknown[1:]


_PACK: Final[dict[str, Callable[..., object]]] = {
    "int4": _int4,
    "int4[]": arrays.ints,
    "int8[]": arrays.longs,
    "text[]": arrays.texts,
    "json": _json,
}
_PACKERS: Final = [
    (name, _PACK.get(kind, _as_it_is)) for name, kind in COLUMNS.items() if name not in sales_ranks.COLUMNS
]
