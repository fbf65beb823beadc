"""The fields of an item that this build does not know, put aside by name: the rest is read strictly, in one go. Pure.

The server learns new fields, and then all items have them. So an item in which nothing else is odd must not be taken
apart field by field: only its names are looked at, which takes a third of the time of reading it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tasks.keepa.decode.fields import EXTRA, FIELDS, OBJECT, PARTS, received

if TYPE_CHECKING:
    from tasks.keepa.decode.fields import Kind, RawObject

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def aside(kind: Kind, raw: bytes, *, with_parts: bool) -> bytes:
    """Return the item with all its unknown fields in `extra`; `with_parts`: those of its parts too, in theirs.

    Raises:
        ValueError: it is no object, or a part of it is something else; or another of `lenient.UNREADABLE`.
    """
    fields = OBJECT.decode(raw)
    changed = False
    for name in PARTS.keys() & fields.keys() if with_parts else ():
        part = fields[name]
        known = _part(PARTS[name], bytes(part))
        if known is not None:
            fields[name] = msgspec.Raw(known)
            changed = True
    if _put_aside(kind, fields) or changed:
        return msgspec.json.encode(fields)
    return raw


def _put_aside(kind: Kind, fields: RawObject) -> bool:
    """Move what is not known into `extra`; whether there was any.

    Raises:
        ValueError: there is an `extra` already, so the item was read before.
    """
    unknown = fields.keys() - FIELDS[kind].keys()
    if not unknown:
        return False
    if EXTRA in unknown:
        raise ValueError("it was read before")
    values = {name: received(fields.pop(name)) for name in list(fields) if name in unknown}
    fields[EXTRA] = msgspec.Raw(msgspec.json.encode(values))
    return True


def _part(kind: Kind, raw: bytes) -> bytes | None:
    """Return a part, an object or a list of objects, with its unknown fields aside; None when it has none."""
    if raw == b"null":
        return None
    if raw.startswith(b"{"):
        fields = OBJECT.decode(raw)
        return msgspec.json.encode(fields) if _put_aside(kind, fields) else None
    elements = _LIST.decode(raw)
    changed = False
    for at, element in enumerate(elements):
        fields = OBJECT.decode(element)
        if _put_aside(kind, fields):
            elements[at] = msgspec.Raw(msgspec.json.encode(fields))
            changed = True
    return msgspec.json.encode(elements) if changed else None
