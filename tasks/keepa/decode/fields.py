"""The fields of an object taken apart: what fits stays, everything else goes to `extra` and is noted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tasks.keepa.deal import Deal
from tasks.keepa.decode import lenient, scanner
from tasks.keepa.decode.lenient import UNREADABLE
from tasks.keepa.product import CategoryNode, FbaFees, Offer, Product, Reviews
from tasks.keepa.product_stats import Stats

Kind = type[Deal | Product | Stats | Offer | FbaFees | Reviews | CategoryNode]
RawObject = dict[str, msgspec.Raw]

EXTRA: Final = "$extra"
_SPARE_DEPTH: Final = 100  # what is kept will be encoded, stored and read again from deeper in a program than here

OBJECT: Final = msgspec.json.Decoder(RawObject)
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ANYTHING: Final = msgspec.json.Decoder()
# By name, what else holds fields of its own: an object, or a list of them.
PARTS: Final[dict[str, Kind]] = {
    "stats": Stats,
    "fbaFees": FbaFees,
    "reviews": Reviews,
    "offers": Offer,
    "categoryTree": CategoryNode,
}
ALL_PARTS: Final = tuple(PARTS)


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is read by itself; `is_needed`: the object is nothing without it."""

    type: Any
    decoder: msgspec.json.Decoder[Any]
    is_needed: bool


def _fields(kind: Kind) -> dict[str, _Field]:
    return {
        field.encode_name: _Field(field.type, msgspec.json.Decoder(field.type), field.required)
        for field in msgspec.structs.fields(kind)
        if field.encode_name != EXTRA
    }


FIELDS: Final[dict[Kind, dict[str, _Field]]] = {kind: _fields(kind) for kind in (Deal, Product, *PARTS.values())}


def list_of(raw: bytes) -> list[Any]:
    """Return the elements of a list, however odd; none of anything else."""
    value = received(msgspec.Raw(raw))
    return value if isinstance(value, list) else []


def known_names(kind: type[Deal | Product]) -> frozenset[str]:
    """Name all fields that such an item may have."""
    return frozenset(FIELDS[kind])


def take_fields_apart(raw: msgspec.Raw, notes: list[str]) -> RawObject:
    """The fields of an object, however odd their values are.

    Raises:
        ValueError: it is not an object, or it is unclear where its fields end.
    """
    try:
        return OBJECT.decode(raw)
    except msgspec.ValidationError:
        raise  # it is something else, and whole
    except UNREADABLE as error:
        notes.append(str(error).partition(" (byte")[0])
    return {_text(name): msgspec.Raw(value) for name, value in scanner.fields(bytes(raw)).items()}


def fit_fields(kind: Kind, fields: RawObject, notes: list[str], where: str = "") -> dict[str, Any]:
    """Take out of `fields` what is not known, or optional and does not fit: its values as received, by name.

    What fits once it is read leniently is put in the place of what was there. What is needed and does not fit stays.
    """
    known = FIELDS[kind]
    extra = _former(fields)
    for name, raw in list(fields.items()):
        if name not in known:
            extra[name] = received(fields.pop(name))
            continue
        try:
            fields[name] = _fitting(known[name], name, raw, notes, where)
        except UNREADABLE as error:
            if not known[name].is_needed:
                notes.append(f"{where}{name}: {_short(error)}")
                extra[name] = received(fields.pop(name))
    return extra


def _former(fields: RawObject) -> dict[str, Any]:
    """Return what went into `extra` when the item was read before, if it was."""
    raw = fields.pop(EXTRA, None)
    value = {} if raw is None else received(raw)
    return value if isinstance(value, dict) else {EXTRA: value}


def _fitting(known: _Field, name: str, raw: msgspec.Raw, notes: list[str], where: str) -> msgspec.Raw:
    """Return the field's value, of its type.

    Raises:
        ValueError: it does not fit its type; or another of `UNREADABLE`.
    """
    if name in PARTS:
        raw = _part(PARTS[name], raw, notes, f"{where}{name}.")
    try:
        known.decoder.decode(raw)
    except UNREADABLE:
        value, faults = lenient.mended(bytes(raw))
        if known.is_needed:  # 12.0 for 12 must not cost the item
            value = msgspec.json.encode(msgspec.convert(_ANYTHING.decode(value), known.type, strict=False))
        known.decoder.decode(value)
        notes.extend(f"{where}{name}: {one}" for one in sorted(faults or {"a number in another form"}))
        return msgspec.Raw(value)
    return raw


def _part(kind: Kind, raw: msgspec.Raw, notes: list[str], where: str) -> msgspec.Raw:
    """An object or a list of objects, in each of which what does not fit is in its own `extra`; null as it is.

    Raises:
        ValueError: it is something else.
    """
    data = bytes(raw).strip()
    if data == b"null":
        return raw
    if data.startswith(b"{"):
        return _part_object(kind, raw, notes, where)
    return msgspec.Raw(msgspec.json.encode([_part_object(kind, one, notes, where) for one in _elements(raw)]))


def _part_object(kind: Kind, raw: msgspec.Raw, notes: list[str], where: str) -> msgspec.Raw:
    fields = take_fields_apart(raw, notes)
    extra = fit_fields(kind, fields, notes, where)
    return msgspec.Raw(msgspec.json.encode(fields | {EXTRA: extra} if extra else fields))


def _elements(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return _LIST.decode(raw)
    except msgspec.ValidationError:
        raise
    except UNREADABLE:
        return [msgspec.Raw(one) for one in scanner.elements(bytes(raw))]


def received(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - whatever was received
    """The value, or its text when no reader makes a value of it, or one so deep that others would not read it again."""
    data = bytes(raw)
    try:
        return _shallow(data)
    except UNREADABLE:
        pass
    try:
        return _shallow(lenient.mended(data)[0])
    except UNREADABLE:
        return _printable(data)


def _shallow(data: bytes) -> Any:  # noqa: ANN401 - whatever was received
    """The value.

    Raises:
        RecursionError: readers with a limit to their depth are about to reach it; or another of `UNREADABLE`.
    """
    if data.count(b"[") + data.count(b"{") < _SPARE_DEPTH:
        return _ANYTHING.decode(data)
    value = _ANYTHING.decode(b"[" * _SPARE_DEPTH + data + b"]" * _SPARE_DEPTH)
    for _ in range(_SPARE_DEPTH):
        (value,) = value
    return value


def _text(name: bytes) -> str:
    """A field's name, from the text between its quotes."""
    value = received(msgspec.Raw(b'"%b"' % name))
    return value if isinstance(value, str) else _printable(name)


def _printable(raw: bytes) -> str:
    return raw.decode(errors="replace").replace("\0", "\ufffd")


def _short(error: BaseException) -> str:
    """Return the reason without the place in a list, so that it is the same in every item of a kind."""
    return str(error).partition(" - at ")[0].partition(": line ")[0].partition(" (byte")[0]
