"""What a query found, to the terminal, to a spreadsheet, to a program."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from supervisor.queries import columns as tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supervisor.queries.columns import Column

FORMAT: Final = 1  # of the JSON; a change that a reader could stumble over adds 1, for the command it is in
_COLUMNS: Final = 80
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def terminal_width() -> int | None:
    """Cells of a line; None when the output is no terminal, where no line has to end."""
    return shutil.get_terminal_size((_COLUMNS, 24)).columns if sys.stdout.isatty() else None


def text(*lines: str) -> None:
    """Lines for people; what their terminal has no form for is shown as a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """A table for people."""
    text(*tables.lines(columns, rows, width=terminal_width()))


def as_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows under a heading, as RFC 4180 has them, in UTF-8 and UTC; nothing for what is not known.

    A text that a spreadsheet would run as a formula gets an apostrophe before it: titles are written by strangers.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(names)
    writer.writerows([[_inert(cell) for cell in row] for row in rows])
    as_bytes(written.getvalue().encode())


def _in_utc(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The value with every moment in UTC, whatever time zone the database has."""
    match value:
        case datetime():
            return value.astimezone(UTC)
        case dict():
            return {name: _in_utc(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_in_utc(inner) for inner in value]
        case _:
            return value


def _inert(cell: object) -> object:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def as_json(version: int = FORMAT, /, **parts: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """One object in one line. Money keeps its digits, times are ISO 8601 in UTC."""
    as_bytes(_ENCODER.encode({"format": version, **_in_utc(parts)}) + b"\n")


def as_bytes(told: bytes) -> None:
    """Just these bytes, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(told)
    sys.stdout.buffer.flush()
