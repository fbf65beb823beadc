"""Turns a body into text in UTF-8, however it was packed and encoded, by looking at its bytes. Pure.

What a header says of a body is often wrong: a proxy unpacks it and leaves the header, or packs it once more, or writes
UTF-16. JSON text begins with an ASCII character, so what is packed or encoded otherwise is recognised, and a reply that
was paid for is not lost over its wrapping. A body that is not whole, or too large, is not a reply.
"""

from __future__ import annotations

import codecs
import zlib
from typing import Final

MOST_LAYERS: Final = 5  # twice is common, by a server and by a proxy behind it
MOST_MEMBERS: Final = 10_000  # of a gzip file; those who write several put 64 KB and more into each

_GZIP: Final = b"\x1f\x8b"  # RFC 1952, 2.3.1
_ZLIB_WBITS: Final = 15
_GZIP_WBITS: Final = 31
_RAW_WBITS: Final = -15
_ZLIB_METHOD: Final = 0x78  # deflate with a window of 32 KB, the only one in use; RFC 1950, 2.2
_ZLIB_CHECK: Final = 31
_HEAD: Final = 4
_PIECE: Final = 1 << 12
_MOST_PIECE: Final = 1 << 20
_TEXT_STARTS: Final = frozenset(b'{["<-0123456789tfn \t\r\n')  # of JSON and of markup
_CONTROL: Final = frozenset(range(0x20)) - frozenset(b"\t\r\n")  # in packed bytes soon, in text never
_LOOK: Final = 64
_MARKS: Final = (  # the longer ones first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Which of the first four bytes are 0, when the text begins with two ASCII characters.
_ZEROS: Final = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}


class Unpackable(ValueError):
    """The body is cut, damaged or too large; the message says which."""


class TooLarge(Unpackable):
    """The body, packed or unpacked, has more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit / (1 << 20):g} MB (MAX_BODY_MB)")


def unpacked(body: bytes, *, coding: str = "", limit: int) -> bytes:
    """The text, of at most `limit` bytes. `coding` is what the header `Content-Encoding` says, and only a hint.

    Raises:
        Unpackable: there is no such text.
    """
    for _ in range(MOST_LAYERS):
        inner = _layer(body, limit)
        if inner is None:
            break
        body = inner
    else:
        raise Unpackable(f"the body is packed more than {MOST_LAYERS} times over")
    text = _as_utf8(body)
    if len(text) > limit:
        raise TooLarge(limit)
    if coding.strip().lower() not in {"", "identity", "gzip", "x-gzip", "deflate"} and not _is_text(text):
        raise Unpackable(f"the body is packed as {coding[:40]!r}, which was not asked for")
    return text


def is_gzip(body: bytes) -> bool:
    """Whether the body is packed as it is asked for."""
    return body.startswith(_GZIP)


def _layer(body: bytes, limit: int) -> bytes | None:
    """Unpack the outermost layer; None when there is none."""
    if is_gzip(body):
        return _inflated(body, _GZIP_WBITS, limit)[0]
    if _is_text(body) or len(body) < _HEAD:
        return None
    if body[0] == _ZLIB_METHOD and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0:
        return _inflated(body, _ZLIB_WBITS, limit)[0]
    if body.startswith(tuple(mark for mark, _ in _MARKS)) or _without_mark(body) is not None:
        return None
    try:
        inner, end = _inflated(body, _RAW_WBITS, limit)  # what some servers call `deflate`; nothing marks it
    except TooLarge:
        raise
    except Unpackable:
        return None
    # A text with an odd byte near its beginning may unpack to something too, but never to its very end.
    return inner if inner and end == len(body) else None


def _inflated(body: bytes, wbits: int, limit: int) -> tuple[bytes, int]:
    """Unpack the members of the stream, one after the other; also where the last one ends."""
    parts: list[bytes] = []
    at = size = 0
    while at == 0 or body.startswith(_GZIP, at):
        if len(parts) >= MOST_MEMBERS:
            raise Unpackable(f"the body is packed in more than {MOST_MEMBERS} parts")
        part, at = _member(body, at, wbits, limit - size)
        size += len(part)
        if size > limit:
            raise TooLarge(limit)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts), at


def _member(body: bytes, at: int, wbits: int, most: int) -> tuple[bytes, int]:
    """The member that begins at `at`, and where it ends; of one that holds more than `most` bytes a little more.

    It is read in pieces, since whatever follows it in a piece is copied.
    """
    packer = zlib.decompressobj(wbits)
    parts: list[bytes] = []
    size, piece = 0, _PIECE
    while not packer.eof and size <= most:
        if at >= len(body):
            raise Unpackable("the packed body is cut short")
        try:
            part = packer.decompress(body[at : at + piece], most - size + 1)
        except zlib.error as error:
            raise Unpackable(f"the packed body is damaged: {error}") from None
        parts.append(part)
        size += len(part)
        at += piece
        piece = min(2 * piece, _MOST_PIECE)
    return b"".join(parts), min(at, len(body)) - len(packer.unused_data)


def _as_utf8(body: bytes) -> bytes:
    """The text without a byte order mark, in UTF-8; what is no character becomes U+FFFD."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            text = body[len(mark) :]
            return text if name == "utf-8" else text.decode(name, errors="replace").encode()
    found = _without_mark(body)
    return body if found is None else body.decode(found, errors="replace").encode()


def _without_mark(body: bytes) -> str | None:
    head = body[:_HEAD]
    return _ZEROS.get((head[0] == 0, head[1] == 0, head[2] == 0, head[3] == 0)) if len(head) == _HEAD else None


def _is_text(body: bytes) -> bool:
    head = body[:_LOOK]
    return bool(head) and head[0] in _TEXT_STARTS and not any(byte in _CONTROL for byte in head)
