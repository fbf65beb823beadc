"""Writes what a query found: as a table in the terminal, as CSV, as JSON.

A table is as wide as the terminal and no wider, whatever the text holds. It is not made by `rich.table`, which leaves
out whole columns in 40 cells and takes 10 s for 5,000 deals; this takes less than one.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Final, Self, TypeVar

import msgspec
from rich.cells import cell_len, set_cell_size

from supervisor.queries.printing.plain_text import readable
from supervisor.queries.printing.values import in_utc, inert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

_GAPS: Final = ("  ", " ")  # the narrower one when narrowing columns does not suffice
_MIN_CELLS: Final = 12  # cells that an elastic column keeps, however narrow the terminal is
_ELLIPSIS: Final = "…"


FORMAT: Final = 1  # of the JSON; a change that a reader could stumble over adds 1, for the command it is in
_COLUMNS: Final = 80
_AT_ONCE: Final = 1_000  # lines or items of a stream that are written together
_CSV_END: Final = b"\r\n"
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What a command prints with `--json`: one object. `sluicegate schema` makes its JSON Schema of the fields.

    Attributes:
        format: grows by 1 when a key is removed or means something else; a new key leaves it as it is.
    """

    format: int = FORMAT


def terminal_width() -> int | None:
    """The width of the terminal in cells; None when the output is not a terminal, where lines may have any length."""
    return shutil.get_terminal_size((_COLUMNS, 24)).columns if sys.stdout.isatty() else None


def text(*lines: str) -> None:
    """Write lines; a character that the terminal cannot encode is shown as a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def linked(words: str, url: str | None) -> str:
    """The words, which lead to an address where the output is a terminal that can do that."""
    return _link(words, url) if url is not None and _shows_links() else words


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Write a table as wide as the terminal."""
    text(*lines(columns, rows, width=terminal_width(), has_links=_shows_links()))


def as_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under a heading as CSV (RFC 4180), in UTF-8, times in UTC; a value that is not known is empty.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, because sellers write the titles.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(names)
    writer.writerows([[inert(cell) for cell in row] for row in rows])
    as_bytes(written.getvalue().encode())


def as_csv_lines(names: Sequence[str], lines: Iterable[bytes]) -> None:
    """Write lines that are CSV already but for their ends, as they come, under a heading."""
    as_bytes(",".join(names).encode() + _CSV_END)
    for part in _parts(lines):
        as_bytes(b"".join(line[:-1] + _CSV_END for line in part))


def as_json(whole: Output) -> None:
    """Write one JSON object in one line. Money keeps its digits, times are ISO 8601 in UTC."""
    as_bytes(_encoded(whole) + b"\n")


def as_json_list(head: Output, items: Iterable[object]) -> None:
    """Write such an object whose last part is a long list, empty in `head`, as its items come."""
    as_bytes(_encoded(head).removesuffix(b"]}"))
    comma = b""
    for part in _parts(items):
        as_bytes(comma + b",".join(map(_encoded, part)))
        comma = b","
    as_bytes(b"]}\n")


def _encoded(value: object) -> bytes:
    return _ENCODER.encode(in_utc(msgspec.to_builtins(value, builtin_types=(datetime, Decimal))))


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, _AT_ONCE)):
        yield part


def as_bytes(data: bytes) -> None:
    """Write these bytes, whatever the encoding of the terminal."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class Linked(str):
    """The text of a cell that leads to an address where the terminal can do that."""

    __slots__ = ("url",)

    url: str | None

    def __new__(cls, text: str, url: str | None) -> Self:
        """Make one; without an address it is the text alone."""
        made = super().__new__(cls, text)
        made.url = url
        return made


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its heading. Numbers are aligned right; an elastic column is cut when the line is too long."""

    heading: str
    is_number: bool = False
    is_elastic: bool = False


def lines(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int | None, has_links: bool = False
) -> list[str]:
    """The heading and the rows, each at most `width` cells wide; without a limit when that is None."""
    given = [[*row] for row in rows]
    shown = [[readable(cell) for cell in row] for row in given]
    table = [[column.heading for column in columns], *shown]
    widths = [max(cell_len(row[at]) for row in table) for at in range(len(columns))]
    gap = _GAPS[0]
    if width is not None:
        minimum = [min(w, _MIN_CELLS) if column.is_elastic else w for column, w in zip(columns, widths, strict=True)]
        gap = next((one for one in _GAPS if sum(minimum) + len(one) * (len(minimum) - 1) <= width), _GAPS[-1])
        widths = _fitted(columns, widths, width - len(gap) * (len(widths) - 1))
    written = [_cut(columns, row, widths) for row in table]
    if has_links:
        written[1:] = [[*map(_linked, row, cells)] for row, cells in zip(given, written[1:], strict=True)]
    return [gap.join(cells).rstrip() for cells in written]


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells; an ellipsis at its end shows that it was cut."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + _ELLIPSIS


def _fitted(columns: Sequence[Column], widths: list[int], width: int) -> list[int]:
    """The widths, with elastic columns narrowed, the widest first, until they are `width` together."""
    excess = sum(widths) - width
    fitted = list(widths)
    for at in sorted(range(len(columns)), key=widths.__getitem__, reverse=True):
        if excess > 0 and columns[at].is_elastic:
            fitted[at] = max(min(widths[at], _MIN_CELLS), widths[at] - excess)
            excess -= widths[at] - fitted[at]
    return fitted


def _cut(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The cells of a line, each as wide as its column."""
    cells = []
    for column, cell, width in zip(columns, row, widths, strict=True):
        text = cut(cell, width)
        pad = " " * (width - cell_len(text))
        cells.append(pad + text if column.is_number else text + pad)
    return cells


def _linked(cell: str, shown: str) -> str:
    """The cell as a hyperlink (OSC 8), when it leads somewhere; the spaces around it do not."""
    url = cell.url if isinstance(cell, Linked) else None
    bare = shown.strip()
    return shown if url is None or not bare else shown.replace(bare, _link(bare, url), 1)


def _link(words: str, url: str) -> str:
    return f"\x1b]8;;{url}\x1b\\{words}\x1b]8;;\x1b\\"


def _shows_links() -> bool:
    """Whether the output is a terminal that knows more than letters; those that know no links show none."""
    if not sys.stdout.isatty():
        return False
    from rich.console import Console

    return not Console().is_dumb_terminal
