"""Draws histories in a terminal. The library that draws is loaded here and nowhere else.

A history is drawn in steps, because a value holds until the next one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from ledger.localtime import day, minute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_COLOURS: Final = ("blue+", "green+", "red+", "magenta+", "cyan+", "yellow+")
_TICK_CELLS: Final = 18  # between two dates below the drawing
_SHORT_S: Final = 4 * 86400


def draw(curves: Mapping[str, Steps], *, until: float, size: tuple[int, int], is_colourless: bool) -> list[str]:
    """The lines of a drawing of `size` cells, the curves as steps, their names above.

    Curves are told apart by colour; where there is none, several are drawn with the first letter of their names.

    Args:
        curves: by name: moments in seconds since 1970, and values; one without any value is only named.
        until: the moment to which the last values hold.
        size: width and height in cells.
        is_colourless: whether to leave colours out, for what is no terminal.
    """
    plotext: Any = import_module("plotext")
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")  # the terminal keeps its own background
    figure.plot_size(*size)
    names = []
    for (name, steps), colour in zip(curves.items(), cycle(_COLOURS), strict=False):
        xs, ys, breaks = steps.corners(until)
        letter = name[0] if is_colourless and len(curves) > 1 else None
        shown = f"{name} ({letter})" if letter else name
        names.append((shown if is_colourless else plotext.colorize(shown, colour).string()) if xs else f"{name}: none")
        if not xs:
            continue
        signal = figure.signal(xs, ys, marker=letter or plotext.marker("braille", colour)).lines()
        for index in breaks:
            signal.line(index, False)
        figure.draw(signal)
    low = min((steps.moments[0] for steps in curves.values() if steps.moments), default=until)
    moments = ticks(low, until, max(2, size[0] // _TICK_CELLS))
    figure.ruler("x").ticks(moments, [_date(moment, until - low) for moment in moments])
    drawn: str = figure.build().string(colorless=is_colourless)
    return ["   ".join(names), *(line.rstrip() for line in drawn.rstrip("\n").split("\n"))]


def _date(moment: float, length_s: float) -> str:
    """The day here, with the time of day when the whole is short."""
    at = datetime.fromtimestamp(moment, UTC)
    return minute(at)[len("2026-") :] if length_s < _SHORT_S else day(at)


@dataclass(frozen=True, slots=True)
class Steps:
    """Moments in rising order, and what holds from each on: a value, or None for nothing at all."""

    moments: Sequence[float]
    values: Sequence[float | None]

    def since(self, moment: float) -> Steps:
        """From `moment` on, beginning with what held then."""
        at = bisect_right(self.moments, moment)
        if at == 0:
            return self
        return Steps([moment, *self.moments[at:]], self.values[at - 1 :])

    def corners(self, until: float) -> tuple[list[float], list[float], list[int]]:
        """The corners of the line, as moments and values, and at which of them it begins anew after a hole.

        The last value holds until `until`.
        """
        xs: list[float] = []
        ys: list[float] = []
        breaks: list[int] = []
        is_gap = False
        ends = [*self.moments[1:], max(until, *self.moments[-1:])] if self.moments else []
        for start, end, value in zip(self.moments, ends, self.values, strict=True):
            if value is None:
                is_gap = True
                continue
            if is_gap and xs:
                breaks.append(len(xs))
            is_gap = False
            xs += (start, end)
            ys += (value, value)
        return xs, ys, breaks


def ticks(low: float, high: float, count: int) -> list[float]:
    """At most `count` moments, evenly from `low` to `high`; one when there is nothing between them."""
    if high <= low or count < 2:  # noqa: PLR2004 - the two ends
        return [low]
    return [low + (high - low) * at / (count - 1) for at in range(count)]
