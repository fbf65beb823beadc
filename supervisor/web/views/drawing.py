"""A chart as the paths of a picture, for a browser that runs no program: the same lines, without their labels. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH: Final = 600
HEIGHT: Final = 200


class Steps(NamedTuple):
    """A line that holds each value until the next one.

    Attributes:
        style: the name of its colour and dashes.
        at: the moments, in their order.
        values: what holds from each of them on; None where nothing does.
        scale: lines of one scale are drawn over one range of values.
    """

    style: str
    at: Sequence[float]
    values: Sequence[float | None]
    scale: str = ""


class Path(NamedTuple):
    """A line as SVG has it."""

    style: str
    path: str


def drawn(lines: Iterable[Steps], since: float, until: float, *, from_zero: bool = False) -> list[Path]:
    """The lines in a picture of `WIDTH` by `HEIGHT`, which shows the time from `since` to `until`.

    Each scale reaches from its lowest value, or from zero if that is wanted, to its highest.
    """
    every = list(lines)
    found = []
    for line in every:
        known = [one for other in every if other.scale == line.scale for one in other.values if one is not None]
        if not known:
            continue
        low, high = min([*known, *([0.0] if from_zero else [])]), max(known)
        found.append(Path(line.style, _path(line, _Box(since, until, low, high))))
    return [one for one in found if one.path]


class _Box(NamedTuple):
    since: float
    until: float
    low: float
    high: float

    def x(self, at: float) -> int:
        part = (at - self.since) / ((self.until - self.since) or 1)
        return round(WIDTH * min(1.0, max(0.0, part)))

    def y(self, value: float) -> int:
        """Away from the edges, where half of the line would be cut off."""
        part = (value - self.low) / ((self.high - self.low) or 1)
        return round(HEIGHT - 2 - (HEIGHT - 4) * part)


def _path(line: Steps, box: _Box) -> str:
    """Moves to the right and up or down; in a column of points the first, the extremes and the last are kept."""
    parts: list[str] = []
    columns: list[tuple[int, list[int | None]]] = []
    for at, value in zip(line.at, line.values, strict=True):
        x, y = box.x(at), None if value is None else box.y(value)
        if columns and columns[-1][0] == x:
            columns[-1][1].append(y)
        else:
            columns.append((x, [y]))
    is_down = False
    for x, ys in columns:
        known = [y for y in ys if y is not None]
        if is_down:
            parts.append(f"H{x}")
        if known:
            kept = list(dict.fromkeys((known[0], min(known), max(known), known[-1])))
            kept += [known[-1]] if kept[-1] != known[-1] else []
            if not is_down:
                parts.append(f"M{x} {kept.pop(0)}")
            parts += [f"V{y}" for y in kept]
        is_down = ys[-1] is not None
    return "".join(parts)
