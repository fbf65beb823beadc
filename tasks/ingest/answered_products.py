"""Pure: which of the products asked for a reply answers, when some of it could not be read or was not asked for.

The server sends one object for each ASIN asked. So what came in the place of one is its answer, readable or not, and
asking again would pay for the same: bytes that no product could be made of, and an ASIN that was hit itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tasks.keepa.decode.item import ItemFault

GARBLED_CHARS: Final = 2  # an ASIN that differs in no more from one asked for, and from none that came, is that one
_LENGTH: Final = 10
_ASIN_VALUE: Final = re.compile(rb'"asin"[ \t\r\n]*:[ \t\r\n]*"(.{10})"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class AnsweredProducts:
    """What a reply holds of what was asked.

    Attributes:
        asins: those it answers, whether or not the answer could be read.
        faults: what could not be read, with the ASIN it answers where that is known by now.
        unasked: those that came and were not asked for.
    """

    asins: set[str]
    faults: list[ItemFault] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


def answered_products(
    asked: Collection[str], found: Iterable[str], faults: Sequence[ItemFault], strangers: Sequence[ItemFault] = ()
) -> AnsweredProducts:
    """Find out which of `asked` the reply answers.

    Args:
        asked: the ASINs that were asked for.
        found: the ASINs of the products that could be read.
        faults: what could not be read.
        strangers: readable products whose ASIN was not asked for, with their bytes.
    """
    missing = set(asked) - set(found)
    missing -= {fault.asin for fault in faults if fault.asin is not None}
    named: list[ItemFault] = []
    nameless: list[ItemFault] = []
    for fault in faults:
        inside = [asin for asin in asked if asin in missing and asin.encode() in fault.raw]
        if fault.asin in asked:
            named.append(fault)
            missing -= set(inside) if fault.is_stretch else set()
        elif inside:
            named.append(replace(fault, asin=inside[0]))
            missing -= set(inside if fault.is_stretch else inside[:1])
        else:
            nameless.append(fault)
    unasked: list[str] = []
    named += [_named(fault, missing) or fault for fault in nameless]
    for fault in strangers:
        # One that came beside all that was asked for, or among more than that, is no answer to anything.
        own = _named(fault, missing) if len(strangers) <= len(asked) else None
        if own is None:
            unasked.append(fault.asin or "")
        else:
            named.append(own)
    # What has no name at all answers whatever is left, if there is enough of it.
    if len(missing) <= sum(fault.asin not in asked for fault in named):
        missing = set()
    return AnsweredProducts(asins=set(asked) - missing, faults=named, unasked=unasked)


def _named(fault: ItemFault, missing: set[str]) -> ItemFault | None:
    """The fault under the ASIN it answers, which is no longer missing; None when that is not known."""
    asin = _alike(fault, missing)
    if asin is None:
        return None
    missing.discard(asin)
    return replace(fault, asin=asin)


def _alike(fault: ItemFault, missing: Collection[str]) -> str | None:
    """The missing ASIN that the fault's own was before it was hit; None when it is like none, or like several."""
    value = _ASIN_VALUE.search(fault.raw)
    garbled = value.group(1) if value is not None else (fault.asin or "").encode()
    near = [asin for asin in missing if _distance(asin.encode(), garbled) <= GARBLED_CHARS]
    return near[0] if len(near) == 1 else None


def _distance(one: bytes, other: bytes) -> int:
    if len(other) != _LENGTH:
        return _LENGTH
    return sum(first != second for first, second in zip(one, other, strict=False))
