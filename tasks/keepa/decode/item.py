"""One item of a body: a deal or a product as a typed value, with all that is in it kept. Pure.

The types forbid unknown fields, for that costs nothing where there are none, and the server seldom learns a new one.
An item that is refused is taken apart, field by field: what is unknown in it, or in a part of it, and what is optional
and not of its type is put into `extra`, each in its place; values that the strict reader refuses are read leniently.
Only an item that lacks what it is nothing without is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from tasks.keepa import prices
from tasks.keepa.deal import Deal
from tasks.keepa.decode import lenient, scanner
from tasks.keepa.decode.fields import EXTRA, FIELDS, fit_fields, received, take_fields_apart
from tasks.keepa.decode.lenient import UNREADABLE
from tasks.keepa.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_T = TypeVar("_T", Deal, Product)


class _Named(msgspec.Struct):
    asin: str | None = None


_NAMED: Final = msgspec.json.Decoder(_Named)
_DEAL: Final = msgspec.json.Decoder(Deal)
_PRODUCT: Final = msgspec.json.Decoder(Product)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFault:
    """Bytes of a good body that no item could be made of: `asin` when at least that could be found in them.

    Attributes:
        is_stretch: the cut between two items is lost, so there may be several in it, or a part of one.
    """

    asin: str | None
    reason: str
    raw: bytes
    is_stretch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """An item that is used although something in it is not as it should be: what, by field, and its bytes."""

    asin: str
    notes: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Items(Generic[_T]):
    """What became of some items' bytes."""

    found: list[_T] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)


def each(raws: Iterable[msgspec.Raw], read: Callable[[msgspec.Raw], tuple[_T, list[str]]]) -> Items[_T]:
    """The items that `read` makes of these bytes, and those it makes none of."""
    items: Items[_T] = Items()
    for raw in raws:
        try:
            item, notes = read(raw)
        except UNREADABLE as error:
            items.faults.append(ItemFault(asin=asin_of(raw), reason=str(error), raw=bytes(raw)))
            continue
        items.found.append(item)
        if notes:
            items.odd.append(Odd(asin=item.asin, notes=tuple(notes), raw=bytes(raw)))
    return items


def deal(raw: msgspec.Raw) -> tuple[Deal, list[str]]:
    """The deal in these bytes, and what in them is not as it should be.

    Raises:
        ValueError: it is none.
    """
    return _read(_DEAL, Deal, deal_misfit, raw)


def product(raw: msgspec.Raw) -> tuple[Product, list[str]]:
    """The product in these bytes, and what in them is not as it should be.

    Raises:
        ValueError: it is none.
    """
    return _read(_PRODUCT, Product, product_misfit, raw)


def deal_misfit(found: Deal) -> tuple[str, str] | None:
    """The field of a deal that is of its type and cannot be used all the same, and why; or None."""
    ragged = found.ragged()
    reason = f"its lists do not all have {found.slots} price types, as `current` has - at `$.{ragged}`"
    return None if ragged is None else (ragged, reason)


def product_misfit(found: Product) -> tuple[str, str] | None:
    """The same of a product."""
    reason = prices.fault(found.csv)
    return None if reason is None else ("csv", reason)


def asin_of(raw: msgspec.Raw) -> str | None:
    """The ASIN in bytes of which nothing else need be usable, or None."""
    try:
        return _NAMED.decode(raw).asin
    except UNREADABLE:
        pass
    try:
        return _NAMED.decode(lenient.mended(scanner.fields(bytes(raw))[b"asin"])[0].join((b'{"asin":', b"}"))).asin
    except (KeyError, *UNREADABLE):
        return None


def _read(
    decoder: msgspec.json.Decoder[_T],
    kind: type[_T],
    misfit: Callable[[_T], tuple[str, str] | None],
    raw: msgspec.Raw,
) -> tuple[_T, list[str]]:
    notes: list[str] = []
    data = clean = bytes(raw)
    if lenient.has_nul(data) and (clean := lenient.without_nul(data)) != data:
        notes.append(lenient.NUL)
    try:
        found = decoder.decode(clean)
        if misfit(found) is None:
            return found, notes
    except UNREADABLE:
        pass
    fields = take_fields_apart(msgspec.Raw(clean), notes)
    extra = fit_fields(kind, fields, notes)
    found = _made(decoder, fields, extra)
    while (wrong := misfit(found)) is not None:
        name, reason = wrong
        if FIELDS[kind][name].is_needed:
            raise msgspec.ValidationError(reason)
        notes.append(f"{name}: {reason}")
        extra[name] = received(fields.pop(name))
        found = _made(decoder, fields, extra)
    return found, notes


def _made(decoder: msgspec.json.Decoder[_T], fields: dict[str, msgspec.Raw], extra: dict[str, Any]) -> _T:
    """The item of fields that fit.

    Raises:
        msgspec.ValidationError: one that is needed does not, or is not there; the message names it.
    """
    return decoder.decode(msgspec.json.encode(fields | {EXTRA: extra} if extra else fields))
