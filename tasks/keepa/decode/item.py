"""One item of a body: a deal or a product as a typed value, with all that is in it kept. Pure.

The types forbid unknown fields, for that costs nothing where there are none. Of an item that is refused the unknown
fields are put aside, then those of its parts, and what is left is read in one go again; the next items of the body are
read at once in the way that was needed. An item that is refused all the same is taken apart, field by field: what is
optional and not of its type goes to `extra` too, each in its place, and values that the strict reader refuses are read
leniently. Only an item that lacks what it is nothing without is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from tasks.keepa import product_histories
from tasks.keepa.deal import Deal
from tasks.keepa.decode import lenient, scanner, unknown_fields
from tasks.keepa.decode.fields import ALL_PARTS, EXTRA, FIELDS, OBJECT, fit_fields, received, take_fields_apart
from tasks.keepa.decode.lenient import UNREADABLE
from tasks.keepa.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tasks.keepa.decode.fields import RawObject

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
class OddItem:
    """An item that is used although something in it is not as it should be: what, by field, and its bytes."""

    asin: str
    notes: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Items(Generic[_T]):
    """What became of some items' bytes."""

    found: list[_T] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    odd: list[OddItem] = field(default_factory=list)


def each(raws: Iterable[msgspec.Raw], reader: Reader[_T]) -> Items[_T]:
    """The items that `reader` makes of these bytes, and those it makes none of."""
    items: Items[_T] = Items()
    for raw in raws:
        try:
            item, notes = reader.read(raw)
        except UNREADABLE as error:
            items.faults.append(ItemFault(asin=asin_of(raw), reason=str(error), raw=bytes(raw)))
            continue
        items.found.append(item)
        if notes:
            items.odd.append(OddItem(asin=item.asin, notes=tuple(notes), raw=bytes(raw)))
    return items


def deals() -> Reader[Deal]:
    """Return a reader of the deals of one body."""
    return Reader(_DEAL, Deal, deal_misfit)


def products() -> Reader[Product]:
    """Return a reader of the products of one body."""
    return Reader(_PRODUCT, Product, product_histories.misfit)


def deal_misfit(found: Deal) -> tuple[str, str] | None:
    """The field of a deal that is of its type and cannot be used all the same, and why; or None."""
    ragged = found.ragged()
    reason = f"its lists do not all have {found.slots} price types, as `current` has - at `$.{ragged}`"
    return None if ragged is None else (ragged, reason)


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


class Reader(Generic[_T]):
    """Reads the items of one body, whose unknown fields are mostly the same in all of them."""

    def __init__(
        self,
        decoder: msgspec.json.Decoder[_T],
        kind: type[_T],
        misfit: Callable[[_T], tuple[str, str] | None],
    ) -> None:
        self._decoder: msgspec.json.Decoder[_T] = decoder
        self._kind: type[_T] = kind
        self._misfit: Callable[[_T], tuple[str, str] | None] = misfit
        # In which parts of an item unknown fields were found so far; None when there were none in the items either.
        self._parts: tuple[str, ...] | None = None

    def read(self, raw: msgspec.Raw) -> tuple[_T, list[str]]:
        """The item in these bytes, and what in them is not as it should be.

        Raises:
            ValueError: it is none.
        """
        notes: list[str] = []
        data = clean = bytes(raw)
        if lenient.has_nul(data) and (clean := lenient.without_nul(data)) != data:
            notes.append(lenient.NUL)
        found = self._at_once(clean)
        return (self._apart(clean, notes) if found is None else found), notes

    def _at_once(self, data: bytes) -> _T | None:
        """The item; None when anything in it is odd but fields that are unknown.

        What costs less is tried first: as it is, without the unknown fields of its own and of the parts in which there
        were some before, without those of all its parts.
        """
        if self._parts is None:
            found = self._decoded(data)
            if found is not None:
                return found
        try:
            return self._without_unknown(OBJECT.decode(data))
        except UNREADABLE:
            return None

    def _without_unknown(self, fields: RawObject) -> _T | None:
        """The item of these fields, read strictly.

        Raises:
            ValueError: it has parts that are something else; or another of `UNREADABLE`.
        """
        before: tuple[str, ...] = self._parts or ()
        is_changed = bool(unknown_fields.put_aside_in(fields, before))
        is_changed |= unknown_fields.put_aside(self._kind, fields)
        if is_changed or self._parts is not None:
            found = self._decoded(msgspec.json.encode(fields))
            if found is not None:
                self._parts = before
                return found
        more: list[str] = unknown_fields.put_aside_in(fields, [name for name in ALL_PARTS if name not in before])
        found = self._decoded(msgspec.json.encode(fields)) if more else None
        if found is not None:
            self._parts = (*before, *more)
        return found

    def _decoded(self, data: bytes) -> _T | None:
        try:
            found = self._decoder.decode(data)
        except UNREADABLE:
            return None
        return found if self._misfit(found) is None else None

    def _apart(self, data: bytes, notes: list[str]) -> _T:
        """The item, put together from those of its fields that fit.

        Raises:
            ValueError: it is none.
        """
        fields = take_fields_apart(msgspec.Raw(data), notes)
        extra = fit_fields(self._kind, fields, notes)
        found = _made(self._decoder, fields, extra)
        while (wrong := self._misfit(found)) is not None:
            name, reason = wrong
            if FIELDS[self._kind][name].is_needed:
                raise msgspec.ValidationError(reason)
            notes.append(f"{name}: {reason}")
            extra[name] = received(fields.pop(name))
            found = _made(self._decoder, fields, extra)
        return found


def _made(decoder: msgspec.json.Decoder[_T], fields: dict[str, msgspec.Raw], extra: dict[str, Any]) -> _T:
    """The item of fields that fit.

    Raises:
        msgspec.ValidationError: one that is needed does not, or is not there; the message names it.
    """
    return decoder.decode(msgspec.json.encode(fields | {EXTRA: extra} if extra else fields))
