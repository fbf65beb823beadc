"""A book as one string of bytes, for a home that keeps it whole: the entries in use alone, with a head that says how.

The head has the layout of this build, so that a build of another layout refuses the bytes. Pure.
"""

from __future__ import annotations

import struct
from typing import Final

from ledger.errors import Damaged, OtherFormat
from ledger.model.book import BOOK_BYTES, LAYOUT, TIERS_AT, Book
from ledger.storage.checksum import checksum, counts_fit, parts

FORMAT: Final = 2
_ALIKE: Final = {(1, 0x56E60F6A)}  # other heads of the same bytes: layouts were once told by another sum
_HEAD: Final = struct.Struct("<III")  # format, layout, checksum
_FIRST: Final = 4  # the book's own place for its checksum is not among the parts


def pack(raw: memoryview, book: Book) -> bytes:
    """The bytes of `book`, which lies in `raw`."""
    head = _HEAD.pack(FORMAT, LAYOUT, checksum(raw, book))
    return head + b"".join(raw[begin:end] for begin, end in parts(book))


def unpack(data: bytes, raw: memoryview) -> None:
    """Write the book that was packed into `raw`, which has `BOOK_BYTES`; entries that are not in use are left alone.

    Raises:
        OtherFormat: another build packed it.
        Damaged: it is not whole.
    """
    if len(data) < _HEAD.size:
        raise Damaged(f"the book has {len(data)} bytes, which are too few: begin the ledger anew")
    found, layout, crc = _HEAD.unpack_from(data)
    if (found, layout) != (FORMAT, LAYOUT) and (found, layout) not in _ALIKE:
        raise OtherFormat(
            f"the book has format {found}, layout {layout:08x}; this build reads format {FORMAT}, layout {LAYOUT:08x}",
            found,
        )
    fixed = _HEAD.size + TIERS_AT - _FIRST
    if len(data) < fixed:
        raise Damaged(f"the book has {len(data)} bytes, which are too few: begin the ledger anew")
    raw[_FIRST:TIERS_AT] = data[_HEAD.size : fixed]
    book = Book.from_buffer(raw)
    at = _HEAD.size
    if not counts_fit(book) or len(data) != at + sum(end - begin for begin, end in parts(book)):
        raise Damaged("the book is not as long as its lists say: begin the ledger anew")
    for begin, end in parts(book):
        raw[begin:end] = data[at : at + end - begin]
        at += end - begin
    if checksum(raw, book) != crc:
        raise Damaged("the checksum of the book is wrong: begin the ledger anew")


def fresh() -> bytes:
    """The bytes of a book in which nothing has happened."""
    raw = bytearray(BOOK_BYTES)
    book = Book.from_buffer(raw)
    book.sequence = book.next_id = 1
    return pack(memoryview(raw), book)
