"""Text in columns, as wide as the terminal and no wider, whatever the text holds."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAPS: Final = ("  ", " ")  # the narrower one when nothing else helps
_LEAST: Final = 12  # cells that are left to the widest column, however narrow the terminal
_MORE: Final = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading; numbers stand right; an elastic one gives way when the line is too long."""

    heading: str
    is_number: bool = False
    is_elastic: bool = False


def lines(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int | None) -> list[str]:
    """The heading and the rows, each at most `width` cells; as wide as need be when that is None."""
    shown = [[readable(cell) for cell in row] for row in rows]
    table = [[column.heading for column in columns], *shown]
    widths = [max(cell_len(row[at]) for row in table) for at in range(len(columns))]
    gap = _GAPS[0]
    if width is not None:
        least = [min(w, _LEAST) if column.is_elastic else w for column, w in zip(columns, widths, strict=True)]
        gap = next((one for one in _GAPS if sum(least) + len(one) * (len(least) - 1) <= width), _GAPS[-1])
        widths = _fitted(columns, widths, width - len(gap) * (len(widths) - 1))
    return [_line(columns, row, widths, gap) for row in table]


def readable(text: str) -> str:
    """The text in one line: HTML's entities as what they stand for, nothing that a terminal would obey."""
    plain = html.unescape(text) if "&" in text else text
    return "".join(char if char.isprintable() else " " for char in plain)


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells; a mark at its end tells that there was more."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + _MORE


def _fitted(columns: Sequence[Column], widths: list[int], width: int) -> list[int]:
    """The widths, those of elastic columns lessened, the widest first, until they are `width` together."""
    beyond = sum(widths) - width
    fitted = list(widths)
    for at in sorted(range(len(columns)), key=widths.__getitem__, reverse=True):
        if beyond > 0 and columns[at].is_elastic:
            fitted[at] = max(min(widths[at], _LEAST), widths[at] - beyond)
            beyond -= widths[at] - fitted[at]
    return fitted


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], gap: str) -> str:
    cells = []
    for column, cell, width in zip(columns, row, widths, strict=True):
        text = cut(cell, width)
        pad = " " * (width - cell_len(text))
        cells.append(pad + text if column.is_number else text + pad)
    return gap.join(cells).rstrip()
