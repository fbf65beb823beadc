"""A body no parser reads as a whole, taken apart by its bytes: its items one by one, and the fields around them. Pure.

Whatever is spoilt inside an item ends with that item: the next one begins where an object begins that has an item's
fields. What lies between two items that are found, and is none, is kept as one stretch. The envelope's fields stand
before the list of items or after it, so they are looked for there alone: a title may say anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from tasks.keepa.deal import Deal
from tasks.keepa.decode import fields, scanner
from tasks.keepa.decode.item import ItemFault
from tasks.keepa.product import Product

LOST_CUT: Final = "it is unclear where one item ends and the next begins"
CUT_OFF: Final = "the body ends in the middle of its list"

HEAD: Final = (
    *("timestamp", "tokensLeft", "tokensConsumed", "refillIn", "refillRate"),
    *("tokenFlowReduction", "processingTimeInMs", "error"),
)
_AFTER_LIST: Final = (*HEAD, "drDateIndex", "categoryIds", "categoryNames", "categoryCount", "dealsCached")

# The list's own name, its items, and how many fields of an item an object must have to be taken for one. The parts of
# an item have no ASIN and fewer; those that have one (`variations`) have nothing else of an item.
_LISTS: Final[dict[str, tuple[bytes, type[Deal | Product]]]] = {
    "/deal": (b"dr", Deal),
    "/product": (b"products", Product),
}
_AROUND: Final = {Deal: ("object", "object", "list"), Product: ("object", "list")}  # how deep in the body the list lies
_WITH_ASIN: Final = 3
_WITHOUT_ASIN: Final = 6
_OBJECT: Final = re.compile(rb'\{[ \t\r\n]*"')
# The list's end and what follows it.
_CLOSE: Final = rb"\][ \t\r\n]*(?:\}[ \t\r\n]*)?"
_KNOWN_END: Final = re.compile(_CLOSE + rb',[ \t\r\n]*"(?:%b)"[ \t\r\n]*:' % "|".join(_AFTER_LIST).encode())
_ANY_END: Final = re.compile(_CLOSE + rb"[,}]")
_GOES_ON: Final = re.compile(rb"[\]} \t\r\n]*,")  # then a list that seemed to end was one inside an item
_ASIN: Final = re.compile(rb'"asin"[ \t\r\n]*:[ \t\r\n]*"([0-9A-Z]{10})"')
MOST_ITEMS: Final = 150_000  # of a list; a request is for a hundred products or one page, and answers hold as many
_MOST_READ: Final = 4  # times its own length that a body may be read in vain; no input makes it a matter of hours


@dataclass(slots=True)
class Frame:
    """What is found of a body.

    Attributes:
        items: the bytes of each item that has a beginning and an end.
        faults: stretches in which items lie that have none.
        around: the body without its list.
        has_list: whether there is a list at all.
        is_whole: whether the list ends: the body was not cut off in its middle.
    """

    items: list[bytes] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    around: tuple[bytes, ...] = ()
    has_list: bool = False
    is_whole: bool = False

    def value(self, name: str) -> bytes:
        """The value of a field around the list; of two the later; empty when there is none."""
        found = b""
        names = re.compile(rb'(?<!\\)"%b"[ \t\r\n]*:' % name.encode())
        for part in self.around:
            budget, at = _MOST_READ * len(part), 0
            while budget >= 0 and (match := names.search(part, at)) is not None:
                at = scanner.blank(part, match.end())
                try:
                    stop = scanner.end(part, at)
                except scanner.Lost as lost:
                    budget -= lost.at - at
                else:
                    found, at = part[at:stop], stop
        return found


def take_apart(body: bytes, endpoint: str = "") -> Frame:
    """The frame of a body of `endpoint`, or of any when that is not known."""
    for name, kind in [_LISTS[endpoint]] if endpoint in _LISTS else _LISTS.values():
        begins = re.search(rb'(?<!\\)"%b"[ \t\r\n]*:[ \t\r\n]*\[' % name, body)
        if begins is not None:
            return _Splitter(body, kind).split(begins.end())
    return Frame(around=(body,))


class _Splitter:
    """Finds the items of one body."""

    def __init__(self, body: bytes, kind: type[Deal | Product]) -> None:
        self._body = body
        self._kind = kind
        self._budget = _MOST_READ * len(body)

    def split(self, begins: int) -> Frame:
        """The frame, given where the list's first item would begin."""
        body = self._body
        frame = Frame(has_list=True)
        at = scanner.blank(body, begins)
        while at < len(body) and len(frame.items) + len(frame.faults) <= MOST_ITEMS and not self._ends(at):
            stop = self._item_end(at)
            if stop is not None:
                frame.items.append(body[at:stop])
                at = self._behind(stop)
                continue
            start, at = at, self._recovered(at)
            frame.faults.append(self._stretch(start, at))
        frame.is_whole = at < len(body)
        tail = body[at:] if frame.is_whole or not frame.faults else frame.faults[-1].raw
        frame.around = (body[:begins], tail)
        return frame

    def _recovered(self, at: int) -> int:
        """Where the next item begins after a broken one, or the list ends; the body's end when neither is there."""
        begins = self._next(at + 1)
        if begins is not None:
            return begins
        ending = _KNOWN_END.search(self._body, at + 1)  # not where it was looked for in vain
        return len(self._body) if ending is None else ending.start()

    def _ends(self, at: int) -> bool:
        """Whether the list ends here: its bracket, and behind it sound fields, or a known one and no item any more."""
        if _ANY_END.match(self._body, at) is None:
            return False
        is_known = _KNOWN_END.match(self._body, at) is not None
        if self._budget <= 0:
            return is_known
        try:
            stop = scanner.closing(self._body, at, _AROUND[self._kind])
        except scanner.Lost as lost:
            self._budget -= lost.at - at
            return is_known and self._next(at, is_followed=False) is None
        self._budget -= stop - at
        # What somebody has put behind the whole body is no part of it; what goes on with it is.
        return _GOES_ON.match(self._body, stop) is None

    def _item_end(self, at: int) -> int | None:
        """Where the element ends that begins here, provided that another follows, or the list's end; else None."""
        if self._budget <= 0:
            return None
        try:
            stop = scanner.end(self._body, at)
        except scanner.Lost as lost:
            self._budget -= lost.at - at
            return None
        if self._is_followed(stop):
            return stop
        self._budget -= stop - at
        return None

    def _behind(self, stop: int) -> int:
        """Where the next element begins, or the list's end is, after one that ended at `stop`."""
        at = scanner.blank(self._body, stop)
        return scanner.blank(self._body, at + 1) if self._body[at : at + 1] == b"," else at

    def _next(self, at: int, *, is_followed: bool = True) -> int | None:
        """Where the next item begins, None when none does; one of which another or the list's end follows, if asked."""
        while self._budget > 0 and (match := _OBJECT.search(self._body, at)) is not None:
            start = match.start()
            try:
                names, stop = scanner.names(self._body, start)
            except scanner.Lost as lost:
                self._budget -= lost.at - start
                at = start + 1
                continue
            known = {name.decode(errors="replace") for name in names} & fields.known_names(self._kind)
            is_item = len(known) >= (_WITH_ASIN if "asin" in known else _WITHOUT_ASIN)
            if is_item and (not is_followed or self._is_followed(stop)):
                return start
            if is_item:
                self._budget -= stop - start  # what is in it is read once more
            at = start + 1 if is_item else stop
        return None

    def _is_followed(self, stop: int) -> bool:
        behind = scanner.blank(self._body, stop)
        return self._body[behind : behind + 1] == b"," or self._ends(behind)

    def _stretch(self, start: int, stop: int) -> ItemFault:
        raw = self._body[start:stop].rstrip(b", \t\r\n")
        asin = _ASIN.search(raw)
        return ItemFault(
            asin=None if asin is None else asin.group(1).decode(),
            reason=CUT_OFF if stop == len(self._body) else LOST_CUT,
            raw=raw,
            is_stretch=True,
        )
