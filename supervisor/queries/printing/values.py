"""Values as CSV and JSON have them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def in_utc(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The value with every moment in UTC, whatever time zone the database has."""
    match value:
        case datetime():
            return value.astimezone(UTC)
        case dict():
            return {name: in_utc(inner) for name, inner in value.items()}
        case list() | tuple():
            return [in_utc(inner) for inner in value]
        case _:
            return value


def inert(cell: object) -> object:
    """The cell for CSV: a moment in UTC, a list in one text, an apostrophe before what a spreadsheet would run."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(cell, list | tuple):
        return inert(" ".join(map(str, cell)))
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
