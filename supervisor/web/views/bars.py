"""Bars that stand on each other, one for each hour or day: where each part is in a picture of a fixed size. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH: Final = 960
HEIGHT: Final = 200
_GAP: Final = 0.15  # of the width of a bar
_STEPS: Final = (1, 2, 5, 10)


class Rect(NamedTuple):
    """One part of a bar, in units of the picture; `title` says what it is."""

    name: str
    x: float
    y: float
    width: float
    height: float
    title: str


class Mark(NamedTuple):
    """A line across the picture, and the number that it stands for."""

    y: float
    value: int


class Bars(NamedTuple):
    """The picture."""

    rects: list[Rect]
    marks: list[Mark]


def bars(columns: Sequence[tuple[str, Mapping[str, int]]], names: Sequence[str]) -> Bars:
    """The bars of these columns: a label and the number of each name, the first name at the bottom."""
    top = _top(max((sum(numbers.values()) for _, numbers in columns), default=0))
    step = WIDTH / max(1, len(columns))
    rects = []
    for place, (label, numbers) in enumerate(columns):
        below = 0
        for name in names:
            number = numbers.get(name, 0)
            if number > 0:
                height = HEIGHT * number / top
                y = HEIGHT - HEIGHT * below / top - height
                x, width = step * place + step * _GAP / 2, step * (1 - _GAP)
                rects.append(
                    Rect(name, _short(x), _short(y), _short(width), _short(height), f"{label}: {number:,} {name}")
                )
                below += number
    return Bars(rects, [Mark(_short(HEIGHT - HEIGHT * value / top), value) for value in (top // 2, top) if value])


def _top(highest: int) -> int:
    """The next round number: 1, 2 or 5 with zeros behind it, and even where it is above 1."""
    scale = 1
    while scale * 10 < highest:
        scale *= 10
    return max(2, next(step * scale for step in _STEPS if step * scale >= highest))


def _short(number: float) -> float:
    return round(number, 2)
