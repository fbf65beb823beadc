"""A book as one string of bytes, for a home that keeps it whole: the entries in use alone, with a head that says how.

The head has the number of a format and the checksum of its layout. A build reads and writes its own format and those
before it that it knows (`FORMATS`), so that builds of two versions share a book as long as each writes what all read.
Pure.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ledger.errors import Damaged, OtherFormat
from ledger.model.book import BOOK_BYTES, LAYOUT, SHAPES_AT, TIER_BYTES, TIERS_AT, Book
from ledger.storage.checksum import counts_fit, parts

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEAD: Final = struct.Struct("<III")  # format, layout, checksum
_FIRST: Final = 4  # the book's own place for its checksum is not among the parts
_HEAD_BYTES: Final = TIERS_AT - _FIRST  # of the book's body: all that is in no list


class Format(Protocol):
    """How the body of a book, which is what follows its head, is written and read.

    Attributes:
        number: counts the formats.
        layout: a checksum of what the body holds, which no other format has.
    """

    @property
    def number(self) -> int: ...  # noqa: D102 - above

    @property
    def layout(self) -> int: ...  # noqa: D102

    def write(self, raw: memoryview, book: Book) -> bytes:
        """The body of `book`, which lies in `raw`; what the format has no place for is left out."""
        ...

    def read(self, body: bytes, raw: memoryview) -> None:
        """Write the book with that body into `raw`; what the format knows nothing of is as in a fresh book.

        Raises:
            Damaged: the body is not as long as its lists say.
        """
        ...


@dataclass(frozen=True, slots=True)
class AsInMemory:
    """A format whose body is the bytes in use of this build's `Book`."""

    number: int
    layout: int

    def write(self, raw: memoryview, book: Book) -> bytes:
        """The bytes in use."""
        return b"".join(raw[begin:end] for begin, end in parts(book))

    def read(self, body: bytes, raw: memoryview) -> None:
        """Put them where they were; entries that are not in use are left alone.

        Raises:
            Damaged: there are not as many as the lists say.
        """
        if len(body) < _HEAD_BYTES:
            raise _too_short(len(body))
        raw[_FIRST:TIERS_AT] = body[:_HEAD_BYTES]
        book, at = Book.from_buffer(raw), 0
        if not counts_fit(book) or len(body) != sum(end - begin for begin, end in parts(book)):
            raise Damaged("the book is not as long as its lists say: begin the ledger anew")
        for begin, end in parts(book):
            raw[begin:end] = body[at : at + end - begin]
            at += end - begin


@dataclass(frozen=True, slots=True)
class WithoutBudgets:
    """A format of before tiers had budgets and hours. What is of those stands at the end of the head and of each tier.

    Attributes:
        number, layout: see `Format`.
    """

    number: int
    layout: int

    def write(self, raw: memoryview, book: Book) -> bytes:
        """The bytes in use, less what is of budgets and hours."""
        return b"".join(raw[begin:end] for begin, end in _without_budgets(book))

    def read(self, body: bytes, raw: memoryview) -> None:
        """Put them where they are today; no tier has a budget or hours.

        Raises:
            Damaged: there are not as many as the lists say.
        """
        begin_of_head, end_of_head = _OLD_HEAD
        if len(body) < end_of_head - begin_of_head:
            raise _too_short(len(body))
        raw[begin_of_head:end_of_head] = body[: end_of_head - begin_of_head]
        raw[end_of_head:SHAPES_AT] = bytes(SHAPES_AT - end_of_head)
        book, at = Book.from_buffer(raw), 0
        if not counts_fit(book) or len(body) != sum(end - begin for begin, end in _without_budgets(book)):
            raise Damaged("the book is not as long as its lists say: begin the ledger anew")
        for begin, end in _without_budgets(book):
            raw[begin:end] = body[at : at + end - begin]
            at += end - begin


_OLD_HEAD: Final = (_FIRST, TIERS_AT - 16)
_OLD_TIER_BYTES: Final = TIER_BYTES - 40


def _without_budgets(book: Book) -> list[tuple[int, int]]:
    """Where the bytes in use begin and end that the format of before has."""
    begins = [TIERS_AT + tier * TIER_BYTES for tier in range(book.tier_count)]
    return [_OLD_HEAD, *((begin, begin + _OLD_TIER_BYTES) for begin in begins), *parts(book)[1:]]


FORMAT: Final = 3
# Formats 1 and 2 have the same body: the checksum of the first's layout was taken from names of classes and modules.
_KNOWN: Final[tuple[Format, ...]] = (
    WithoutBudgets(1, 0x56E60F6A),
    WithoutBudgets(2, 0x41302B45),
    AsInMemory(FORMAT, LAYOUT),
)
FORMATS: Final[Mapping[int, Format]] = {known.number: known for known in _KNOWN}


def pack(raw: memoryview, book: Book, known: Format = FORMATS[FORMAT]) -> bytes:
    """The bytes of `book`, which lies in `raw`, in that format."""
    body = known.write(raw, book)
    return _HEAD.pack(known.number, known.layout, zlib.crc32(body)) + body


def unpack(data: bytes, raw: memoryview, formats: Mapping[int, Format] = FORMATS) -> int:
    """Write the book that was packed into `raw`, which has `BOOK_BYTES`; the number of the format it had.

    Raises:
        OtherFormat: it has none of `formats`.
        Damaged: it is not whole.
    """
    if len(data) < _HEAD.size:
        raise _too_short(len(data))
    number, layout, crc = map(int, _HEAD.unpack_from(data))
    known = formats.get(number)
    if known is None or known.layout != layout:
        raise OtherFormat(
            f"the book has format {number}, layout {layout:08x}; this build reads "
            + ", ".join(f"format {one.number}, layout {one.layout:08x}" for one in formats.values()),
            number,
        )
    body = data[_HEAD.size :]
    if zlib.crc32(body) != crc:
        raise Damaged("the checksum of the book is wrong: begin the ledger anew")
    known.read(body, raw)
    return number


def fresh(known: Format = FORMATS[FORMAT]) -> bytes:
    """The bytes of a book in which nothing has happened."""
    raw = bytearray(BOOK_BYTES)
    book = Book.from_buffer(raw)
    book.sequence = book.next_id = 1
    return pack(memoryview(raw), book, known)


def _too_short(size: int) -> Damaged:
    return Damaged(f"the book has {size} bytes, which are too few: begin the ledger anew")
