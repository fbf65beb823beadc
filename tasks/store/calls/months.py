"""The months of `calls`: made ahead of time, and dropped whole.

A call of a month without a part of its own is kept in `calls_other`, so that none is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

from psycopg import sql

from tasks.store.duties.duty import Duty, Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.store.connection import Connection

_HOUR_S: Final = 3_600.0
MONTHS_AHEAD: Final = 2
_MANY: Final = 10_000
_MONTHS: Final = 12
_OTHER: Final = "calls_other"
_LOCK: Final = 0x5C1A_CA11  # any number nobody else uses as an advisory lock; it is per database
# A part has one range, from one month to a later one; that of the oldest begins at MINVALUE.
_PARTS: Final = r"""
SELECT c.relname, b.bounds[1]::timestamptz, b.bounds[2]::timestamptz, greatest(c.reltuples, 0)::bigint,
       pg_total_relation_size(c.oid)
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid,
     regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \((?:MINVALUE|'(.*)')\) TO \('(.*)'\)$$) AS b (bounds)
WHERE i.inhparent = 'calls'::regclass AND b.bounds IS NOT NULL
ORDER BY b.bounds[2]::timestamptz
"""
_IS_OURS: Final = """
SELECT pg_has_role(relowner, 'USAGE') AND has_schema_privilege(relnamespace, 'CREATE')
FROM pg_class WHERE oid = 'calls'::regclass
"""
_LOCK_IT: Final = "SELECT pg_try_advisory_xact_lock(%s)"
# What is in the way of a part can be moved into it while it is little.
_CAN_BE_MADE: Final = """
SELECT to_regclass(quote_ident(%(name)s)) IS NULL
   AND (SELECT count(*) FROM (SELECT FROM calls WHERE at >= %(begin)s AND at < %(end)s LIMIT %(many)s) AS c) < %(many)s
"""
_LIKE: Final = "CREATE TABLE {name} (LIKE calls INCLUDING DEFAULTS INCLUDING COMMENTS)"
_COMMENT: Final = "COMMENT ON TABLE {name} IS {words}"
_MOVE: Final = """
WITH moved AS (DELETE FROM calls_other WHERE at >= {begin} AND at < {end} RETURNING *)
INSERT INTO {name} SELECT * FROM moved
"""
_ATTACH: Final = "ALTER TABLE calls ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"
_DELETE: Final = """
WITH old AS (SELECT at, id FROM {table} WHERE at < %s ORDER BY at LIMIT %s)
DELETE FROM {table} AS calls USING old WHERE calls.at = old.at AND calls.id = old.id
"""


class Part(NamedTuple):
    """One part of the table: a month, or all that came before the first one.

    Attributes:
        begin: its first moment; None when it has none.
        end: the first moment after it.
        rows: its rows, as PostgreSQL estimates them.
        size: its bytes on the disk.
    """

    name: str
    begin: datetime | None
    end: datetime
    rows: int
    size: int

    def covers(self, time: datetime) -> bool:
        """Whether a call of that time is in it."""
        return (self.begin is None or self.begin <= time) and time < self.end


class Dropped(NamedTuple):
    """What one step of dropping came to.

    Attributes:
        rows: calls that went; an estimate where a whole month did.
        has_more: whether another step may find more.
    """

    rows: int
    has_more: bool


def parts(conn: Connection) -> list[Part]:
    """The parts of the table, oldest first; `calls_other` is none of them."""
    found = conn.execute(_PARTS, prepare=False).fetchall()
    return [Part(name, begin, end, rows, size) for name, begin, end, rows, size in found]


def make(conn: Connection, now: datetime) -> list[str]:
    """Make the parts of this month and the next two, in the caller's transaction; the names of those that are new.

    What there is of their calls in `calls_other` moves into them, unless it is much: then it stays, without a part.
    Nothing is made when somebody else does it at this moment, or when the user may make no tables.

    Raises:
        psycopg.errors.LockNotAvailable: somebody reads `calls_other`; try again another time.
    """
    known = parts(conn)
    missing = [month for month in _months(now) if not any(part.covers(month) for part in known)]
    if not any(_can_be_made(conn, month) for month in missing):
        return []
    # Two who have both looked would wait for each other's look to end.
    if not _yes(conn, _IS_OURS) or not _yes(conn, _LOCK_IT, (_LOCK,)):
        return []
    conn.execute("LOCK TABLE calls_other IN ACCESS EXCLUSIVE MODE")  # nobody adds to it what would be in the way
    return [_make(conn, month) for month in missing if _can_be_made(conn, month)]


def _make_ahead(conn: Connection) -> Step:
    make(conn, datetime.now(UTC))
    return Step(has_more=False)


AHEAD: Final = Duty(name="months of calls", step=_make_ahead, rest_s=_HOUR_S)


def droppable(conn: Connection, before: datetime) -> list[Part]:
    """The parts that hold nothing from `before` on: what `drop` drops whole; none where the user may drop none."""
    return [part for part in parts(conn) if part.end <= before] if _yes(conn, _IS_OURS) else []


def deleted_by_row(conn: Connection) -> list[str]:
    """The tables of which `drop` deletes single calls: what has no month, or all where the user may drop none."""
    if not _yes(conn, _IS_OURS):
        return ["calls"]
    return [_OTHER, *(part.name for part in parts(conn) if part.begin is None)]


def drop(conn: Connection, before: datetime, *, limit: int = 5_000) -> Dropped:
    """Drop the oldest month that ended by `before`, in the caller's transaction; its sums by hour stay.

    When there is none left, up to `limit` calls from before that no month has are deleted: those in `calls_other`, and
    those of before the first month. A user who does not own the table may drop no month: then calls of all parts are
    deleted so.

    Raises:
        psycopg.errors.LockNotAvailable: somebody reads the table; try again another time.
    """
    for part in droppable(conn, before):
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(part.name)))
        return Dropped(part.rows, has_more=True)
    gone = 0
    for name in deleted_by_row(conn):
        statement = sql.SQL(_DELETE).format(table=sql.Identifier(name))
        gone += conn.execute(statement, (before, limit - gone), prepare=False).rowcount
    return Dropped(gone, has_more=gone == limit)


def _can_be_made(conn: Connection, begin: datetime) -> bool:
    values = {"name": _name(begin), "begin": begin, "end": _next(begin), "many": _MANY}
    return _yes(conn, _CAN_BE_MADE, values)


def _make(conn: Connection, begin: datetime) -> str:
    name = _name(begin)
    values = {
        "name": sql.Identifier(name),
        "begin": sql.Literal(begin.isoformat()),
        "end": sql.Literal(_next(begin).isoformat()),
        "words": sql.Literal(f"Calls of {begin:%Y-%m}, in UTC."),
    }
    for statement in (_LIKE, _COMMENT, _MOVE, _ATTACH):
        conn.execute(sql.SQL(statement).format(**values))
    return name


def _name(month: datetime) -> str:
    return f"calls_{month:%Y_%m}"


def _months(now: datetime) -> list[datetime]:
    """The beginnings of the month of `now` and of those that follow, in UTC."""
    months = [now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)]
    while len(months) <= MONTHS_AHEAD:
        months.append(_next(months[-1]))
    return months


def _next(month: datetime) -> datetime:
    if month.month == _MONTHS:
        return month.replace(year=month.year + 1, month=1)
    return month.replace(month=month.month + 1)


def _yes(conn: Connection, question: LiteralString, values: Sequence[Any] | Mapping[str, Any] | None = None) -> bool:
    row = conn.execute(question, values, prepare=False).fetchone()
    return row is not None and bool(row[0])
