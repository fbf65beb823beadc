"""The fields of an item that this build does not know, put aside by name: the rest is read strictly, in one go. Pure.

The server learns new fields, and then all items have them. So an item in which nothing else is odd must not be taken
apart field by field: only its names are looked at, which takes a third of the time of reading it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tasks.keepa.decode.fields import EXTRA, FIELDS, OBJECT, PARTS, received

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.keepa.decode.fields import Kind, RawObject

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def put_aside(kind: Kind, fields: RawObject) -> bool:
    """Move the fields that an object of that kind does not have into its `extra`; whether there were any.

    Raises:
        ValueError: there is an `extra` already, so it was read before.
    """
    unknown = fields.keys() - FIELDS[kind].keys()
    if not unknown:
        return False
    if EXTRA in unknown:
        raise ValueError("the object has a field `extra` already, so it was read before")
    fields[EXTRA] = msgspec.Raw(msgspec.json.encode({name: received(fields.pop(name)) for name in sorted(unknown)}))
    return True


def put_aside_in(fields: RawObject, parts: Iterable[str]) -> list[str]:
    """Do the same in these parts of an item; which of them had any.

    Raises:
        ValueError: a part is something else than it should be; or another of `lenient.UNREADABLE`.
    """
    had = []
    for name in parts:
        known = _part(PARTS[name], bytes(fields[name])) if name in fields else None
        if known is not None:
            fields[name] = msgspec.Raw(known)
            had.append(name)
    return had


def _part(kind: Kind, raw: bytes) -> bytes | None:
    """Return a part, an object or a list of objects, with its unknown fields aside; None when it has none."""
    if raw == b"null":
        return None
    if raw.startswith(b"{"):
        fields = OBJECT.decode(raw)
        return msgspec.json.encode(fields) if put_aside(kind, fields) else None
    elements = _LIST.decode(raw)
    changed = False
    for at, element in enumerate(elements):
        fields = OBJECT.decode(element)
        if put_aside(kind, fields):
            elements[at] = msgspec.Raw(msgspec.json.encode(fields))
            changed = True
    return msgspec.json.encode(elements) if changed else None
