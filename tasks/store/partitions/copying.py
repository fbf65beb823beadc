"""Copies the rows, a range of keys at a time, and then compares the two tables in the same way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from tasks.errors import ConfigError
from tasks.store.partitions import layout, tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

# Before all keys: no locale is below 1, no ASIN is empty.
BEGINNING: Final = {"domain": 0, "asin": "", "price_type": -1, "place": -1}
# What somebody writes at this moment is waited for, and what is locked is neither changed nor deleted before it is
# copied. What is there already was written by a writer of today, and is newer.
_COPY: Final = """
WITH next AS MATERIALIZED (
    SELECT {columns} FROM {old} WHERE ({key}) > ({after}) ORDER BY {key} LIMIT %(rows)s FOR SHARE
), copied AS (
    INSERT INTO {new} ({columns}) SELECT {columns} FROM next ON CONFLICT DO NOTHING
)
SELECT {key}, count(*) OVER () FROM next ORDER BY {descending} LIMIT 1
"""
# One snapshot shows both. `*=` compares what is stored, whatever its type.
_COMPARE: Final = """
WITH next AS MATERIALIZED (
    SELECT {key} FROM {old} WHERE ({key}) > ({after}) ORDER BY {key} LIMIT %(rows)s
), last AS MATERIALIZED (
    SELECT {key} FROM next ORDER BY {descending} LIMIT 1
), a AS MATERIALIZED (
    SELECT {columns} FROM {old} WHERE ({key}) > ({after}) AND ({key}) <= (SELECT {key} FROM last)
), b AS MATERIALIZED (
    SELECT {columns} FROM {new} WHERE ({key}) > ({after}) AND ({key}) <= (SELECT {key} FROM last)
)
SELECT {last_key}, (SELECT count(*) FROM next),
    (SELECT count(*) FROM a FULL JOIN b USING ({key}) WHERE (a *= b) IS NOT TRUE)
FROM last
"""
_WRITE_AGAIN: Final = "UPDATE {old} SET {by} = {by} WHERE ({key}) = ({after})"
_BEYOND: Final = "SELECT count(*) FROM {new} WHERE ({key}) > ({after})"


class Stretch(NamedTuple):
    """What was done of a table.

    Attributes:
        last: the key that it ended with; None when there was nothing more.
        rows: how many it was.
        wrong: rows that differ between the two tables.
    """

    last: list[Any] | None
    rows: int
    wrong: int = 0


def copy(conn: Connection, table: LiteralString, after: Sequence[Any], rows: int) -> Stretch:
    """Copy the next so many rows, in the caller's transaction."""
    found = conn.execute(_statement(conn, _COPY, table), _values(table, after, rows), prepare=False).fetchone()
    return Stretch(None, 0) if found is None else Stretch(list(found[:-1]), found[-1])


def compare(conn: Connection, table: LiteralString, after: Sequence[Any], rows: int) -> Stretch:
    """Compare the next so many rows with their copies, and at the end see that there are no others."""
    values = _values(table, after, rows)
    found = conn.execute(_statement(conn, _COMPARE, table), values, prepare=False).fetchone()
    if found is not None:
        return Stretch(list(found[:-2]), found[-2], found[-1])
    (beyond,) = conn.execute(_statement(conn, _BEYOND, table), values, prepare=False).fetchone() or (0,)
    return Stretch(None, 0, beyond)


def rehearse(conn: Connection, table: LiteralString) -> None:
    """Return if a row can be copied, and a writer can write it; to be called where it is taken back.

    Raises:
        ConfigError: something of the table stands in the way of either; the message says what.
    """
    beginning = [BEGINNING[name] for name in tables.KEYS[table]]
    try:
        last = copy(conn, table, beginning, 1).last
        if last is not None:
            conn.execute(_statement(conn, _WRITE_AGAIN, table), _values(table, last, 1), prepare=False)
    except (psycopg.ProgrammingError, psycopg.IntegrityError) as error:
        raise ConfigError(
            f"a row of {table} cannot be written to a table in partitions as well ({error.diag.message_primary}): take "
            "away what was added to the table, and make it again afterwards where partitions may have it"
        ) from error


def _values(table: LiteralString, after: Sequence[Any], rows: int) -> dict[str, Any]:
    return {**dict(zip(tables.KEYS[table], after, strict=True)), "rows": rows}


def _statement(conn: Connection, form: LiteralString, table: LiteralString) -> bytes:
    return _formed(form, table, tuple(layout.written_columns(conn, table)))


@lru_cache
def _formed(form: LiteralString, table: LiteralString, columns: tuple[str, ...]) -> bytes:
    key, comma = tables.KEYS[table], sql.SQL(", ")
    return (
        sql.SQL(form)
        .format(
            old=sql.Identifier(table),
            new=sql.Identifier(tables.filling(table)),
            by=sql.Identifier(tables.BY),
            columns=comma.join(map(sql.Identifier, columns)),
            key=comma.join(map(sql.Identifier, key)),
            last_key=comma.join(sql.Identifier("last", name) for name in key),
            descending=comma.join(sql.SQL("{} DESC").format(sql.Identifier(name)) for name in key),
            after=comma.join(map(sql.Placeholder, key)),
        )
        .as_bytes(None)
    )
