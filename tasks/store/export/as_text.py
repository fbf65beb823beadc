"""What makes text of the columns of an export, as expressions of SQL: a line of CSV, an object of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

_IN_UTC: Final = "replace(({name} AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"
_INERT: Final = """
CASE WHEN left({name}, 1) IN ('=', '+', '-', '@', E'\\t', E'\\r') THEN '''' || {name} ELSE {name} END
"""
# Written by us, by Amazon or by Keepa, and by no seller: letters, digits and signs that need no escape.
_NO_FREE_TEXT: Final = frozenset({"asin", "shop", "currency", "price_type", "worker", "tier", "endpoint", "shape"})
# What `row_to_json` makes takes three times as long: it looks into the catalogue for each value, and its text has to be
# searched for line breaks, which can only stand between the parts of what was JSON before.
_AS_IT_IS: Final = "{name}::text"
_QUOTED: Final = "'\"' || {name}::text || '\"'"
_ESCAPED: Final = "to_json({name})::text"
_IN_ONE_LINE: Final = "translate({name}::text, E'\\n\\r', '  ')"
_MOMENT: Final = "'\"' || replace(({name} AT TIME ZONE 'UTC')::text, ' ', 'T') || '+00:00\"'"
_JSON_OF_TYPE: Final[dict[str, LiteralString]] = {
    "bool": _AS_IT_IS,
    "int2": _AS_IT_IS,
    "int4": _AS_IT_IS,
    "int8": _AS_IT_IS,
    "numeric": _AS_IT_IS,
    "date": _QUOTED,
    "timestamptz": _MOMENT,
    "json": _IN_ONE_LINE,
}
_MOST_ARGUMENTS: Final = 50  # of `concat`; PostgreSQL allows 100


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column, with the name of its type in PostgreSQL, such as `int4`, `timestamptz` or `text[]`."""

    name: str
    type_name: str


def in_csv(column: ExportColumn) -> sql.Composable:
    """The value as COPY writes it into CSV: times in UTC, and nothing that a spreadsheet would run as a formula."""
    if column.type_name == "timestamptz":
        return _around(_IN_UTC, column)
    is_free = column.type_name == "text" and column.name not in _NO_FREE_TEXT
    return _around(_INERT, column) if is_free else sql.Identifier(column.name)


def as_object(columns: Sequence[ExportColumn]) -> sql.Composed:
    """The JSON object of these columns in one line, without the brace at its end."""
    members = [_member(column, is_first=number == 0) for number, column in enumerate(columns)]
    parts = [members[at : at + _MOST_ARGUMENTS] for at in range(0, len(members), _MOST_ARGUMENTS)]
    together = [sql.SQL("concat({members})").format(members=sql.SQL(", ").join(part)) for part in parts]
    return sql.SQL(" || ").join(together)


def _member(column: ExportColumn, *, is_first: bool) -> sql.Composed:
    name = ("{" if is_first else ",") + json.dumps(column.name) + ":"
    return sql.SQL("{name} || coalesce({value}, 'null')").format(name=sql.Literal(name), value=_in_json(column))


def _in_json(column: ExportColumn) -> sql.Composed:
    if column.type_name == "text":
        return _around(_QUOTED if column.name in _NO_FREE_TEXT else _ESCAPED, column)
    return _around(_JSON_OF_TYPE.get(column.type_name, _ESCAPED), column)


def _around(expression: LiteralString, column: ExportColumn) -> sql.Composed:
    return sql.SQL(expression).format(name=sql.Identifier(column.name))
