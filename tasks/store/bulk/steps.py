"""Histories as steps of 16 bits: how far each point is from the one before it. Pure.

A list of steps and those beside it have an entry for each point. A value of -1 (no offer) is the step `NONE`, and the
next step starts from the value before it. Where a point is too far from the last one for 16 bits, entries that are no
points come before it: their minute is -1 - n, and they move the minute on by n times 32,768, and each value by 32,768
times its step. So every history of integers of 32 bits has a form, and a usual one takes two bytes a number. The SQL
function `series_points` undoes it.
"""

from __future__ import annotations

import sys
from array import array
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NONE: Final = -(2**15)
_UNIT_BITS: Final = 15
_MOST: Final = 2**15 - 1  # the highest step, of minutes and of values
_NO_VALUE: Final = -1
TYPE: Final = "h"  # the C short: 16 bits wherever CPython runs
_WORD_BITS: Final = 32
_IS_LITTLE: Final = sys.byteorder == "little"


def encode(minutes: array[int], columns: Sequence[array[int]], *, first: int | None = None) -> list[array[int]]:
    """The steps of the minutes, from `first` (else the first of them), and those of each column, from 0.

    Args:
        minutes: 32-bit integers, rising.
        columns: as many 32-bit integers each.
        first: the minute to begin from, at most the first of them.
    """
    if not minutes:
        return [array(TYPE) for _ in (minutes, *columns)]
    coded = [_differences(minutes, minutes[0] if first is None else first)]
    for column in columns:
        filled, without = _filled(column)
        steps, far = _differences(filled, 0)
        for place in without:
            steps[place] = NONE
        coded.append((steps, far))
    lists = [steps for steps, _ in coded]
    _insert_units(lists, [far for _, far in coded])
    return lists


def _filled(values: array[int]) -> tuple[array[int], list[int]]:
    """The values with the one before it (0 at the beginning) in place of each -1, and where those are."""
    places: list[int] = []
    left = values.count(_NO_VALUE)
    if not left:
        return values, places
    filled, place = values[:], -1
    for _ in range(left):
        place = values.index(_NO_VALUE, place + 1)
        filled[place] = filled[place - 1] if place else 0
        places.append(place)
    return filled, places


def _differences(numbers: array[int], before: int) -> tuple[array[int], Mapping[int, int]]:
    """What to add to each number's predecessor, the first one's being `before`; less units, and how many, by place.

    All at once, as one subtraction of two long numbers, unless one is negative: in a word of 32 bits, next + 2**31 -
    one never borrows, and its lower half is the difference if its upper 17 bits are 1 and zeros, or 0 and ones.
    """
    masks = _masks(len(numbers))
    low_first = numbers if _IS_LITTLE else _swapped(numbers)
    lanes = int.from_bytes(low_first, "little")
    if before < 0 or lanes & masks.highest:
        return _parted(b - a for a, b in zip([before, *numbers], numbers, strict=False))
    apart = (lanes | masks.highest) - ((lanes << _WORD_BITS | before) & masks.all_bits)
    halves = array(TYPE, apart.to_bytes(len(numbers) * numbers.itemsize, "little"))
    steps = (halves if _IS_LITTLE else _swapped(halves))[::2]
    is_far = (apart ^ apart >> 1) & masks.upper ^ masks.near
    far: dict[int, int] = {}
    if is_far or NONE in steps:
        before_each = [before, *numbers[:-1]]
        for place in _far_places(is_far, steps):
            far[place], steps[place] = divmod(numbers[place] - before_each[place], 2**_UNIT_BITS)
    return steps, far


def _far_places(is_far: int, steps: array[int]) -> list[int]:
    words = memoryview(is_far.to_bytes(len(steps) * 4, "little")).cast("I")
    return [place for place, (word, step) in enumerate(zip(words, steps, strict=True)) if word or step == NONE]


def _parted(differences: Iterable[int]) -> tuple[array[int], Mapping[int, int]]:
    steps, far = array(TYPE), {}
    for place, difference in enumerate(differences):
        if -_MOST <= difference <= _MOST:
            steps.append(difference)
        else:
            far[place], rest = divmod(difference, 2**_UNIT_BITS)
            steps.append(rest)
    return steps, far


def _insert_units(lists: Sequence[array[int]], far: Sequence[Mapping[int, int]]) -> None:
    """Put the entries that are no points before those that are too far away."""
    for place in sorted({place for units in far for place in units}, reverse=True):
        left = [units.get(place, 0) for units in far]
        while any(left):
            now = [max(-_MOST, min(_MOST, units)) for units in left]
            left = [units - some for units, some in zip(left, now, strict=True)]
            now[0] = -1 - now[0]
            for steps, step in zip(lists, now, strict=True):
                steps.insert(place, step)


def _swapped(numbers: array[int]) -> array[int]:
    swapped = numbers[:]
    swapped.byteswap()
    return swapped


class _Masks(NamedTuple):
    """Of so many words of 32 bits: some bits of each."""

    all_bits: int
    highest: int
    upper: int  # each of the upper 17 but the highest
    near: int  # what `upper` leaves of a small difference, each bit of it compared with the next higher one


@lru_cache(maxsize=1024)
def _masks(count: int) -> _Masks:
    all_bits = (1 << _WORD_BITS * count) - 1
    ones = all_bits // (2**_WORD_BITS - 1)
    return _Masks(all_bits, ones * 2**31, ones * (2**31 - 2**15), ones * 2**30)
