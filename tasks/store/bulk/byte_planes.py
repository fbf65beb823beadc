"""Lists of numbers as byte planes: the highest byte of each number, then the next byte of each, and so on. Pure.

A list takes as many planes as its largest number needs, usually one or two in place of four, and the planes of high
bytes, which change seldom, are what a compressor shortens. PostgreSQL reads one number by its place, without those
before it: the SQL function `number_at` does.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_NONE: Final = 0xFF  # each byte of -1, the lowest one of which is also that of 255
_LOWEST_BYTE_FIRST: Final = sys.byteorder == "little"
_WORD: Final = 4
PAGE_BITS: Final = 16
_LIST_HEAD: Final = 24  # bytes of an int4[] beside its numbers


def of_values(numbers: array[int]) -> bytes:
    """The planes of 32-bit integers; in each width all ones are -1, and only four planes hold other negative ones."""
    lowest, second, third, highest = planes = _planes(numbers)
    count, below_0 = len(numbers), highest.count(_NONE)
    at_least_0 = count - below_0
    if highest.count(0) != at_least_0 or (below_0 and numbers.count(-1) != below_0):
        return _joined(planes)
    if third.count(0) != at_least_0:
        return _joined(planes[: 3 if _is_clear(numbers, third, below_0, 3) else 4])
    if second.count(0) != at_least_0:
        return _joined(planes[: 2 if _is_clear(numbers, second, below_0, 2) else 3])
    return lowest if lowest.count(_NONE) == below_0 else _joined(planes[:2])


def of_minutes(minutes: array[int]) -> tuple[list[int] | None, bytes]:
    """The planes of rising 32-bit integers, and at which places their upper 16 bits rise by one, from the first's on.

    With such places there are two planes; without them, where these would take more room than they save, four.
    """
    planes = _planes(minutes)
    first_page, last_page = minutes[0] >> PAGE_BITS, minutes[-1] >> PAGE_BITS
    if _LIST_HEAD + _WORD * (last_page - first_page) > 2 * len(minutes):
        return None, _joined(planes)
    pages = range(first_page + 1, last_page + 1)
    return [bisect_left(minutes, page << PAGE_BITS) for page in pages], _joined(planes[:2])


def _planes(numbers: array[int]) -> tuple[bytes, bytes, bytes, bytes]:
    """All lowest bytes first."""
    words = numbers.tobytes()
    first, second, third, fourth = (words[at::_WORD] for at in range(_WORD))
    return (first, second, third, fourth) if _LOWEST_BYTE_FIRST else (fourth, third, second, first)


def _joined(planes: tuple[bytes, ...]) -> bytes:
    return b"".join(reversed(planes))


def _is_clear(numbers: array[int], highest_kept: bytes, below_0: int, width: int) -> bool:
    """Whether no number but -1 is all ones in so many bytes."""
    return highest_kept.count(_NONE) == below_0 or max(numbers) != (1 << 8 * width) - 1


def read_values(planes: bytes, points: int) -> array[int]:
    """So many numbers, as `of_values` made planes of them."""
    width = len(planes) // points
    numbers = _read_planes(planes, points, width)
    none = (1 << 8 * width) - 1
    if width < _WORD and none in numbers:
        return array("i", [-1 if number == none else number for number in numbers])
    return numbers


def read_minutes(pages: Sequence[int] | None, planes: bytes, points: int, first_minute: int) -> array[int]:
    """So many minutes, as `of_minutes` made planes of them, the first of which is known."""
    if pages is None:
        return _read_planes(planes, points, _WORD)
    lower = _read_planes(planes, points, 2)
    minutes, page = array("i"), first_minute >> PAGE_BITS
    for begin, end in pairwise((0, *pages, points)):
        upper = page << PAGE_BITS
        minutes.extend([upper | number for number in lower[begin:end]])
        page += 1
    return minutes


def _read_planes(planes: bytes, points: int, width: int) -> array[int]:
    """Numbers of so many planes, the highest one first; what they lack is 0."""
    words = bytearray(_WORD * points)
    for plane in range(width):
        words[width - 1 - plane :: _WORD] = planes[plane * points : (plane + 1) * points]
    numbers = array("i")
    numbers.frombytes(words)
    if not _LOWEST_BYTE_FIRST:
        numbers.byteswap()
    return numbers
