"""One item of a body: a deal or a product as a typed value, with the fields nobody knows kept. Pure.

The types forbid unknown fields, for that costs nothing where there are none, and the server seldom learns a new one.
An item that is refused is taken apart: what is unknown in it, or in a part of it, is put aside, the rest is read
again, and what was put aside ends up in `extra`, each in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from tasks.keepa import prices
from tasks.keepa.deal import Deal
from tasks.keepa.product import CategoryNode, FbaFees, Offer, Product
from tasks.keepa.product_stats import Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_T = TypeVar("_T", Deal, Product)
_Open = Deal | Product | Stats | Offer | FbaFees | CategoryNode
_RawObject = dict[str, msgspec.Raw]
_Extra = dict[str, Any] | None


class _Named(msgspec.Struct):
    asin: str | None = None


_NAMED: Final = msgspec.json.Decoder(_Named)
_DEAL: Final = msgspec.json.Decoder(Deal)
_PRODUCT: Final = msgspec.json.Decoder(Product)
_OBJECT: Final = msgspec.json.Decoder(_RawObject)
_OBJECTS: Final = msgspec.json.Decoder(list[_RawObject] | _RawObject)
_ANYTHING: Final = msgspec.json.Decoder()
# By name, what else holds fields of its own: an object, or a list of them.
_PARTS: Final[dict[str, type[_Open]]] = {
    "stats": Stats,
    "fbaFees": FbaFees,
    "offers": Offer,
    "categoryTree": CategoryNode,
}


def _known(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))


_KNOWN: Final = {kind: _known(kind) for kind in (Deal, Product, *_PARTS.values())}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFault:
    """An item of a good body that could not be read: `asin` when at least that could, and its bytes as received."""

    asin: str | None
    reason: str
    raw: bytes


def each(raws: Iterable[msgspec.Raw], read: Callable[[msgspec.Raw], _T]) -> tuple[list[_T], list[ItemFault]]:
    """The items that `read` makes of these bytes, and those it makes none of."""
    found: list[_T] = []
    faults: list[ItemFault] = []
    for raw in raws:
        try:
            found.append(read(raw))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            faults.append(ItemFault(asin=asin_of(raw), reason=str(error), raw=bytes(raw)))
    return found, faults


def deal(raw: msgspec.Raw) -> Deal:
    """The deal in these bytes.

    Raises:
        msgspec.DecodeError: it is none; and `UnicodeDecodeError` for bytes that are no text.
    """
    found = _read(_DEAL, Deal, raw)
    if (reason := deal_fault(found)) is not None:
        raise msgspec.ValidationError(reason)
    return found


def product(raw: msgspec.Raw) -> Product:
    """The product in these bytes.

    Raises:
        msgspec.DecodeError: it is none, or a history in it is cut; and `UnicodeDecodeError` for bytes that are no text.
    """
    found = _read(_PRODUCT, Product, raw)
    if (reason := prices.fault(found.csv)) is not None:
        raise msgspec.ValidationError(reason)
    return found


def deal_fault(found: Deal) -> str | None:
    """Why a deal cannot be used although each field is what it should be, or None."""
    ragged = found.ragged()
    return None if ragged is None else f"not {found.slots} price types throughout, as in `current` - at `$.{ragged}`"


def asin_of(raw: msgspec.Raw) -> str | None:
    """The ASIN in bytes of which nothing else need be usable, or None."""
    try:
        return _NAMED.decode(raw).asin
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _read(decoder: msgspec.json.Decoder[_T], kind: type[_T], raw: msgspec.Raw) -> _T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        return _read_open(decoder, kind, raw)


def _read_open(decoder: msgspec.json.Decoder[_T], kind: type[_T], raw: msgspec.Raw) -> _T:
    """The item without what is unknown, which is put back at the end.

    Raises:
        msgspec.ValidationError: it is wrong in another way; the message names the place.
    """
    fields, extra = _apart(kind, _OBJECT.decode(raw))
    extras: dict[str, list[_Extra]] = {}
    for name in _PARTS.keys() & fields.keys() if kind is Product else ():
        fields[name], extras[name] = _part(_PARTS[name], fields[name])
    found = decoder.decode(msgspec.json.encode(fields))
    _keep(found, extra)
    for name, lost in extras.items():
        for part, part_extra in zip(_in_place(found, name), lost, strict=True):
            _keep(part, part_extra)
    return found


def _apart(kind: type[_Open], fields: _RawObject) -> tuple[_RawObject, _Extra]:
    """The known fields, and the values of the others."""
    known = _KNOWN[kind]
    extra = {name: _ANYTHING.decode(raw) for name, raw in fields.items() if name not in known}
    return {name: raw for name, raw in fields.items() if name in known}, extra or None


def _part(kind: type[_Open], raw: msgspec.Raw) -> tuple[msgspec.Raw, list[_Extra]]:
    """An object or a list of objects without what is unknown, and of each what that was."""
    try:
        rows = _OBJECTS.decode(raw)
    except msgspec.ValidationError:
        return raw, []  # null, or what it must not be, which reading it will tell
    split = [_apart(kind, row) for row in (rows if isinstance(rows, list) else [rows])]
    known = [fields for fields, _ in split]
    return msgspec.Raw(msgspec.json.encode(known if isinstance(rows, list) else known[0])), [
        extra for _, extra in split
    ]


def _in_place(found: Deal | Product, name: str) -> Sequence[_Open]:
    """The parts of an item under their name in JSON; none for null."""
    field = next(field.name for field in msgspec.structs.fields(found) if field.encode_name == name)
    value = getattr(found, field)
    if value is None:
        return ()
    return value if isinstance(value, list) else [value]


def _keep(item: _Open, extra: _Extra) -> None:
    """Frozen is for readers; here the value is still being made."""
    if extra is not None:
        msgspec.structs.force_setattr(item, "extra", extra)
