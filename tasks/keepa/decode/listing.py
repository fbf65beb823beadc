"""Bodies that list products by their ASINs alone: best sellers, the storefront of a seller, a search, lightning deals.

Whatever of the list is no ASIN is left out and counted: the list is paid for, and the rest of it is good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasks.errors import Transient
from tasks.keepa.decode.envelope import Head, envelope_of
from tasks.keepa.decode.lenient import UNREADABLE
from tasks.keepa.request import is_asin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.keepa.decode.envelope import Envelope

_MISSING: Final = msgspec.Raw()


class _Body(Head, frozen=True, kw_only=True, rename="camel"):
    best_sellers_list: msgspec.Raw = _MISSING
    sellers: msgspec.Raw = _MISSING
    asin_list: msgspec.Raw = _MISSING
    lightning_deals: msgspec.Raw = _MISSING


_BODY: Final = msgspec.json.Decoder(_Body)
_ANY: Final = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductListing:
    """The products of one page of a source.

    Attributes:
        asins: in the order of the list, each once.
        entries: how many entries the list has.
        odd: how many of them are no ASINs.
    """

    envelope: Envelope
    asins: tuple[str, ...]
    entries: int
    odd: int


def decode_listing(endpoint: str, body: bytes) -> ProductListing:
    """Return what a reply of `endpoint` lists. Without best sellers of a category there is no list, and none is lost.

    Raises:
        Transient: the body cannot be read, or has something else in the place of the list.
    """
    try:
        found = _BODY.decode(body)
        entries = list(_entries(endpoint, found))
    except UNREADABLE as error:
        raise Transient(f"the body cannot be read ({len(body)} bytes): {error}", status=200) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Transient(
            f"the body has no list of products where one should be ({len(body)} bytes)", status=200
        ) from error
    asins = [entry for entry in entries if isinstance(entry, str) and is_asin(entry)]
    return ProductListing(
        envelope=envelope_of(found),
        asins=tuple(dict.fromkeys(asins)),
        entries=len(entries),
        odd=len(entries) - len(asins),
    )


def _entries(endpoint: str, body: _Body) -> Iterable[Any]:
    """Yield the entries of the list, as they are."""
    match endpoint:
        case "/bestsellers":
            return _of(body.best_sellers_list)["asinList"] or () if bytes(body.best_sellers_list) else ()
        case "/seller":
            return [asin for seller in _of(body.sellers).values() for asin in seller.get("asinList") or ()]
        case "/query":
            return _listed(_of(body.asin_list))
        case _:
            return [deal.get("asin") for deal in _listed(_of(body.lightning_deals))]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - of a JSON
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _of(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return _ANY.decode(raw)
