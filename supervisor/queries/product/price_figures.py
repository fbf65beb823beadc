"""What a history comes to: lowest, highest and mean value, how good that of now is, few enough points to draw. Pure.

A value holds from its minute until the next one. -1 means that there was none: nothing was offered.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_OF_A_BIN: Final = 4  # first, lowest, highest, last


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a history comes to in a time, in the unit of its values. Each is None where nothing was offered.

    Attributes:
        now: the value at the end of the time.
        now_since: the minute since when it holds.
        lowest_at: the first minute of the lowest value in that time; `highest_at` likewise.
        mean: weighted by how long each value held.
        above_percent: of the time in which something was offered, the part in which the value was above that of now.
        changes: how many there were.
    """

    now: int | None
    now_since: int | None
    lowest: int | None
    lowest_at: int | None
    highest: int | None
    highest_at: int | None
    mean: float | None
    above_percent: float | None
    changes: int


def clip(minutes: Sequence[int], values: Sequence[int], since: int, until: int) -> tuple[Sequence[int], Sequence[int]]:
    """The changes from `since` to `until`, after the value that held at `since`, which begins there."""
    begin, end = bisect_right(minutes, since), bisect_right(minutes, until)
    if begin == 0:
        return minutes[:end], values[:end]
    return [since, *minutes[begin:end]], values[begin - 1 : end]


def figures(minutes: Sequence[int], values: Sequence[int], since: int, until: int) -> Figures:
    """What the history comes to from `since` to `until`, both in the minutes of the history."""
    shown, held = clip(minutes, values, since, until)
    offered = [(value, at) for at, value in zip(shown, held, strict=True) if value >= 0]
    last = bisect_right(minutes, until) - 1
    now = values[last] if last >= 0 and values[last] >= 0 else None
    lasting = [
        (value, end - at) for value, (at, end) in zip(held, pairwise([*shown, until]), strict=True) if value >= 0
    ]
    whole = sum(length for _, length in lasting)
    lowest, highest = min(offered, default=None), max(offered, key=lambda one: (one[0], -one[1]), default=None)
    above = None if now is None else sum(length for value, length in lasting if value > now)
    return Figures(
        now=now,
        now_since=None if now is None else minutes[last],
        lowest=None if lowest is None else lowest[0],
        lowest_at=None if lowest is None else lowest[1],
        highest=None if highest is None else highest[0],
        highest_at=None if highest is None else highest[1],
        mean=sum(value * length for value, length in lasting) / whole if whole else None,
        above_percent=100 * above / whole if above is not None and whole else None,
        changes=bisect_right(minutes, until) - bisect_left(minutes, since),
    )


def reduce(minutes: Sequence[int], values: Sequence[int], most: int) -> tuple[list[int], list[int]]:
    """At most so many of the changes, in order: of each stretch of time the first, lowest, highest and last one.

    All of them where they are no more than that. `most` is at least 4.
    """
    if len(minutes) <= most:
        return list(minutes), list(values)
    bins = most // _OF_A_BIN
    begin, span = minutes[0], minutes[-1] - minutes[0] + 1
    places: list[int] = []
    for _, group in groupby(range(len(minutes)), lambda place: (minutes[place] - begin) * bins // span):
        places += _of_a_bin(list(group), values)
    return [minutes[place] for place in places], [values[place] for place in places]


def _of_a_bin(places: Sequence[int], values: Sequence[int]) -> Iterable[int]:
    offered = [place for place in places if values[place] >= 0]
    ends = {places[0], places[-1]}
    if offered:
        ends |= {min(offered, key=values.__getitem__), max(offered, key=values.__getitem__)}
    return sorted(ends)


def join(lines: Sequence[tuple[Sequence[int], Sequence[int]]]) -> tuple[list[int], list[list[int | None]]]:
    """Lines on one axis: all their minutes, rising, and of each line its value at each, or None where none held yet.

    A value of -1 becomes None too.
    """
    axis = sorted({minute for minutes, _ in lines for minute in minutes})
    return axis, [list(_on(axis, minutes, values)) for minutes, values in lines]


def _on(axis: Sequence[int], minutes: Sequence[int], values: Sequence[int]) -> Iterator[int | None]:
    place = -1
    for minute in axis:
        if place + 1 < len(minutes) and minutes[place + 1] <= minute:
            place += 1
        value = values[place] if place >= 0 else -1
        yield value if value >= 0 else None
